"""Looks at an input: what it is, and exactly how many frames it has."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition

from deeptsr.errors import InputError
from deeptsr.video.destination import name_of
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import UNKNOWN, ColorTags, color_of, resolve
from deeptsr.video.picture.convert import alpha_of, tags_of
from deeptsr.video.picture.hdr import dynamic_notes, mark_notes, mastering_of
from deeptsr.video.picture.orientation import orientation_of
from deeptsr.video.picture.planes import bits, has_alpha, holds
from deeptsr.video.reading.decoder import Decoder, captured_log, cropping, opened, refuse_pipe
from deeptsr.video.reading.decoder import video_stream as chosen_stream
from deeptsr.video.reading.frame_count import (
    PACKET_IS_FRAME,
    REORDERED,
    count_decoded,
    scan,
    undelayed,
)
from deeptsr.video.reading.gif import is_gif, probe_gif
from deeptsr.video.reading.image_folder import probe_folder
from deeptsr.video.reading.timestamps import find_timeline

__all__ = ["probe"]

_ENDLESS = ("mpeg", "mpegts")  # formats that name no length: a cut does not show

_INDEX = 1 << 20  # bytes at either end of a file in which it is looked for
_PROGRESSIVE = 1  # FFmpeg's order of fields: 0 is unknown, above 1 there are two


def probe(
    path: str | os.PathLike[str],
    *,
    deinterlace: bool = False,
    background: str | None = None,
    video_stream: int | None = None,
) -> VideoInfo:
    """Look at a video, a GIF or a folder of images.

    The whole file is read once, without decoding, to count its packets; a file that shows damage,
    or whose codec does not keep one frame a packet, is decoded to count what comes out; and one
    that can be transparent, up to the first frame that is.

    Args:
        path: a file in one of the usual containers, of a codec that cameras, editors and archives
            write, or a folder.
        deinterlace: make whole pictures of the fields of interlaced video.
        background: lay transparent frames over this colour: "black", "white" or "#rrggbb".
        video_stream: which of the video streams is used, counted from 0; None: what players show.

    Raises:
        InputError: when it is missing, empty, damaged beyond use, or without video.
    """
    path = Path(name_of(path, InputError, "the input"))
    refuse_pipe(path)
    if path.is_dir():
        info = probe_folder(path)
    elif is_gif(path):
        info = probe_gif(path)
    else:
        return _probe_video(path, deinterlace, color_of(background), video_stream)
    if video_stream:
        raise InputError(
            f"{path} holds single pictures, which are one stream; leave `video_stream` out"
        )
    if deinterlace:
        raise InputError(
            f"{path} holds single pictures, which have no fields; leave deinterlacing out"
        )
    return replace(info, background=color_of(background))


def _probe_video(
    path: Path,
    deinterlace: bool,
    background: tuple[float, float, float] | None,
    number: int | None,
) -> VideoInfo:
    with captured_log() as told, opened(path) as container:
        stream = chosen_stream(container, path, number)
        number = container.streams.video.index(stream)
        others = _other_pictures(container, number)
        crop = cropping(container, stream)
        packets = scan(container, stream)
        if packets.encrypted:  # what a decoder makes of noise may look like frames
            raise _without_key(path)
        # Only what the container says counts: decoders say theirs again when the frames are read.
        faulty = any(who == container.format.name for _, who, _ in told[2 * packets.joints :])
        claimed = (stream.guessed_rate, stream.average_rate, stream.base_rate)
        time_base = stream.time_base or Fraction(1, 90_000)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        codec = stream.codec_context.codec.canonical_name
        fields = stream.codec_context.field_order > _PROGRESSIVE
        form = container.format.name
        endless = form in _ENDLESS
        sounds = [sound for sound in container.streams.audio if sound.codec_context is not None]
        heard = [
            max(
                Fraction(0), sound.start_time * sound.time_base
            )  # before 0 is what primes a decoder
            for sound in sounds
            if sound.start_time is not None and sound.time_base
        ]
    first = _first_frame(path, number)
    pix_fmt = first.format.name
    interlaced = fields or first.interlaced_frame
    orientation, note = orientation_of(first)
    notes = [*others, note] if note else others
    notes += _field_notes(interlaced, deinterlace) + mark_notes(first)
    color, color_notes = _color(first, path)
    notes += color_notes

    frames, stamps, cut_off = len(packets.stamps), packets.known, packets.cut_off
    if packets.doubts or faulty or codec not in PACKET_IS_FRAME or interlaced:
        frames, stamps, skipped = count_decoded(path, number)
        cut_off |= skipped > packets.joints
    if cut_off or faulty:
        of = f"{frames} of the {packets.named}" if packets.named > frames else f"the {frames}"
        notes.append(f"the file is cut off or damaged: {of} frames are used")
    if form == "avi" and codec in REORDERED:
        stamps = undelayed(stamps)
    if packets.joints:
        places = "in one place" if packets.joints == 1 else f"in {packets.joints} places"
        notes.append(
            f"the timestamps start again or jump {places}, as in recordings that were joined: time "
            "goes on there, for the sound too"
        )
    if len(stamps) != frames:  # some have none: they cannot be told apart
        stamps = []
    last = packets.last[1] if stamps and packets.last[0] == max(stamps) else 0
    timeline, note = find_timeline(
        stamps, time_base, claimed, frames=frames, last=last, cut_off=cut_off or endless
    )
    notes += [note] if note else []
    left, right, top, bottom = crop
    width, height = orientation.size(first.width - left - right, first.height - top - bottom)
    if any(crop):
        notes.append(
            f"the file hides {left} pixels at the left, {right} at the right, {top} at the top and "
            f"{bottom} at the bottom: they are left out"
        )
    aspect = aspect if aspect > 0 else Fraction(1)
    return VideoInfo(
        path=path,
        kind="video",
        width=width,
        height=height,
        timeline=timeline,
        color=color,
        sample_aspect_ratio=1 / aspect if orientation.swap else aspect,
        pix_fmt=pix_fmt,
        codec=codec,
        has_audio=bool(sounds),
        origin=min(timeline.start, *heard) if heard else timeline.start,
        depth=bits(pix_fmt),
        orientation=orientation,
        interlaced=interlaced,
        deinterlace=deinterlace,
        alpha=_is_transparent(path, first, number),
        background=background,
        mastering=mastering_of(first),
        crop=crop,
        stream=number,
        notes=tuple(notes),
    )


def _other_pictures(container: InputContainer, number: int) -> list[str]:
    """Name the streams of video that are not used."""
    others = [
        f"{n} ({stream.codec_context.width}x{stream.codec_context.height})"
        for n, stream in enumerate(container.streams.video)
        if n != number
        and stream.codec_context is not None
        and not stream.disposition & Disposition.attached_pic
    ]
    if not others:
        return []
    return [
        f"of the video streams, counted from 0, number {number} is used, and {', '.join(others)} "
        f"{'is' if len(others) == 1 else 'are'} left out; `video_stream` chooses another"
    ]


def _first_frame(path: Path, number: int) -> av.VideoFrame:
    with opened(path) as container:
        for frame in Decoder(container, chosen_stream(container, path, number)):
            return frame
        if _encrypted(path):
            raise _without_key(path)
    raise InputError(
        f"not one frame of {path} can be decoded; it is damaged beyond use; get the file anew"
    )


def _without_key(path: Path) -> InputError:
    return InputError(
        f"{path} is encrypted, as films that are sold or lent are; expected a video that plays "
        "without a key; choose another"
    )


def _encrypted(path: Path) -> bool:
    """Tell whether an MP4 or MOV describes its pictures as encrypted ones."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_INDEX)
        file.seek(max(0, size - _INDEX))  # where the index may stand
        return any(b"encv" in part and b"sinf" in part for part in (head, file.read(_INDEX)))


