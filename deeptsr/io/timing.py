"""The exact frame rate behind a list of rounded timestamps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

__all__ = ["Timing", "describe_rate", "find_rate"]

_FALLBACK = Fraction(25)
_HIGHEST = 10_000  # frames a second; a "rate" above it is some demuxer's clock
_RAGGED = 4  # last frames that may be uneven before the whole counts as variable
_REORDERED = 16  # frames that a codec may hold back: so many may miss neighbours at a cut
# Deviations from an even grid below this share of a frame are rounding, not a variable rate.
_TOLERANCE = 0.02
_SAME = 1e-4  # relative error of an estimate; 24 and 24000/1001 differ by 1e-3
_LARGEST_TERM = 100_000  # of an average rate: rate x factor must fit FFmpeg's 32-bit fractions


@dataclass(frozen=True)
class Timing:
    """When the frames of a stream are shown.

    Attributes:
        rate: frames a second.
        start: timestamp of the first frame, seconds.
        note: what the user should be told, or "".
    """

    rate: Fraction
    start: Fraction
    note: str = ""


def describe_rate(rate: Fraction) -> str:
    """Describe a rate for people: "25 fps" or "23.976 fps"."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".") + " fps"


def find_rate(
    timestamps: Sequence[int],
    time_base: Fraction,
    candidates: Iterable[Fraction | None],
    *,
    cut_off: bool = False,
) -> Timing:
    """Find the rate that explains the timestamps of all frames.

    Args:
        timestamps: of the frames, in units of the time base, in any order; empty when the file
            has none.
        time_base: seconds a unit.
        candidates: rates that the container claims, the most trusted first.
        cut_off: whether the file ends too early; then its last frames may lack the ones between
            them, and do not count.

    Returns:
        The first candidate, else the nearest common rate, whose even grid no timestamp leaves by
        more than its own rounding; otherwise the average rate, and a note that says so.
    """
    claimed = [rate for rate in candidates if rate and 0 < rate <= _HIGHEST]
    if not timestamps:
        rate = claimed[0] if claimed else _FALLBACK
        return Timing(
            rate, Fraction(0), f"the file has no timestamps: taken as {describe_rate(rate)}"
        )
    ordered = sorted(timestamps)
    start = ordered[0] * time_base
    span = (ordered[-1] - ordered[0]) * time_base
    if span <= 0:
        if claimed:
            return Timing(claimed[0], start)
        note = f"the file names no frame rate: taken as {describe_rate(_FALLBACK)}"
        return Timing(_FALLBACK, start, note)
    average = (len(ordered) - 1) / span
    ticks = np.asarray(ordered, np.float64) - ordered[0]
    # A claim that the clock cannot count exactly was itself estimated, of a usual rate mostly.
    exact = [rate for rate in claimed if (1 / (rate * time_base)).denominator == 1]
    usual = [near for rate in claimed for near in _usual(rate) if abs(near / rate - 1) < _SAME]
    for rate in (*exact, *usual, *claimed, *_usual(average)):
        grid = np.arange(len(ordered)) * float(1 / (rate * time_base))
        allowed = max(1.001, _TOLERANCE / float(rate * time_base))
        off = np.flatnonzero(np.abs(ticks - grid) > allowed)
        ragged = 0 if off.size == 0 else len(ordered) - int(off[0])
        if ragged == 0 or (cut_off and len(ordered) - ragged > 1 and ragged <= _REORDERED):
            return Timing(rate, start)
        if ragged <= _RAGGED and len(ordered) >= 2 * _RAGGED:
            return Timing(
                rate,
                start,
                f"the last {ragged} frames are not evenly spaced, perhaps because the file is cut "
                f"off: all are treated as constant at {describe_rate(rate)}",
            )
    average = _simple(average)
    return Timing(
        average,
        start,
        "variable frame rate, or frames are missing: treated as constant at its average of "
        f"{describe_rate(average)}, so that moments may shift; convert it first if that matters: "
        "ffmpeg -i INPUT -fps_mode cfr OUTPUT",
    )


def _usual(rate: Fraction) -> list[Fraction]:
    """Return the rates in use that lie nearest to an estimated one."""
    whole = round(rate)
    film = round(rate * 1001 / 1000)
    return [rate for rate in (Fraction(whole), Fraction(film * 1000, 1001)) if rate > 0]


def _simple(rate: Fraction) -> Fraction:
    """Return the nearest fraction of small terms."""
    if rate > 1:
        return Fraction(1) / (1 / rate).limit_denominator(_LARGEST_TERM)
    return rate.limit_denominator(_LARGEST_TERM)
