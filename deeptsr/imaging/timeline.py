"""When the frames of a video are shown: exact, for constant and for variable frame rates alike."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import gcd

__all__ = ["LARGEST_CLOCK_TERM", "LARGEST_INTERVAL_TERM", "LARGEST_RATE_TERM", "Timeline"]

# The largest term of a fraction of each kind, such that FFmpeg's 32 bits hold what is made of it.
LARGEST_CLOCK_TERM = 2**31 - 1  # of a clock, which is stored as it is
LARGEST_INTERVAL_TERM = 1_000_000  # of an average interval, which is divided by a factor
LARGEST_RATE_TERM = 100_000  # of an average rate, which is multiplied by one


@dataclass(frozen=True)
class Timeline:
    """When each frame of a video begins, and when the last one ends.

    Frame ``i`` is shown from moment ``i`` to moment ``i + 1``, where moment ``i`` is
    ``start + ticks[i] * clock``. At a constant rate a tick is a frame, and ``ticks`` is a range.

    Attributes:
        clock: seconds a tick, more than 0.
        ticks: whole numbers that rise from 0, one more than there are frames.
        start: when the first frame begins, seconds.

    >>> whole = Timeline.constant(Fraction(24000, 1001), 48)
    >>> whole.duration, whole.moment(24)
    (Fraction(1001, 500), Fraction(1001, 1000))
    >>> Timeline(Fraction(1, 100), (0, 4, 20)).subdivided(2)
    Timeline(clock=Fraction(1, 200), ticks=(0, 4, 8, 24, 40), start=Fraction(0, 1))
    """

    clock: Fraction
    ticks: range | tuple[int, ...]
    start: Fraction = Fraction(0)

    @classmethod
    def constant(cls, rate: Fraction, frames: int, start: Fraction = Fraction(0)) -> Timeline:
        """So many frames at one rate, frames a second."""
        return cls(1 / rate, range(frames + 1), start)

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.ticks) - 1

    @property
    def is_constant(self) -> bool:
        """Whether all frames are shown equally long."""
        return isinstance(self.ticks, range)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame's beginning to the last one's end."""
        return self.ticks[-1] * self.clock

    @property
    def rate(self) -> Fraction:
        """Frames a second, on the average."""
        return len(self) / self.duration

    @property
    def highest_rate(self) -> Fraction:
        """Frames a second where they follow each other most closely."""
        if self.is_constant:
            return 1 / self.clock
        shortest = min(b - a for a, b in pairwise(self.ticks))
        return 1 / (shortest * self.clock)

    @property
    def longest_interval(self) -> Fraction:
        """Seconds of the frame that is shown the longest."""
        if isinstance(self.ticks, range):
            return self.clock
        return max(b - a for a, b in pairwise(self.ticks)) * self.clock

    @property
    def grid(self) -> Fraction:
        """The longest clock of which every moment is a multiple, seconds."""
        if not self.start:
            return self.clock
        one, other = self.clock, self.start
        common = gcd(one.numerator * other.denominator, other.numerator * one.denominator)
        return Fraction(common, one.denominator * other.denominator)

    def moment(self, index: int) -> Fraction:
        """Return when a frame begins, seconds; that of index ``len`` is when the last one ends."""
        return self.start + self.ticks[index] * self.clock

    def first_from(self, seconds: Fraction) -> int:
        """Return the first frame that begins so long after the first one, or later."""
        return bisect_left(self.ticks, seconds / self.clock, hi=len(self))

    def shown_at(self, moment: Fraction) -> int:
        """Return the frame that is shown at a moment, seconds; else the first or the last one."""
        return max(
            0, bisect_right(self.ticks, (moment - self.start) / self.clock, hi=len(self)) - 1
        )

    def part(self, chosen: range) -> Timeline:
        """Return the timeline of some successive frames, which keep their moments."""
        ticks = self.ticks[chosen.start : chosen.stop + 1]
        if isinstance(ticks, range):
            ticks = range(len(ticks))
        else:
            ticks = tuple(tick - self.ticks[chosen.start] for tick in ticks)
        return Timeline(self.clock, ticks, self.moment(chosen.start))

    def without(self, frames: Collection[int]) -> Timeline:
        """Leave some frames out, not the first one: the frame before each lasts on.

        >>> Timeline.constant(Fraction(24), 6).without({1, 3, 5})
        Timeline(clock=Fraction(1, 12), ticks=range(0, 4), start=Fraction(0, 1))
        """
        last = len(self)
        ticks = tuple(t for i, t in enumerate(self.ticks) if i == last or i not in frames)
        gaps = {b - a for a, b in pairwise(ticks)}
        if len(gaps) > 1:
            return Timeline(self.clock, ticks, self.start)
        return Timeline(self.clock * gaps.pop(), range(len(ticks)), self.start)

    def subdivided(self, factor: int) -> Timeline:
        """Put ``factor`` frames of equal length in the place of each one."""
        clock, ticks = self.clock / factor, self.ticks
        if isinstance(ticks, range):
            return Timeline(clock, range(len(self) * factor + 1), self.start)
        fine = [a * factor + k * (b - a) for a, b in pairwise(ticks) for k in range(factor)]
        return Timeline(clock, (*fine, ticks[-1] * factor), self.start)

    def merged(self, factor: int) -> Timeline:
        """Put one frame in the place of ``factor`` of them, which divides their number."""
        if isinstance(self.ticks, range):
            return Timeline(self.clock * factor, range(len(self) // factor + 1), self.start)
        return Timeline(self.clock, self.ticks[::factor], self.start)

    def stretched(self, by: Fraction) -> Timeline:
        """Let all time pass so many times slower; moment 0 stays."""
        return Timeline(self.clock * by, self.ticks, self.start * by)

    def starting_at(self, start: Fraction) -> Timeline:
        """Return the same from another moment on, seconds.

        It is rounded to a tick where no clock that FFmpeg can hold counts both exactly.
        """
        moved = replace(self, start=start)
        if max(moved.grid.numerator, moved.grid.denominator) <= LARGEST_CLOCK_TERM:
            return moved
        return replace(self, start=round(start / self.clock) * self.clock)
