"""Finds scene cuts and duplicate frames, in one pass that keeps no frame.

A cut is told from motion by what an encoder would ask: how much of a picture can be pieced together
from blocks of the one before, wherever in the neighbourhood they lie? After a cut hardly anything
can, however quiet the scenes; in a pan, and around a fan, most can. What violent motion still
leaves is seen in the pairs of frames beside it, too. A picture that is back a moment after a burst
of light was lit by a flash.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["Survey", "scenes_between", "survey", "with_cuts"]

_Array = npt.NDArray[np.float32]

# Chosen on 162 clips with known cuts: docs/trials.md.
_THUMBNAIL = 48  # pixels of the long side, at most, at which pictures are compared
_BLOCK = 8  # of its pixels: the side of what is looked for in the other picture
_SEARCH = 8  # of its pixels: how far
_AROUND = 4  # of its pixels to each side, whose mean a picture is compared without
_FINEST = 0.015  # log luminance: detail below it is noise
_FLAT = 0.02  # log luminance: a picture with less detail shows nothing
_ALIKE = 0.3  # unlikeness, in [0, 1], below which nothing needs to be looked for
# (unlikeness, of that in the pairs beside it, of the colours' difference): a cut is unlike by the
# first and a share of the second at least, where a share of the third counts as unlikeness.
_RULES = ((0.58, 0.35, 0.15), (0.68, 0.25, 0.25))
_MOST_COLOURS = 0.7  # a larger difference of colours says no more
_BACK = 0.5  # a picture that is no less like an earlier one than this shows the same
_LIT = 0.72  # a flash leaves at least so much to be recognised,
_BRIGHTER = 0.1  # and is brighter by so much, in [0, 1]
_FLASH = 2  # frames that it lasts, at most
_DECIDED = _FLASH + 1  # frames after a frame that tell whether a scene begins with it,
_LOOKBACK = _FLASH + 3  # and frames before it

_SAMPLE = 256  # pixels of the long side at which motion is measured, at least
_STILL = 2 / 255  # no 8 x 8 pixels of a duplicate have changed by more in the mean,
_AGAINST = 0.2  # and by no more than this share of the change in the frames around it,
_AROUND = 4  # so many to each side.
_LONGEST = 3  # duplicates in a row: on fours; where more stand still, the scene does

_ROUGH_LUMA = np.array([0.3, 0.6, 0.1], np.float32)  # with which the bounds were measured


@dataclass(frozen=True)
class Survey:
    """What one pass over a video found."""

    changes: tuple[float, ...]  # mean absolute change from each frame to the next, in [0, 1]
    cuts: tuple[int, ...]  # frames that are the first of a scene, 0 excepted
    duplicates: tuple[int, ...]  # frames that repeat the one before


@dataclass(frozen=True)
class _Look:
    """What is remembered of a picture."""

    sample: _Array  # (h, w, 3), some of its pixels
    detail: _Array  # (h, w), log luminance of a thumbnail without what is smooth in it
    colours: _Array  # (3, 16), cumulative histograms of luminance and two colour differences
    mean: _Array  # (3,)

    @property
    def flatness(self) -> float:
        """Mean detail, log luminance."""
        return float(np.abs(self.detail).mean())


@dataclass
class _Step:
    """From a frame to the next."""

    unlike: float  # in [0, 1]
    colours: float  # how differently they are distributed, in [0, 1]
    lighter: bool  # whether a flash may have begun
    back: int = 0  # steps after which the picture before was back; 0: it was not


def survey(frames: Iterable[_Array]) -> Survey:
    """Look at all frames of a video.

    Args:
        frames: pictures (H, W, 3) in [0, 1], one at a time; none is kept.
    """
    watch = _Watch()
    for frame in frames:
        watch.add(frame)
    cuts = _cuts(watch.steps)
    return Survey(tuple(watch.changes), cuts, _duplicates(watch.peaks, cuts))


def with_cuts(frames: Iterable[_Array]) -> Iterator[tuple[_Array, bool]]:
    """Yield each frame of a video, and whether a scene begins with it, as :func:`survey` finds.

    Args:
        frames: pictures (H, W, 3) in [0, 1], one at a time; few are kept at once, and none is read
            twice.
    """
    watch = _Watch()
    held: deque[_Array] = deque()
    given = 0

    def next_one() -> tuple[_Array, bool]:
        first = max(0, given - _LOOKBACK)
        begins = given - first in _cuts(watch.steps[first:])
        return held.popleft(), begins or not given

    for frame in frames:
        watch.add(frame)
        held.append(frame)
        if len(held) > _DECIDED:
            yield next_one()
            given += 1
    while held:
        yield next_one()
        given += 1


class _Watch:
    """What is known of the frames so far."""

    def __init__(self) -> None:
        self.changes: list[float] = []  # from each frame to the next
        self.peaks: list[float] = []
        self.steps: list[_Step] = []
        self._looks: deque[_Look] = deque(maxlen=_FLASH + 2)

    def add(self, frame: _Array) -> None:
        now, looks = _look(frame), self._looks
        if looks:
            difference = np.abs(now.sample - looks[-1].sample)
            self.changes.append(float(difference.mean()))
            self.peaks.append(float(_block_means(difference.mean(2)).max()))
            self.steps.append(_step(looks[-1], now))
        looks.append(now)
        for ago in range(2, len(looks)):
            step = self.steps[-ago]
            if step.lighter and not step.back and _unlikeness(looks[-1 - ago], now)[0] < _BACK:
                step.back = ago


def scenes_between(cuts: Sequence[int], total: int) -> tuple[range, ...]:
    """The scenes of a video.

    >>> scenes_between((2, 5), 9)
    (range(0, 2), range(2, 5), range(5, 9))
    """
    ends = [0, *cuts, total]
    return tuple(range(start, stop) for start, stop in itertools.pairwise(ends))


def _look(frame: _Array) -> _Look:
    height, width = frame.shape[:2]
    stride = max(1, max(height, width) // _SAMPLE)
    sample = frame[::stride, ::stride].copy()  # a copy: else the whole frame would be kept
    side = -(-max(sample.shape[:2]) // _THUMBNAIL)
    small = _means(sample, min(side, *sample.shape[:2]))
    gray = small @ _ROUGH_LUMA
    log = np.log(gray + 0.1)
    log -= _blurred(log)
    padding = [(0, -n % _BLOCK) for n in log.shape]
    channels = ((gray, 0.0), (small[..., 0] - gray, 0.5), (small[..., 2] - gray, 0.5))
    counts = [np.histogram(c, 16, (-low, 1 - low))[0] for c, low in channels]
    return _Look(
        sample,
        np.pad(log, padding, mode="symmetric"),
        np.cumsum(counts, axis=1, dtype=np.float32) / np.float32(gray.size),
        small.mean((0, 1)),
    )


def _blurred(picture: _Array) -> _Array:
    """Means around each pixel."""
    mirrored = np.pad(picture, _AROUND, mode="symmetric")
    around: _Array = sliding_window_view(mirrored, (2 * _AROUND + 1,) * 2).mean((2, 3))
    return around


def _means(picture: _Array, side: int) -> _Array:
    """Average over squares; what is left over at the far edges is not looked at."""
    rows, columns = (n // side for n in picture.shape[:2])
    cut = picture[: rows * side, : columns * side]
    means: _Array = cut.reshape(rows, side, columns, side, -1).mean((1, 3))  # (rows, columns, C)
    return means


def _block_means(picture: _Array) -> _Array:
    return _means(picture[..., None], min(_BLOCK, *picture.shape))[..., 0]


def _step(before: _Look, now: _Look) -> _Step:
    unlike, least = _unlikeness(before, now)
    colours = float(np.abs(now.colours - before.colours).sum(1).max()) / 4
    rise = float((now.mean - before.mean).mean())
    lit = least < _LIT and unlike > _ALIKE
    lighter = lit and (rise > _BRIGHTER or now.flatness < _FLAT)
    return _Step(unlike, min(_MOST_COLOURS, colours), lighter)


def _unlikeness(one: _Look, other: _Look) -> tuple[float, float]:
    """How little of one picture is found in the other: the worse and the better direction."""
    if max(one.flatness, other.flatness) < _FLAT / 2:  # only their colours tell them apart
        apart = min(1.0, 5 * float(np.abs(one.mean - other.mean).max()))
        return apart, apart
    pair = (one.detail, other.detail)
    worse = better = 0.0
    for search in (0, _SEARCH):
        better, worse = sorted(_unfound(a, b, search) for a, b in (pair, pair[::-1]))
        if worse < _ALIKE:
            break
    return worse, better


def _unfound(picture: _Array, source: _Array, search: int) -> float:
    """The share of a picture's detail that its best matching blocks in the source leave over."""
    shifted = sliding_window_view(np.pad(source, search, mode="edge"), picture.shape)
    left = _block_sums(np.abs(shifted - picture)).min((0, 1))  # (h / block, w / block)
    own = _block_sums(np.abs(picture))
    return float(np.minimum(left, own).sum() / (own.sum() + _FINEST * picture.size))


