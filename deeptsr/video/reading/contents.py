"""Lists what is in a file beside the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.decoder import opened, video_stream
from deeptsr.video.reading.image_folder import images_of

__all__ = ["Contents", "contents"]


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
        picture = video_stream(container, info.path).index
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
