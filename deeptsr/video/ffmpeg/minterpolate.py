"""FFmpeg's motion-compensated frame interpolation, one of the methods that others are held against.

The filter takes a frame for an instant, and makes outputs on a grid that contains the inputs'
instants. Where the frames wanted lie between two such outputs, its inputs get timestamps half an
output interval later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import av.filter
import numpy as np

from deeptsr.video.ffmpeg.filters import ready
from deeptsr.video.picture.color import ColorTags
from deeptsr.video.picture.convert import Frame, from_rgb, to_rgb

__all__ = ["minterpolate"]

_PAD = 3  # copies of the end frames: the filter does not reach the ends of its input
_TAGS = ColorTags("bt709", "pc")  # full range loses least; the filter knows 8-bit Y'CbCr only
_FORMAT = "yuv444p"
_LEAST_SIDE = 32  # pixels: the filter refuses less


def minterpolate(ltr: Iterable[Frame], factor: int, first: Fraction) -> Iterator[Frame]:
    """Interpolate by ``minterpolate=mi_mode=mci``; only a few frames are held at a time.

    Args:
        ltr: frames (H, W, 3) in [0, 1], at least one.
        factor: output frames an input frame.
        first: where output 0 sits on the time line of the inputs, in input frames; a multiple of
            half an output interval.

    Yields:
        (H, W, 3) in [0, 1], ``factor`` times as many.
    """
    late = int(2 * first * factor) % 2  # of 2 units an output interval
    unit = Fraction(1, 2 * factor)  # an input frame takes one second
    frames = _Padded(ltr)
    count = 0
    for stamp, picture in _filtered(frames, factor, late):
        # The filter's time counts from the first copy on.
        wanted = first + _PAD + Fraction(count, factor)
        if (stamp - late) * unit == wanted and count < frames.count * factor:
            count += 1
            yield to_rgb(picture, _TAGS)[: frames.height, : frames.width]
    if count < frames.count * factor:
        raise RuntimeError(f"minterpolate made {count} of {frames.count * factor} frames")


class _Padded:
    """Frames with copies of the first and the last one around them, and no side too short.

    Attributes:
        count: frames so far, without the copies.
        height: of the frames as they were, pixels; known when the first one has come.
        width: the same.
    """

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = frames
        self.count = self.height = self.width = 0

    def __iter__(self) -> Iterator[Frame]:
        last: Frame | None = None
        for frame in self._frames:
            self.height, self.width = frame.shape[:2]
            lacks = [(0, max(0, _LEAST_SIDE - side)) for side in frame.shape[:2]]
            large = np.pad(frame, [*lacks, (0, 0)], mode="edge") if np.any(lacks) else frame
            yield from [large] * (1 if last is not None else 1 + _PAD)
            self.count += 1
            last = large
        if last is not None:
            yield from [last] * _PAD


def _filtered(
    frames: Iterable[Frame], factor: int, late: int
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Put frames through the filter; yield its timestamps, in units, and what it makes."""
    unit = Fraction(1, 2 * factor)
    graph: av.filter.Graph | None = None
    for position, frame in enumerate(frames):
        picture = from_rgb(frame, _FORMAT, _TAGS)
        picture.pts, picture.time_base = 2 * factor * position + late, unit
        if graph is None:
            graph = _graph(picture, factor)
        graph.vpush(picture)
        yield from _pulled(graph, unit)
    if graph is not None:
        graph.vpush(None)
        yield from _pulled(graph, unit)


def _graph(like: av.VideoFrame, factor: int) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=like.width, height=like.height, format=like.format, time_base=like.time_base
    )
    motion = graph.add("minterpolate", f"fps={factor}:mi_mode=mci")
    sink = graph.add("buffersink")
    source.link_to(motion)
    motion.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: av.filter.Graph, unit: Fraction) -> Iterator[tuple[int, av.VideoFrame]]:
    for frame in ready(graph):
        stamp = (frame.pts or 0) * (frame.time_base or unit) / unit
        yield int(stamp), frame