def _block_sums(values: _Array) -> _Array:
    *first, height, width = values.shape
    blocks = values.reshape(*first, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    sums: _Array = blocks.sum((-3, -1))  # (..., rows, columns)
    return sums


def _cuts(steps: list[_Step]) -> tuple[int, ...]:
    cuts = set()
    for number, step in enumerate(steps):
        beside = [steps[n].unlike for n in (number - 1, number + 1) if 0 <= n < len(steps)]
        near = max(beside, default=0.0)
        if any(step.unlike + c * step.colours >= u + b * near for u, b, c in _RULES):
            cuts.add(number + 1)
    for number, step in enumerate(steps):
        cuts -= set(range(number + 1, number + 1 + step.back))
    return tuple(sorted(cuts))


def _duplicates(peaks: list[float], cuts: tuple[int, ...]) -> tuple[int, ...]:
    duplicates: list[int] = []
    for scene in scenes_between(cuts, len(peaks) + 1):
        inner = peaks[scene.start : scene.stop - 1]  # [n]: from the scene's frame n to the next
        run: list[int] = []
        for n, peak in enumerate([*inner, 1.0]):
            moving = max(inner[max(0, n - _AROUND) : n + _AROUND + 1], default=0.0)
            if peak <= _STILL and peak < _AGAINST * moving:
                run.append(scene.start + n + 1)
                continue
            duplicates += run if len(run) <= _LONGEST else []
            run = []
    return tuple(duplicates)
