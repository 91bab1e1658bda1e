"""Reads GIFs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ImageSequence

from deeptsr.errors import InputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.system.humanize import describe_rate
from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.pillow import BROKEN, RGB, as_probed, opened_image, to_picture
from deeptsr.video.reading.timestamps import find_timeline

__all__ = ["is_gif", "probe_gif", "read_gif"]

_PICTURE, _EXTENSION, _TRAILER = b",!;"  # how a block begins


def is_gif(path: Path) -> bool:
    """Tell whether a file begins as a GIF does, whatever its name."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return file.read(6) in (b"GIF87a", b"GIF89a")
    except OSError:
        return False


def probe_gif(path: Path) -> VideoInfo:
    """Look at a GIF; all frames are decoded, which is what tells how many there are.

    Raises:
        InputError: when not one frame can be decoded, or its frames are too large.
    """
    delays: list[int] = []  # milliseconds
    size = (0, 0)
    alpha = False
    notes = []
    whole = _is_whole(path)
    try:
        for pixels, delay in _gif_frames(path):
            delays.append(delay)
            size = (pixels.shape[1], pixels.shape[0])
            alpha = alpha or bool(pixels[..., 3].min() < 255)
    except InputError:
        raise
    except BROKEN:
        whole = False
    if not delays:
        raise InputError(f"not one frame of {path} can be decoded; get the file anew")
    if not whole:
        notes.append(f"the file is cut off or damaged: the first {len(delays)} frames are used")
    timeline, note = _gif_timeline(delays)
    notes += [note] if note else []
    return VideoInfo(
        path=path,
        kind="gif",
        width=size[0],
        height=size[1],
        timeline=timeline,
        color=RGB,
        sample_aspect_ratio=Fraction(1),
        pix_fmt="pal8",
        codec="gif",
        has_audio=False,
        alpha=alpha,
        notes=tuple(notes),
    )


def read_gif(info: VideoInfo, wanted: range) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the frames of a GIF, each as a viewer shows it: (H, W, 3), or (H, W, 4) with alpha.

    Raises:
        InputError: when the file breaks off earlier than it did when it was probed.
    """
    frames = _gif_frames(info.path)
    for index in range(wanted.stop):
        try:
            pixels, _ = next(frames)
        except (StopIteration, *BROKEN) as error:
            raise InputError(
                f"{info.path} had {info.frames} frames and now breaks off after {index}; leave it "
                "as it is while it is read"
            ) from error
        if index in wanted:
            yield as_probed(to_picture(pixels), info, f"frame {index}")


def _gif_frames(path: Path) -> Iterator[tuple[npt.NDArray[Any], int]]:
    with opened_image(path, ("GIF",)) as image:
        for frame in ImageSequence.Iterator(image):
            yield np.asarray(frame.convert("RGBA")), int(frame.info.get("duration", 0))


def _is_whole(path: Path) -> bool:
    """Tell whether one block follows the other up to the end: Pillow stops where one is broken."""
    data, at = path.read_bytes(), 10  # here the screen's flags are
    try:
        at += 3 + _palette(data[at])
        while data[at] != _TRAILER:
            if data[at] == _PICTURE:
                at += 11 + _palette(data[at + 9])
            elif data[at] == _EXTENSION:
                at += 2
            else:
                return False
            while length := data[at]:
                at += 1 + length
            at += 1
    except IndexError:
        return False
    return not data[at + 1 :].strip(b"\0")


def _palette(flags: int) -> int:
    """Return how many bytes of palette follow the flags of a screen or a picture."""
    return 6 << (flags & 7) if flags & 0x80 else 0


def _gif_timeline(delays: list[int]) -> tuple[Timeline, str]:
    # Viewers show a frame without a delay, or with one of 10 ms, for 100 ms.
    shown = [100 if delay <= 10 else delay for delay in delays]
    begins = list(itertools.accumulate(shown, initial=0))
    average = Fraction(1000 * len(shown), begins[-1])
    timeline, note = find_timeline(
        [moment // 10 for moment in begins[:-1]],  # a GIF counts hundredths of a second
        Fraction(1, 100),
        [average],
        frames=len(shown),
        last=shown[-1] // 10,
    )
    if timeline.is_constant and min(delays) <= 10:
        note = (
            f"the GIF names no usable delay: taken as {describe_rate(timeline.rate)}, as viewers do"
        )
    return timeline, note
