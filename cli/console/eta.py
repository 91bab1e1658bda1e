"""How long a job still takes, from the fractions that it reports."""

from __future__ import annotations

import math
from collections.abc import Callable

from deeptsr.system.humanize import duration

__all__ = ["Pace", "time_left"]

# Below these the time left is a guess, and is not shown.
LEAST_SECONDS = 5.0
LEAST_FRACTION = 0.005
# An advance larger and faster than this was found in the work folder, not made.
LEAP = 0.02
LEAP_A_SECOND = 0.05


class Pace:
    """A smoothed speed, whose memory is a third of the time that the job has run so far.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._fraction: float | None = None
        self._time = 0.0
        self._worked = self._gained = 0.0  # seconds, and fraction, since the start or a leap
        self._recent_time = self._recent_gain = 0.0  # the same, the older the fainter

    def update(self, fraction: float) -> None:
        """Take note that ``fraction`` of the whole job, in [0, 1], is done now."""
        now = self._clock()
        if self._fraction is not None:
            advance, took = fraction - self._fraction, now - self._time
            if advance < 0 or advance > max(LEAP, took * LEAP_A_SECOND):
                self._restart()
            else:
                self._worked += took
                self._gained += advance
                fade = math.exp(-took / max(15.0, self._worked / 3))
                self._recent_time = self._recent_time * fade + took
                self._recent_gain = self._recent_gain * fade + advance
        self._fraction, self._time = fraction, now

    def left(self) -> float | None:
        """Seconds until the job is done, or None while that cannot be told, and at its end."""
        if (
            self._fraction is None
            or self._fraction >= 1
            or self._worked < LEAST_SECONDS
            or self._gained < LEAST_FRACTION
            or self._recent_gain <= 0
        ):
            return None
        left = (1 - self._fraction) * self._recent_time / self._recent_gain
        # It counts down between two reports, but does not reach zero without news.
        return max(left - (self._clock() - self._time), left / 2)

    def _restart(self) -> None:
        self._worked = self._gained = 0.0
        self._recent_time = self._recent_gain = 0.0


def time_left(seconds: float) -> str:
    """Write the time that remains, no finer than it can be known.

    >>> time_left(37), time_left(133), time_left(1234)
    ('40 s left', '2 min 20 s left', '21 min left')
    """
    grain = 5 if seconds < 60 else 10 if seconds < 600 else 60
    coarse = max(1, math.ceil(seconds / grain)) * grain
    return f"{coarse} s left" if coarse < 60 else f"{duration(coarse)} left"
