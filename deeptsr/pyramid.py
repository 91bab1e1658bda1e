"""The coarse-to-fine pyramid: climb a clip, chunk by chunk (paper section 4.2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise

import torch
from torch import Tensor

from deeptsr.imaging.backprojection import backproject
from deeptsr.imaging.exposure import Exposure, correct, of_step, repeat
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.networks import StepNetwork
from deeptsr.plan import Stage
from deeptsr.predict import predict, predict_ensemble
from deeptsr.system.devices import ran_out
from deeptsr.trust import blend, changes, disagreement, restore_again, trust

__all__ = ["FittedStage", "Load", "climb", "first_needed", "loads", "margin", "stream"]

_PIECE = 4  # input frames of a stage that are corrected and blended at once
_TIME_TAPS = 1  # frames to each side that linear interpolation looks at
_DETAIL_TAPS = 2  # and back-projection, in which what is lacked fades into what the next one lacks


@dataclass(frozen=True)
class FittedStage:
    """A stage and the network that takes it; None where plain interpolation was found safer."""

    stage: Stage
    network: StepNetwork | None
    ensemble: bool = False  # whether to average over mirror images and reversed time
    twice: bool = False  # whether to average with what the network makes of its result

    @property
    def reach(self) -> int:
        """How many of the stage's input frames an output frame depends on, to each side."""
        if self.network is None:
            return _TIME_TAPS
        # To restore a result again takes as much on top, and half a frame; trust looks one further.
        return 2 * self.network.reach[0] + 2

    def take(
        self, fine: Tensor, exposure: str, precision: torch.dtype, wanted: range | None = None
    ) -> Tensor:
        """Take the stage's step, trusting the network as far as it agrees with itself.

        Args:
            fine: volume (T, H, W, C) at the stage's size.
            exposure: "full" or "delta".
            precision: of the convolutions.
            wanted: frames of ``fine`` whose results are returned; None: all of them. ``fine`` must
                have :attr:`reach` more to each side, or end where the clip does.

        Returns:
            Volume (len(wanted) * step, H, W, C) that exposes to ``fine``.
        """
        step, length = self.stage.step, len(fine)
        wanted = range(length) if wanted is None else wanted
        if self.network is None:
            plain = fine.new_empty(len(wanted) * step, *fine.shape[1:])
            for p in _pieces(wanted):  # as below, for the memory
                first = (p.start - wanted.start) * step
                plain[first : first + len(p) * step] = _plain(fine, p, step, exposure)
            return plain
        trusted, seen = self._looked_at(wanted, length)
        once = predict_ensemble if self.ensemble else predict
        made = once(self.network, fine, precision=precision, wanted=seen)
        inner = range(trusted.start - seen.start, trusted.stop - seen.start)
        again = restore_again(self.network, made, precision, inner)
        made = made[inner.start * step : inner.stop * step]
        error = disagreement(made, again, step, (trusted.start == 0, trusted.stop == length))

        def of(frames: range) -> slice:
            return slice(
                (frames.start - trusted.start) * step, (frames.stop - trusted.start) * step
            )

        # Piece by piece, as each volume of this size is much of the memory that a run needs.
        change = [
            changes(made[of(p)], _plain(fine, p, step, exposure), step) for p in _pieces(trusted)
        ]
        share = trust(error, torch.cat(change))
        if self.twice:
            made.add_(again).div_(2)
        del again
        for p in _pieces(wanted):
            part = made[of(p)]
            if self.twice:
                # The correction of delta exposure fades from an LTR frame to the next.
                beyond = range(p.start, min(p.stop + (exposure == "delta"), length))
                agreeing = correct(
                    made[of(beyond)], fine[beyond.start : beyond.stop], step, exposure
                )
                part.copy_(agreeing[: len(part)])
            shares = share[p.start - trusted.start : p.stop - trusted.start]
            if shares.min() < 1:
                blend(part, _plain(fine, p, step, exposure), shares)
        return made[of(wanted)]

    def _looked_at(self, wanted: range, length: int) -> tuple[range, range]:
        """The frames whose results are restored again, and those whose results that takes."""
        around = self.network.reach[0] + 1 if self.network else 0
        trusted = _wider(wanted, 1, length)  # trust looks a frame further
        return trusted, _wider(trusted, around, length)


def _wider(frames: range, by: int, length: int) -> range:
    return range(max(0, frames.start - by), min(length, frames.stop + by))


