"""What is known of an input before its frames are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from deeptsr.errors import InputError
from deeptsr.io.color import ColorTags

__all__ = ["VideoInfo", "selected"]

# Users type 0.208542 where frame 5 of a 24000/1001 clip stands at 0.20854166...
_TOLERANCE = Fraction(1, 1000)  # of a frame


@dataclass(frozen=True)
class VideoInfo:
    """A video, a GIF or a folder of images, as :func:`deeptsr.io.probe` found it.

    Attributes:
        path: the file or the folder.
        kind: "video", "gif" or "folder".
        width: pixels, as stored.
        height: pixels, as stored.
        rate: frames a second, exact.
        frames: how many :func:`deeptsr.io.read` yields, counted and not taken from a header.
        start: timestamp of the first frame in its container, seconds.
        color: matrix and range as they are used for the conversion to RGB (never "unknown"),
            primaries and transfer as the file names them.
        sample_aspect_ratio: width of a pixel over its height.
        pix_fmt: FFmpeg's name of the pixel format.
        codec: FFmpeg's name of the codec.
        has_audio: whether there is a sound track.
        notes: what the user should be told, a sentence each.
    """

    path: Path
    kind: str
    width: int
    height: int
    rate: Fraction
    frames: int
    start: Fraction
    color: ColorTags
    sample_aspect_ratio: Fraction
    pix_fmt: str
    codec: str
    has_audio: bool
    notes: tuple[str, ...] = ()

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame's start to the last frame's end."""
        return self.frames / self.rate


def selected(info: VideoInfo, start: float | None = None, end: float | None = None) -> range:
    """Which frames lie in a stretch of time: frame ``i`` stands at ``i / info.rate`` seconds.

    Args:
        info: of the input.
        start: first moment that is used, seconds after the first frame; None: the beginning.
        end: first moment that is no longer used, seconds; None: the end.

    Returns:
        The frames' indices, from 0. A moment within a thousandth of a frame counts as that frame.

    Raises:
        InputError: when no frame lies there.
    """
    first = 0 if start is None else math.ceil(Fraction(start) * info.rate - _TOLERANCE)
    stop = info.frames
    if end is not None and math.isfinite(end):
        stop = min(stop, math.ceil(Fraction(end) * info.rate - _TOLERANCE))
    chosen = range(max(first, 0), stop)
    if not chosen:
        until = "the end" if end is None else f"{end:g} s"
        raise InputError(
            f"no frame of {info.path} lies between {start or 0:g} s and {until}; "
            f"it lasts {float(info.duration):.3f} s; choose a start and an end within that"
        )
    return chosen
