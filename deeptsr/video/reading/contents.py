"""Lists what is in a file, and how much, by its headers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av

from deeptsr.errors import InputError
from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.decoder import DEMUX_ERRORS, opened, video_stream
from deeptsr.video.reading.image_folder import images_of, probe_folder

__all__ = ["Contents", "contents", "picture_bytes", "rough_size"]

_COUNTED = 2000  # packets that are looked at, at most


@dataclass(frozen=True)
class Contents:
    """A file as a whole.

    Attributes:
        container: its name for people, such as "QuickTime / MOV".
        size_bytes: of the file, or of all images of a folder.
        sounds: one text for each, such as "aac, 48000 Hz, stereo, eng".
        subtitles: one text for each, such as "subrip, eng".
        others: further video, data, attachments: one text for each.
        chapters: how many.
    """

    container: str
    size_bytes: int
    sounds: tuple[str, ...] = ()
    subtitles: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    chapters: int = 0


def contents(info: VideoInfo) -> Contents:
    """List what is in an input beside the picture, by its headers.

    Args:
        info: from :func:`deeptsr.video.probe`.
    """
    if info.kind == "folder":
        images, _ = images_of(info.path)
        return Contents("folder of images", sum(image.stat().st_size for image in images))
    size = info.path.stat().st_size
    if info.kind == "gif":
        return Contents("GIF", size)
    with opened(info.path) as container:
        picture = video_stream(container, info.path, info.stream).index
        kinds: dict[str, list[str]] = {"audio": [], "subtitle": [], "other": []}
        for stream in container.streams:
            if stream.index != picture:
                kind = stream.type if stream.type in kinds else "other"
                kinds[kind].append(_describe(stream, name_type=kind == "other"))
        return Contents(
            container.format.long_name,
            size,
            tuple(kinds["audio"]),
            tuple(kinds["subtitle"]),
            tuple(kinds["other"]),
            len(container.chapters()),
        )


def _describe(stream: Any, *, name_type: bool) -> str:
    context = stream.codec_context
    words = [stream.type] if name_type else []
    if stream.type == "attachment":
        words.append(stream.name or "without a name")
    elif context is not None:
        words.append(context.codec.canonical_name)
    elif not name_type:
        words.append("of an unknown codec")
    if stream.type == "audio" and context is not None:
        words += [f"{context.sample_rate} Hz", context.layout.name]
    if stream.metadata.get("language", "und") != "und":
        words.append(stream.metadata["language"])
    return ", ".join(words)


def picture_bytes(info: VideoInfo) -> float:
    """Bytes of a picture that is coded as the change of another; of any, where all stand alone.

    On average over the first packets; 0 where it is no video file.
    """
    if info.kind != "video":
        return 0.0
    sizes: dict[bool, list[int]] = {True: [], False: []}
    try:
        with opened(info.path) as container:
            stream = video_stream(container, info.path, info.stream)
            for packet in islice(container.demux(stream), _COUNTED):
                if packet.size:
                    sizes[packet.is_keyframe].append(packet.size)
    except (InputError, *DEMUX_ERRORS):
        pass  # it is damaged, as its reading tells
    counted = sizes[False] or sizes[True]
    return sum(counted) / len(counted) if counted else 0.0


def rough_size(path: Path) -> float:
    """Pixels x frames of an input as its header names them; 0 where it cannot be read."""
    try:
        if path.is_dir():
            info = probe_folder(path)
            return float(info.frames * info.width * info.height)
        with opened(path) as container:
            stream = video_stream(container, path)
            seconds = (container.duration or 0) / av.time_base
            frames = stream.frames or seconds * float(stream.guessed_rate or 0)
            return float(frames * stream.codec_context.width * stream.codec_context.height)
    except (InputError, *DEMUX_ERRORS, ValueError):
        return 0.0