def _pieces(frames: range) -> list[range]:
    return [frames[n : n + _PIECE] for n in range(0, len(frames), _PIECE)]


def _plain(fine: Tensor, frames: range, step: int, exposure: str) -> Tensor:
    """Interpolate some frames of a clip, agreeing with it: what is fallen back to."""
    around = 2  # both look one frame further
    first, stop = max(0, frames.start - around), min(len(fine), frames.stop + around)
    near = fine[first:stop]
    result = correct(interpolate_time(near, step, exposure), near, step, exposure)
    return result[(frames.start - first) * step : (frames.stop - first) * step]


def _spreads(stages: tuple[FittedStage, ...]) -> list[int]:
    """LTR frames to each side that each stage, and what comes after the last, depend on."""
    after = sum(1 for _ in _beyond(stages, Fraction(1)))
    return [
        *(math.ceil(f.reach / f.stage.done) + (f.stage.done > 1) * _DETAIL_TAPS for f in stages),
        after * _DETAIL_TAPS,
    ]


def _needed(stages: tuple[FittedStage, ...], wanted: range, total: int) -> list[range]:
    """LTR frames that each stage must receive, coarse to fine, and that the last must return."""
    ranges = [wanted]
    for spread in reversed(_spreads(stages)):
        ranges.insert(0, _wider(ranges[0], spread, total))
    return ranges[:-1]


def margin(stages: tuple[FittedStage, ...]) -> int:
    """LTR frames to each side that a chunk needs to come out as if the whole clip were climbed."""
    return sum(_spreads(stages))


@dataclass(frozen=True)
class Load:
    """What a stage does to climb a chunk."""

    ltr: int  # LTR frames that it looks at
    fine: int  # frames that it is given: those as it finds them
    seen: int  # of these, those whose step is predicted
    trusted: int  # and restored again


def loads(stages: tuple[FittedStage, ...], chunk: int, total: int) -> tuple[Load, ...]:
    """What each stage does to climb a chunk in the middle of a clip of ``total`` frames."""
    first = max(0, total - chunk) // 2
    ranges = _needed(stages, range(first, min(total, first + chunk)), total)
    found = []
    for fitted, given, asked in zip(stages, ranges, ranges[1:], strict=False):
        done, last = fitted.stage.done, total * fitted.stage.done
        wanted = range(asked.start * done, asked.stop * done)
        trusted, seen = fitted._looked_at(wanted, last)
        found.append(Load(len(given), len(given) * done, len(seen), len(trusted)))
    return tuple(found)


def first_needed(stages: tuple[FittedStage, ...], start: int, cuts: Sequence[int] = ()) -> int:
    """The first LTR frame that the results from ``start`` on depend on."""
    scene = max((cut for cut in cuts if cut <= start), default=0)
    return max(scene, start - margin(stages))


def climb(
    stages: tuple[FittedStage, ...],
    window: Tensor,
    *,
    exposure: Exposure = "full",
    rounds: int = 1,
    precision: torch.dtype = torch.float32,
    first: int = 0,
    total: int | None = None,
    wanted: range | None = None,
    scale: Fraction = Fraction(1),
) -> Tensor:
    """Take some frames of a video up all stages.

    Args:
        stages: coarse to fine.
        window: volume (T, H, W, C), frames ``first`` to ``first + T`` of the video.
        exposure: of the LTR video.
        rounds: alternations of back-projection.
        precision: of the convolutions.
        first: see ``window``.
        total: frames of the video; by default the window is all of it.
        wanted: frames of the video whose results are returned; by default those of the window.
            The window must reach :func:`margin` frames further, or to the video's ends.
        scale: of the sides of the result, at least the last stage's.

    Returns:
        Volume (len(wanted) * factor, H * scale, W * scale, C), not clipped. It exposes to
        the LTR video exactly, as every stage's result does. A fourth channel, alpha, is climbed as
        a grey picture of its own, so that it moves as the colours do.
    """
    total = len(window) if total is None else total
    wanted = range(first, first + len(window)) if wanted is None else wanted

    def level(frames: range, size: tuple[int, int]) -> Tensor:
        return resize(window[frames.start - first : frames.stop - first], size)

    manner = _Manner(exposure, rounds, precision, scale)
    height, width, channels = window.shape[1:]
    return _climb(stages, level, (height, width), channels, total, wanted, manner)


