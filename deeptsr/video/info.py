"""What is known of an input before its frames are read."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from deeptsr.errors import InputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.video.picture.color import ColorTags
from deeptsr.video.picture.hdr import Mastering
from deeptsr.video.picture.orientation import UPRIGHT, Orientation

__all__ = ["VideoInfo", "selected"]

# Users type 0.208542 where frame 5 of a 24000/1001 clip stands at 0.20854166...
_TOLERANCE = Fraction(1, 1000)  # of a frame


@dataclass(frozen=True)
class VideoInfo:
    """A video, a GIF or a folder of images, as :func:`deeptsr.video.probe` found it.

    Attributes:
        path: the file or the folder.
        kind: "video", "gif" or "folder".
        width: pixels, as shown: :func:`deeptsr.video.read` turns what lies on its side.
        height: pixels, as shown.
        timeline: when each frame that :func:`deeptsr.video.read` yields is shown, in the
            container's time; counted, and not taken from a header.
        origin: when the earliest of picture and sound begins in the container, seconds.
        color: matrix and range as they are used for the conversion to RGB (never "unknown"),
            primaries and transfer as the file names them.
        sample_aspect_ratio: width of a pixel over its height, as shown.
        pix_fmt: FFmpeg's name of the pixel format.
        codec: FFmpeg's name of the codec.
        has_audio: whether there is a sound track.
        depth: bits a sample.
        orientation: how stored pictures are turned to be shown.
        interlaced: whether frames are two fields of different moments.
        deinterlace: whether whole pictures are made of them.
        alpha: whether something shines through somewhere.
        background: R'G'B' in [0, 1] that it is laid over; None: black, or its alpha is kept.
        mastering: of a video of high dynamic range: the display it was made on.
        crop: pixels of the stored pictures that are hidden: left, right, at the top and the bottom.
        stream: which of the file's video streams it is, counted from 0.
        notes: what the user should be told, a sentence each.
        whole: the same with all of its frames, where some are dropped.
        dropped: of its frames, those that :func:`deeptsr.video.read` leaves out.
    """

    path: Path
    kind: str
    width: int
    height: int
    timeline: Timeline
    color: ColorTags
    sample_aspect_ratio: Fraction
    pix_fmt: str
    codec: str
    has_audio: bool
    origin: Fraction = Fraction(0)
    depth: int = 8
    orientation: Orientation = UPRIGHT
    interlaced: bool = False
    deinterlace: bool = False
    alpha: bool = False
    background: tuple[float, float, float] | None = None
    mastering: Mastering | None = None
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    stream: int = 0
    notes: tuple[str, ...] = ()
    whole: VideoInfo | None = None
    dropped: frozenset[int] = frozenset()

    @property
    def keeps_alpha(self) -> bool:
        """Whether there is an alpha channel that an output is to have."""
        return self.alpha and self.background is None

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame's start to the last frame's end."""
        return self.timeline.duration

    @property
    def rate(self) -> Fraction:
        """Frames a second, on the average."""
        return self.timeline.rate

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.timeline)

    @property
    def start(self) -> Fraction:
        """When the first frame begins in the container, seconds."""
        return self.timeline.start

    def without(self, frames: Collection[int]) -> VideoInfo:
        """Leave some frames out, not the first one: the frame before each lasts on."""
        timeline = self.timeline.without(frames)
        return replace(self, timeline=timeline, whole=self, dropped=frozenset(frames))

    def first_from(self, seconds: Fraction) -> int:
        """Return the first frame that begins so long after the first one, or later."""
        return self.timeline.first_from(seconds - _TOLERANCE / self.rate)


def selected(info: VideoInfo, start: float | None = None, end: float | None = None) -> range:
    """Which frames lie in a stretch of time: those that begin in it.

    Args:
        info: of the input.
        start: first moment that is used, seconds after the first frame; None: the beginning.
        end: first moment that is no longer used, seconds; None: the end.

    Returns:
        The frames' indices, from 0. A moment within a thousandth of a frame counts as that frame.

    Raises:
        InputError: when no frame lies there.
    """
    first = 0 if start is None else info.first_from(Fraction(start))
    stop = info.frames
    if end is not None and math.isfinite(end):
        stop = info.first_from(Fraction(end))
    chosen = range(first, stop)
    if not chosen:
        until = "the end" if end is None else f"{end:g} s"
        raise InputError(
            f"no frame of {info.path} lies between {start or 0:g} s and {until}; "
            f"it lasts {float(info.duration):.3f} s; choose a start and an end within that"
        )
    return chosen
