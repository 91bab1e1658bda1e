"""Which input frames a stage, or a chunk, depends on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from deeptsr.imaging.volume import pieces, wider
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.special import NEAR
from deeptsr.pyramid.stage import FittedStage

__all__ = ["Load", "all_loads", "beyond", "first_needed", "loads", "margin", "needed"]

_DETAIL_TAPS = 2  # and back-projection, in which what is lacked fades into what the next one lacks


def _spreads(stages: tuple[FittedStage, ...]) -> list[int]:
    """LTR frames to each side that each stage, and what comes after the last, depend on."""
    after = sum(1 for _ in beyond(stages, Fraction(1)))
    return [
        *(
            math.ceil(f.reach / f.stage.factor_before) + (f.stage.factor_before > 1) * _DETAIL_TAPS
            for f in stages
        ),
        after * _DETAIL_TAPS,
    ]


def needed(stages: tuple[FittedStage, ...], wanted: range, total: int) -> list[range]:
    """LTR frames that each stage must receive, coarse to fine, and that the last must return."""
    ranges = [wanted]
    for spread in reversed(_spreads(stages)):
        ranges.insert(0, wider(ranges[0], spread, total))
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
    trusted: int  # and restored again; 0 where that is not done
    judged: int  # that tell who takes which place; 0 where there is no specialist


def loads(stages: tuple[FittedStage, ...], chunk: int, total: int) -> tuple[Load, ...]:
    """What each stage does to climb a chunk in the middle of a clip of ``total`` frames."""
    first = max(0, total - chunk) // 2
    return _loads(stages, range(first, min(total, first + chunk)), total)


def all_loads(
    stages: tuple[FittedStage, ...], chunk: int, total: int
) -> Iterator[tuple[int, tuple[Load, ...]]]:
    """The kinds of chunks of a clip: how many there are, and what each stage does to climb one."""
    chunks = pieces(range(total), chunk)
    for kind in (chunks[:1], chunks[1:-1], chunks[1:][-1:]):
        if kind:
            yield len(kind), _loads(stages, kind[len(kind) // 2], total)


def _loads(stages: tuple[FittedStage, ...], chunk: range, total: int) -> tuple[Load, ...]:
    ranges = needed(stages, chunk, total)
    by_stage = []
    for fitted, given, asked in zip(stages, ranges, ranges[1:], strict=False):
        done, last = fitted.stage.factor_before, total * fitted.stage.factor_before
        wanted = range(asked.start * done, asked.stop * done)
        trusted, seen = fitted.looked_at(wanted, last)
        again = len(trusted) if fitted.restores else 0
        judged = len(wider(wanted, NEAR, last)) if fitted.special else 0
        by_stage.append(Load(len(given), len(given) * done, len(seen), again, judged))
    return tuple(by_stage)


def first_needed(stages: tuple[FittedStage, ...], start: int, cuts: Sequence[int] = ()) -> int:
    """The first LTR frame that the results from ``start`` on depend on."""
    scene = max((cut for cut in cuts if cut <= start), default=0)
    return max(scene, start - margin(stages))


def beyond(stages: tuple[FittedStage, ...], scale: Fraction) -> Iterator[Stage]:
    """The sizes that a result goes through after the last stage."""
    last = stages[-1].stage
    reached = last.scale
    while reached < scale:
        reached = min(2 * reached, scale)
        yield Stage(reached, 1, last.factor_before * last.step)