@dataclass(frozen=True)
class _Manner:
    """How a clip is climbed: see :func:`climb`."""

    exposure: Exposure
    rounds: int
    precision: torch.dtype
    scale: Fraction


def _climb(
    stages: tuple[FittedStage, ...],
    level: Callable[[range, tuple[int, int]], Tensor],
    full: tuple[int, int],
    channels: int,
    total: int,
    wanted: range,
    manner: _Manner,
) -> Tensor:
    """Climb; ``level`` gives frames of the video at a size, of which ``full`` is the largest."""
    if channels == 4:

        def colors(frames: range, size: tuple[int, int]) -> Tensor:
            return level(frames, size)[..., :3]

        def cover(frames: range, size: tuple[int, int]) -> Tensor:
            return level(frames, size)[..., 3:].expand(-1, -1, -1, 3)

        made, alpha = (
            _climb(stages, part, full, 3, total, wanted, manner) for part in (colors, cover)
        )
        return torch.cat([made, alpha.mean(3, keepdim=True)], 3)
    exposure, rounds = manner.exposure, manner.rounds
    ranges = _needed(stages, wanted, total)
    fine, done = torch.empty(0), 1
    for fitted, given, asked in zip(stages, ranges, ranges[1:], strict=False):
        ltr = level(given, fitted.stage.size(*full))
        fine = ltr if done == 1 else backproject(fine, ltr, done, exposure, rounds)
        inner = range((asked.start - given.start) * done, (asked.stop - given.start) * done)
        fine = fitted.take(fine, of_step(exposure, done), manner.precision, inner)
        done *= fitted.stage.step
    last = ranges[-1]
    for stage in _beyond(stages, manner.scale):
        fine = backproject(fine, level(last, stage.size(*full)), done, exposure, rounds)
    return fine[(wanted.start - last.start) * done : (wanted.stop - last.start) * done]


def _beyond(stages: tuple[FittedStage, ...], scale: Fraction) -> Iterator[Stage]:
    """The sizes that a result goes through after the last stage."""
    last = stages[-1].stage
    reached = last.scale
    while reached < scale:
        reached = min(2 * reached, scale)
        yield Stage(reached, 1, last.done * last.step)


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
    manner = _Manner(exposure, rounds, precision, scale)
    for first, stop in pairwise((0, *cuts, total)):
        if stop == first + 1 > start:  # nothing moves in a single frame
            yield repeat(next(source)[None], math.prod(s.stage.step for s in stages))
        elif stop > start:
            later, length = max(0, start - first), stop - first
            yield from _scene(stages, source, length, chunk, later, manner, on_halved)


def _scene(
    stages: tuple[FittedStage, ...],
    source: Iterator[Tensor],
    total: int,
    chunk: int,
    start: int,
    manner: _Manner,
    on_halved: Callable[[int], None],
) -> Iterator[Tensor]:
    head = next(source)
    height, width, channels = head.shape
    full = height, width
    held = _Held(chain([head], source), first_needed(stages, start))
    del head
    most = chunk
    for begin in range(start, total, chunk):
        made_until, end = begin, min(begin + chunk, total)
        while made_until < end:
            wanted = range(made_until, min(made_until + most, end))
            ranges = _needed(stages, wanted, total)
            looked: dict[tuple[int, int], range] = {}  # the coarser the wider
            for stage, frames in zip((f.stage for f in stages), ranges, strict=False):
                looked.setdefault(stage.size(*full), frames)
            for stage in _beyond(stages, manner.scale):
                looked.setdefault(stage.size(*full), ranges[-1])
            held.hold(looked)
            try:
                made = _climb(stages, held, full, channels, total, wanted, manner)
            except (RuntimeError, MemoryError) as error:
                if len(wanted) == 1 or not ran_out(error):
                    raise
                most = len(wanted) // 2
                on_halved(most)
                continue
            yield made
            del made  # it is gone before the next one is made
            made_until = wanted.stop


class _Held:
    """The frames of a scene at each size, from the first that the stage of that size looks at."""

    def __init__(self, source: Iterator[Tensor], first: int) -> None:
        self._source, self._next = source, first  # the number of the frame that is read next
        self._frames: dict[tuple[int, int], dict[int, Tensor]] = {}

    def __call__(self, frames: range, size: tuple[int, int]) -> Tensor:
        held = self._frames[size]
        return torch.stack([held[number] for number in frames])

    def hold(self, looked: dict[tuple[int, int], range]) -> None:
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
