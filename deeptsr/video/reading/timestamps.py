"""The exact timeline behind a list of rounded timestamps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import gcd

import numpy as np

from deeptsr.imaging.timeline import LARGEST_RATE_TERM, Timeline
from deeptsr.system.humanize import describe_rate

__all__ = ["find_timeline"]

_FALLBACK = Fraction(25)
_HIGHEST = 10_000  # frames a second; a "rate" above it is some demuxer's clock
_REORDERED = 16  # frames that a codec may hold back: so many may miss neighbours at a cut
# Deviations from an even grid below this share of a frame are rounding, not a variable rate.
_TOLERANCE = 0.02
_ROUNDED = 0.501  # ticks, where a tick is a frame: one more would be a frame that is missing
_COARSE = Fraction(3, 2)  # ticks a frame
_CLOCK = Fraction(1, 200)  # second: finer clocks count time, and not frames
_SAME = 1e-4  # relative error of an estimate; 24 and 24000/1001 differ by 1e-3
_FINEST = Fraction(1, 1_000_000)  # second: the finest clock of a variable rate; 32 bits hold it
_FEW, _MOSTLY = 8, 0.8  # frames that tell of film, and the share of them that must
_HELD = Fraction(3, 2)  # frames: a last one that is longer is shown that long on purpose


def find_timeline(
    timestamps: Sequence[int],
    time_base: Fraction,
    candidates: Iterable[Fraction | None],
    *,
    frames: int,
    last: int = 0,
    cut_off: bool = False,
) -> tuple[Timeline, str]:
    """Find when all frames are shown.

    Args:
        timestamps: of the frames, in units of the time base, in any order; empty when the file
            has none.
        time_base: seconds a unit.
        candidates: rates that the container claims, the most trusted first.
        frames: how many there are.
        last: how long the last one is shown, in units of the time base; 0: unknown.
        cut_off: whether the file may end too early; then its last frames may lack the ones between
            them, and do not count.

    Returns:
        A constant rate, if no timestamp leaves its even grid by more than its own rounding: the
        first such candidate, else the nearest common rate. Otherwise the timestamps as they are.
        And what the user should be told, or "".
    """
    claimed = [rate for rate in candidates if rate and 0 < rate <= _HIGHEST]
    rate = claimed[0] if claimed else _FALLBACK
    if not timestamps:
        note = f"the file has no timestamps: taken as {describe_rate(rate)}"
        return Timeline.constant(rate, frames), note
    ticks = sorted(timestamps)
    start = ticks[0] * time_base
    if ticks[0] == ticks[-1]:
        note = "" if claimed else f"the file names no frame rate: taken as {describe_rate(rate)}"
        return Timeline.constant(rate, frames, start), note
    even, ragged = _even(ticks, time_base, claimed, cut_off=cut_off)
    if even is None or (not cut_off and last * time_base * even > _HELD):
        return _uneven(ticks, time_base, last)
    note = (
        f"the last {ragged} frames are not evenly spaced, perhaps because the file is cut off: all "
        f"are treated as constant at {describe_rate(even)}"
    )
    return Timeline.constant(even, frames, start), note if ragged else ""


def _even(
    ticks: Sequence[int], time_base: Fraction, claimed: Sequence[Fraction], *, cut_off: bool
) -> tuple[Fraction | None, int]:
    """Return the rate whose even grid the timestamps keep to, and how many at the end do not."""
    average = (len(ticks) - 1) / ((ticks[-1] - ticks[0]) * time_base)
    passed = np.asarray(ticks, np.float64) - ticks[0]
    # A claim that the clock cannot count exactly was itself estimated, of a usual rate mostly.
    exact = [rate for rate in claimed if (1 / (rate * time_base)).denominator == 1]
    usual = [near for rate in claimed for near in _usual(rate) if abs(near / rate - 1) < _SAME]
    for rate in (*exact, *usual, *claimed, *_usual(average)):
        grid = np.arange(len(ticks)) * float(1 / (rate * time_base))
        step = 1 / (rate * time_base)  # ticks a frame
        if 1 < step < _COARSE and time_base >= _CLOCK:
            continue  # the clock counts frames, of which some are missing
        allowed = max(1.001 if step != 1 else _ROUNDED, _TOLERANCE * float(step))
        off = np.flatnonzero(np.abs(passed - grid) > allowed)
        ragged = 0 if off.size == 0 else len(ticks) - int(off[0])
        if ragged == 0 or (cut_off and len(ticks) - ragged > 1 and ragged <= _REORDERED):
            return rate, ragged
    return None, 0


def _uneven(ticks: Sequence[int], time_base: Fraction, last: int) -> tuple[Timeline, str]:
    """Return timestamps as they are, or even ones where they do not rise."""
    start = ticks[0] * time_base
    passed = [tick - ticks[0] for tick in ticks]
    if time_base < _FINEST:
        passed = [round(tick * time_base / _FINEST) for tick in passed]
        last, time_base = round(last * time_base / _FINEST), _FINEST
    intervals = [b - a for a, b in pairwise(passed)]
    if min(intervals) == 0:
        rate = _simple(len(intervals) / (passed[-1] * time_base))
        return Timeline.constant(rate, len(ticks), start), (
            "several frames have the same timestamp: all are treated as constant at their average "
            f"of {describe_rate(rate)}, so that moments may shift"
        )
    # Some containers give the last frame an instant, or nothing.
    end = last if last >= min(intervals) else sorted(intervals)[len(intervals) // 2]
    unit = gcd(end, *intervals)
    whole = tuple(tick // unit for tick in (*passed, passed[-1] + end))
    timeline = Timeline(time_base * unit, whole, start)
    rates = [
        describe_rate(1 / (time_base * n)) for n in (max(*intervals, end), min(*intervals, end))
    ]
    film = "; film that is shown by turns for two and three fields: `vfr` cfr makes it even"
    return timeline, (
        f"variable frame rate, or frames are missing: {rates[0]} to {rates[1]}, "
        f"{describe_rate(timeline.rate)} on average{film if _pulled_down(intervals) else ''}"
    )


def _pulled_down(intervals: Sequence[int]) -> bool:
    """Tell whether frames last two and three fields in turn, nearly always."""
    short = min(intervals)
    longer = [round(2 * interval / short) for interval in intervals]  # in fields
    turns = sum({a, b} == {2, 3} for a, b in pairwise(longer))
    return len(longer) > _FEW and turns > _MOSTLY * (len(longer) - 1)


def _usual(rate: Fraction) -> list[Fraction]:
    """Return the rates in use that lie nearest to an estimated one."""
    whole = round(rate)
    film = round(rate * 1001 / 1000)
    return [rate for rate in (Fraction(whole), Fraction(film * 1000, 1001)) if rate > 0]


def _simple(rate: Fraction) -> Fraction:
    """Return the nearest fraction of small terms."""
    if rate > 1:
        return Fraction(1) / (1 / rate).limit_denominator(LARGEST_RATE_TERM)
    return rate.limit_denominator(LARGEST_RATE_TERM)
