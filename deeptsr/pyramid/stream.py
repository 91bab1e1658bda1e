"""Climbs a video of any length in the memory of one chunk."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import chain, pairwise

import torch
from torch import Tensor

from deeptsr.imaging.exposure import Exposure, repeat
from deeptsr.imaging.resample import resize
from deeptsr.pyramid.climb import ClimbSettings, climb_window
from deeptsr.pyramid.reach import beyond, first_needed, margin, needed
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system.devices import ran_out

__all__ = ["stream", "stream_scene"]


def stream(
    stages: tuple[FittedStage, ...],
    frames: Iterable[Tensor],
    total: int,
    chunk: int,
    *,
    start: int = 0,
    exposure: Exposure = "full",
    rounds: int = 1,
    precision: torch.dtype = torch.float32,
    cuts: Sequence[int] = (),
    scale: Fraction = Fraction(1),
    on_halved: Callable[[int], None] = lambda chunk: None,
) -> Iterator[Tensor]:
    """Climb a video of any length in the memory of one chunk.

    Args:
        stages: coarse to fine.
        frames: pictures (H, W, C), in order: all from :func:`first_needed` on.
        total: how many frames the video has.
        chunk: LTR frames that are climbed at once.
        start: first frame whose result is wanted. The results are the same to the bit as those of
            a climb from 0 where it lies a multiple of ``chunk`` behind its scene's first frame.
        exposure: of the LTR video.
        rounds: alternations of back-projection.
        precision: of the convolutions.
        cuts: first frames of scenes, 0 excepted; no result depends on another scene than its own.
        scale: of the sides of the result, at least the last stage's.
        on_halved: told what is left of the chunk where memory ran out. It ends where it would
            have ended, in several volumes.

    Yields:
        Volumes (n * factor, H * scale, W * scale, C), together the result for all frames from the
        start, in order.
    """
    source = iter(frames)
    settings = ClimbSettings(exposure, rounds, precision, scale)
    for first, stop in pairwise((0, *cuts, total)):
        if stop == first + 1 > start:  # nothing moves in a single frame
            yield repeat(next(source)[None], math.prod(s.stage.step for s in stages))
        elif stop > start:
            later, length = max(0, start - first), partial(int, stop - first)
            yield from _scene(stages, source, length, chunk, later, settings, on_halved)


def stream_scene(
    stages: tuple[FittedStage, ...],
    frames: Iterable[Tensor],
    chunk: int,
    *,
    exposure: Exposure = "full",
    rounds: int = 1,
    precision: torch.dtype = torch.float32,
    on_halved: Callable[[int], None] = lambda chunk: None,
) -> Iterator[Tensor]:
    """Climb a scene whose length nobody knows before its last frame.

    The result is that of :func:`stream`, to the bit. The frames of a chunk are read ahead.

    Args:
        stages: coarse to fine.
        frames: pictures (H, W, C), in order, all of one scene.
        chunk: LTR frames that are climbed at once.
        exposure: of the LTR video.
        rounds: alternations of back-projection.
        precision: of the convolutions.
        on_halved: told what is left of the chunk where memory ran out.

    Yields:
        Volumes (n * factor, H, W, C), together the result for all frames, in order.
    """
    source = _Ahead(frames, chunk + margin(stages) + 1)
    if source.total() == 1:
        yield repeat(next(source)[None], math.prod(s.stage.step for s in stages))
    elif source.total():
        settings = ClimbSettings(exposure, rounds, precision, Fraction(1))
        yield from _scene(stages, source, source.total, chunk, 0, settings, on_halved)


class _Ahead(Iterator[Tensor]):
    """Frames that are read some time before they are asked for, so that their end is known then."""

    def __init__(self, frames: Iterable[Tensor], ahead: int) -> None:
        self._source, self._ahead, self._ended = iter(frames), ahead, False
        self._held: deque[Tensor] = deque()
        self._read = 0
        self._fill()

    def total(self) -> int:
        """How many frames there are; while the end is not in sight, more than anyone looks at."""
        return self._read if self._ended else sys.maxsize

    def __next__(self) -> Tensor:
        if not self._held:
            raise StopIteration
        frame = self._held.popleft()
        self._fill()
        return frame

    def _fill(self) -> None:
        while not self._ended and len(self._held) < self._ahead:
            frame = next(self._source, None)
            if frame is None:
                self._ended = True
            else:
                self._held.append(frame)
                self._read += 1


def _scene(
    stages: tuple[FittedStage, ...],
    source: Iterator[Tensor],
    total: Callable[[], int],
    chunk: int,
    start: int,
    settings: ClimbSettings,
    on_halved: Callable[[int], None],
) -> Iterator[Tensor]:
    """Climb a scene: window after window, each a chunk, or what memory has room for of it."""
    head = next(source)
    height, width, channels = head.shape
    full = height, width
    window = _Window(chain([head], source), first_needed(stages, start))
    del head
    first, most = start, chunk
    while first < (length := total()):
        chunk_end = start + ((first - start) // chunk + 1) * chunk
        wanted = range(first, min(first + most, chunk_end, length))
        window.move_to(_looked_at(stages, wanted, length, full, settings.scale))
        try:
            volume = climb_window(stages, window, full, channels, length, wanted, settings)
        except (RuntimeError, MemoryError) as error:
            if len(wanted) == 1 or not ran_out(error):
                raise
            most = len(wanted) // 2
            on_halved(most)
            continue
        yield volume
        del volume  # it is gone before the next one is made
        first = wanted.stop


def _looked_at(
    stages: tuple[FittedStage, ...],
    wanted: range,
    total: int,
    full: tuple[int, int],
    scale: Fraction,
) -> dict[tuple[int, int], range]:
    """The LTR frames that are looked at for those wanted, by their size; the coarser the wider."""
    ranges = needed(stages, wanted, total)
    looked: dict[tuple[int, int], range] = {}
    for fitted, frames in zip(stages, ranges, strict=False):
        looked.setdefault(fitted.stage.size(*full), frames)
    for stage in beyond(stages, scale):
        looked.setdefault(stage.size(*full), ranges[-1])
    return looked


class _Window:
    """The frames of a scene at each size, from the first that the stage of that size looks at."""

    def __init__(self, source: Iterator[Tensor], first: int) -> None:
        self._source, self._next = source, first  # the number of the frame that is read next
        self._frames: dict[tuple[int, int], dict[int, Tensor]] = {}

    def __call__(self, frames: range, size: tuple[int, int]) -> Tensor:
        held = self._frames[size]
        return torch.stack([held[number] for number in frames])

    def move_to(self, looked: dict[tuple[int, int], range]) -> None:
        """Drop what is not looked at any more, and read on."""
        for size, frames in looked.items():
            held = self._frames.setdefault(size, {})
            for number in [n for n in held if n < frames.start]:
                del held[number]
        while self._next < max(frames.stop for frames in looked.values()):
            frame = next(self._source)
            for size, frames in looked.items():
                if self._next >= frames.start:
                    full = tuple(frame.shape[:2]) == size
                    self._frames[size][self._next] = frame if full else resize(frame[None], size)[0]
            self._next += 1
