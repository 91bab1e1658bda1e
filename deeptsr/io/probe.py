"""Looks at an input: what it is, and exactly how many frames it has."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av

from deeptsr.errors import InputError
from deeptsr.io.color import UNKNOWN, ColorTags, is_hdr, resolve
from deeptsr.io.images import is_gif, probe_folder, probe_gif
from deeptsr.io.info import VideoInfo
from deeptsr.io.packets import PACKET_IS_FRAME, count_decoded, scan
from deeptsr.io.pixels import tags_of
from deeptsr.io.planes import bits, has_alpha, holds
from deeptsr.io.source import Decoder, opened, video_stream
from deeptsr.io.timing import find_timeline

__all__ = ["probe"]

_ENDLESS = ("mpeg", "mpegts")  # formats that name no length: a cut does not show


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Look at a video, a GIF or a folder of images.

    The whole file is read once, without decoding, to count its packets; a file that shows damage,
    or whose codec does not keep one frame a packet, is decoded to count what comes out.

    Args:
        path: a file in any container that FFmpeg reads, or a folder.

    Raises:
        InputError: when it is missing, empty, damaged beyond use, without video, or of a kind
            that cannot be upscaled yet (high dynamic range).
    """
    path = Path(path)
    if path.is_dir():
        return probe_folder(path)
    if is_gif(path):
        return probe_gif(path)
    return _probe_video(path)


def _probe_video(path: Path) -> VideoInfo:
    with opened(path) as container:
        stream = video_stream(container, path)
        packets = scan(container, stream)
        claimed = (stream.guessed_rate, stream.average_rate, stream.base_rate)
        time_base = stream.time_base or Fraction(1, 90_000)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        codec = stream.codec_context.codec.canonical_name
        endless = container.format.name in _ENDLESS
        sounds = [sound for sound in container.streams.audio if sound.codec_context is not None]
        heard = [
            max(
                Fraction(0), sound.start_time * sound.time_base
            )  # before 0 is what primes a decoder
            for sound in sounds
            if sound.start_time is not None and sound.time_base
        ]
    first = _first_frame(path)
    pix_fmt = first.format.name
    notes = _look_notes(first)
    color, color_notes = _color(tags_of(first), pix_fmt, first.width, first.height, path)
    notes += color_notes

    frames, stamps, cut_off = len(packets.stamps), packets.known, packets.cut_off
    if packets.doubts or codec not in PACKET_IS_FRAME or first.interlaced_frame:
        frames, stamps, skipped = count_decoded(path)
        cut_off |= skipped > 0
    if cut_off:
        of = f"{frames} of the {packets.named}" if packets.named > frames else f"the {frames}"
        notes.append(f"the file is cut off or damaged: {of} frames are used")
    if len(stamps) != frames:  # some have none: they cannot be told apart
        stamps = []
    last = packets.last[1] if stamps and packets.last[0] == max(stamps) else 0
    timeline, note = find_timeline(
        stamps, time_base, claimed, frames=frames, last=last, cut_off=cut_off or endless
    )
    notes += [note] if note else []
    return VideoInfo(
        path=path,
        kind="video",
        width=first.width,
        height=first.height,
        timeline=timeline,
        color=color,
        sample_aspect_ratio=aspect if aspect > 0 else Fraction(1),
        pix_fmt=pix_fmt,
        codec=codec,
        has_audio=bool(sounds),
        origin=min(timeline.start, *heard) if heard else timeline.start,
        notes=tuple(notes),
    )


def _first_frame(path: Path) -> av.VideoFrame:
    with opened(path) as container:
        for frame in Decoder(container, video_stream(container, path)):
            return frame
    raise InputError(
        f"not one frame of {path} can be decoded; it is damaged beyond use; get the file anew"
    )


def _look_notes(first: av.VideoFrame) -> list[str]:
    notes = []
    pix_fmt = first.format.name
    if has_alpha(pix_fmt):
        notes.append("the alpha channel is dropped")
    if bits(pix_fmt) > 8:
        read_at = "8" if holds(pix_fmt) in ("rgb", "gray") else str(bits(pix_fmt))
        notes.append(
            f"{bits(pix_fmt)} bits a sample ({pix_fmt}): read at {read_at} bits, and written with "
            "8 unless a pixel format is chosen"
        )
    if first.rotation:
        notes.append(
            f"the file asks players to turn the picture by {first.rotation} degrees: it is used "
            "as stored, not turned"
        )
    if first.interlaced_frame:
        notes.append(
            "interlaced video: its fields are not separated; deinterlace it first: "
            "ffmpeg -i INPUT -vf bwdif OUTPUT"
        )
    return notes


def _color(
    tags: ColorTags, pix_fmt: str, width: int, height: int, path: Path
) -> tuple[ColorTags, list[str]]:
    if is_hdr(tags):
        raise InputError(
            f"{path} has high dynamic range (transfer {tags.transfer}); expected standard dynamic "
            "range; tone-map it first: ffmpeg -i INPUT -vf "
            "zscale=t=linear:npl=100,tonemap=hable,zscale=t=bt709:m=bt709:r=tv,format=yuv420p "
            "OUTPUT"
        )
    kind = holds(pix_fmt)
    color = resolve(tags, kind=kind, width=width, height=height)
    if kind != "yuv" or (tags.matrix == color.matrix and tags.range != UNKNOWN):
        return color, []
    names = {"bt709": "BT.709", "smpte170m": "BT.601"}
    return color, [
        f"the colours are not fully tagged: read as {names.get(color.matrix, color.matrix)}, "
        f"{'full' if color.range == 'pc' else 'limited'} range, as players do at this size"
    ]