def _is_transparent(path: Path, first: av.VideoFrame, number: int) -> bool:
    """Tell whether something shines through somewhere: decodes up to the first such frame."""
    if not (has_alpha(first.format.name) or first.format.has_palette):
        return False
    with opened(path) as container:
        decoder = Decoder(container, chosen_stream(container, path, number))
        with closing(iter(decoder)) as frames:
            return any(cover is not None and cover.min() < 1 for cover in map(alpha_of, frames))


def _field_notes(interlaced: bool, deinterlace: bool) -> list[str]:
    if interlaced and not deinterlace:
        return [
            "interlaced video: its fields are not separated, and moving edges will look like "
            "combs; `deinterlace` makes whole pictures of them"
        ]
    if deinterlace and not interlaced:
        return ["the file does not say that it is interlaced: it is deinterlaced all the same"]
    return []


def _color(first: av.VideoFrame, path: Path) -> tuple[ColorTags, list[str]]:
    tags, kind = tags_of(first), holds(first.format.name)
    notes = dynamic_notes(first)
    if notes and kind == "yuv" and tags.matrix == UNKNOWN:
        raise InputError(
            f"{path} has colours of Dolby Vision alone; expected a picture that other players show "
            "too; convert it first: ffmpeg -i INPUT -vf libplacebo=colorspace=bt709 OUTPUT"
        )
    color = resolve(tags, kind=kind, width=first.width, height=first.height)
    if kind != "yuv" or (tags.matrix == color.matrix and tags.range != UNKNOWN):
        return color, notes
    names = {"bt709": "BT.709", "smpte170m": "BT.601"}
    return color, [
        *notes,
        f"the colours are not fully tagged: read as {names.get(color.matrix, color.matrix)}, "
        f"{'full' if color.range == 'pc' else 'limited'} range, as players do at this size",
    ]
