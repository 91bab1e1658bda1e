"""The coarse-to-fine pyramid: climb a clip, chunk by chunk (paper section 4.2)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

from deeptsr.backprojection import backproject
from deeptsr.exposure import correct, repeat
from deeptsr.networks import StepNetwork
from deeptsr.plan import Stage
from deeptsr.predict import predict, predict_ensemble
from deeptsr.resample import interpolate_time, resize
from deeptsr.trust import blend, changes, disagreement, restore_again, trust

__all__ = ["FittedStage", "climb", "first_needed", "margin", "stream"]

_PIECE = 4  # input frames of a stage that are corrected and blended at once
_TIME_TAPS = 1  # input frames to each side that linear interpolation looks at


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

    def take(self, fine: Tensor, exposure: str, precision: torch.dtype) -> Tensor:
        """Take the stage's step, trusting the network as far as it agrees with itself.

        Args:
            fine: volume (T, H, W, C) at the stage's size.
            exposure: "full" or "delta".
            precision: of the convolutions.

        Returns:
            Volume (T * step, H, W, C) that exposes to ``fine``.
        """
        step = self.stage.step
        if self.network is None:
            return _plain(fine, range(len(fine)), step, exposure)
        once = predict_ensemble if self.ensemble else predict
        made = once(self.network, fine, precision=precision)
        again = restore_again(self.network, made, precision)
        error = disagreement(made, again, step)
        # Piece by piece, as each volume of this size is much of the memory that a run needs.
        pieces = [
            range(first, min(first + _PIECE, len(fine))) for first in range(0, len(fine), _PIECE)
        ]
        change = [
            changes(made[p.start * step : p.stop * step], _plain(fine, p, step, exposure), step)
            for p in pieces
        ]
        share = trust(error, torch.cat(change))
        if self.twice:
            made.add_(again).div_(2)
        del again
        for p in pieces:
            part = made[p.start * step : p.stop * step]
            if self.twice:
                beyond = min(p.stop + _backprojected(exposure), len(fine))
                agreeing = correct(
                    made[p.start * step : beyond * step], fine[p.start : beyond], step, exposure
                )
                part.copy_(agreeing[: len(part)])
            if share[p.start : p.stop].min() < 1:
                blend(part, _plain(fine, p, step, exposure), share[p.start : p.stop])
        return made


def _plain(fine: Tensor, frames: range, step: int, exposure: str) -> Tensor:
    """Interpolate some frames of a clip, agreeing with it: what is fallen back to."""
    around = 2  # both look one frame further
    first, stop = max(0, frames.start - around), min(len(fine), frames.stop + around)
    near = fine[first:stop]
    result = correct(interpolate_time(near, step, exposure), near, step, exposure)
    return result[(frames.start - first) * step : (frames.stop - first) * step]


def _spread(fitted: FittedStage, exposure: str) -> int:
    """LTR frames to each side that a stage and the back-projection before it depend on."""
    return math.ceil(fitted.reach / fitted.stage.done) + _backprojected(exposure)


def _backprojected(exposure: str) -> int:
    # The correction of delta exposure fades from an LTR frame to the next.
    return int(exposure == "delta")


def _needed(
    stages: tuple[FittedStage, ...], wanted: range, total: int, exposure: str
) -> list[range]:
    """LTR frames that each stage must receive, coarse to fine, and that the last must return."""
    spreads = [_spread(fitted, exposure) for fitted in stages] + [_backprojected(exposure)]
    ranges = [wanted]
    for spread in reversed(spreads):
        later = ranges[0]
        ranges.insert(0, range(max(0, later.start - spread), min(total, later.stop + spread)))
    return ranges[:-1]


def margin(stages: tuple[FittedStage, ...], exposure: str = "full") -> int:
    """LTR frames to each side that a chunk needs to come out as if the whole clip were climbed."""
    return sum(_spread(fitted, exposure) for fitted in stages) + _backprojected(exposure)


def first_needed(
    stages: tuple[FittedStage, ...],
    start: int,
    exposure: str = "full",
    cuts: Sequence[int] = (),
) -> int:
    """The first LTR frame that the results from ``start`` on depend on."""
    scene = max((cut for cut in cuts if cut <= start), default=0)
    return max(scene, start - margin(stages, exposure))


def climb(
    stages: tuple[FittedStage, ...],
    window: Tensor,
    *,
    exposure: str = "full",
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
        exposure: "full" or "delta".
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
    if window.shape[3] == 4:
        parts = (window[..., :3], window[..., 3:].expand(-1, -1, -1, 3))
        colors, cover = (
            climb(
                stages,
                part,
                exposure=exposure,
                rounds=rounds,
                precision=precision,
                first=first,
                total=total,
                wanted=wanted,
                scale=scale,
            )
            for part in parts
        )
        return torch.cat([colors, cover.mean(3, keepdim=True)], 3)
    total = len(window) if total is None else total
    wanted = range(first, first + len(window)) if wanted is None else wanted
    ranges = _needed(stages, wanted, total, exposure)
    height, width = window.shape[1:3]
    fine, done = window, 1
    for fitted, given, asked in zip(stages, ranges, ranges[1:], strict=False):
        stage = fitted.stage
        ltr = resize(window[given.start - first : given.stop - first], stage.size(height, width))
        fine = ltr if done == 1 else backproject(fine, ltr, done, exposure, rounds)
        made = fitted.take(fine, exposure, precision)
        done *= stage.step
        fine = made[(asked.start - given.start) * done : (asked.stop - given.start) * done]
    last = ranges[-1]
    ltr = window[last.start - first : last.stop - first]
    reached = stages[-1].stage.scale
    while reached < scale:
        reached = min(2 * reached, scale)
        size = Stage(reached, 1, done).size(height, width)
        fine = backproject(fine, resize(ltr, size), done, exposure, rounds)
    return fine[(wanted.start - last.start) * done : (wanted.stop - last.start) * done]


def stream(
    stages: tuple[FittedStage, ...],
    frames: Iterable[Tensor],
    total: int,
    chunk: int,
    *,
    start: int = 0,
    exposure: str = "full",
    rounds: int = 1,
    precision: torch.dtype = torch.float32,
    cuts: Sequence[int] = (),
    scale: Fraction = Fraction(1),
) -> Iterator[Tensor]:
    """Climb a video of any length in the memory of one chunk.

    Args:
        stages: coarse to fine.
        frames: pictures (H, W, C), in order: all from :func:`first_needed` on.
        total: how many frames the video has.
        chunk: LTR frames that are climbed at once.
        start: first frame whose result is wanted. The results are the same to the bit as those of
            a climb from 0 where it lies a multiple of ``chunk`` behind its scene's first frame.
        exposure: "full" or "delta".
        rounds: alternations of back-projection.
        precision: of the convolutions.
        cuts: first frames of scenes, 0 excepted; no result depends on another scene than its own.
        scale: of the sides of the result, at least the last stage's.

    Yields:
        Volumes (n * factor, H * scale, W * scale, C), together the result for all frames from the
        start, in order.
    """
    source = iter(frames)
    for first, stop in pairwise((0, *cuts, total)):
        if stop == first + 1 > start:  # nothing moves in a single frame
            yield repeat(next(source)[None], math.prod(s.stage.step for s in stages))
        elif stop > start:
            later, length = max(0, start - first), stop - first
            yield from _scene(
                stages, source, length, chunk, later, exposure, rounds, precision, scale
            )


def _scene(
    stages: tuple[FittedStage, ...],
    source: Iterator[Tensor],
    total: int,
    chunk: int,
    start: int,
    exposure: str,
    rounds: int,
    precision: torch.dtype,
    scale: Fraction,
) -> Iterator[Tensor]:
    around = margin(stages, exposure)
    held: list[Tensor] = []
    first = first_needed(stages, start, exposure)  # number of the frame held[0]
    for begin in range(start, total, chunk):
        wanted = range(begin, min(begin + chunk, total))
        while first + len(held) < min(total, wanted.stop + around):
            held.append(next(source))
        surplus = max(0, wanted.start - around) - first
        held, first = held[surplus:], first + surplus
        yield climb(
            stages,
            torch.stack(held),
            exposure=exposure,
            rounds=rounds,
            precision=precision,
            first=first,
            total=total,
            wanted=wanted,
            scale=scale,
        )
