"""Looks at the clock while a run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Watch"]

_SURE = 3.0  # seconds of fitting after which its speed tells that of the machine


class Watch:
    """Looks at the clock while a run goes on, which may be slower than was measured.

    Args:
        began: when the run began, as ``clock`` tells it.
        seconds: that it may take.
        fit: seconds that each stage's fit was forecast to take.
        climb: the same of the climb.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        began: float,
        seconds: float,
        fit: tuple[float, ...],
        climb: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._end, self._fit, self._climb = began + seconds, fit, climb
        self._clock, self._stage, self._shares = clock, 0, [0.0] * len(fit)
        self._start: float | None = None
        self.seconds = sum(fit) + climb  # that the rest of the run was forecast to take
        self._ended: set[int] = set()  # stages whose fit had no time to go on

    def at(self, stage: int, share: float) -> None:
        """Take note that a stage, from 0, has made a share of its steps."""
        self._stage = stage
        if stage not in self._ended:  # what was cut short is not done
            self._shares[stage] = share

    @property
    def cut(self) -> bool:
        """Whether the fit of a stage was ended."""
        return bool(self._ended)

    def enough(self) -> bool:
        """Whether the fit of this stage has to end, for the rest to have its time."""
        now = self._clock()
        if self._start is None:
            self._start = now
        until = sum(self._fit[: self._stage + 1])
        room = self._end - self._climb * self._slowness() - self._start
        over = now - self._start > room * until / sum(self._fit)
        if over:
            self._ended.add(self._stage)
        return over

    def late(self) -> bool:
        """Whether the climb will not be done in time."""
        return self._clock() + self._climb * self._slowness() > self._end

    def _slowness(self) -> float:
        """How many times longer than forecast the fit takes, 1 at least."""
        spent = 0.0 if self._start is None else self._clock() - self._start
        planned = sum(share * fit for share, fit in zip(self._shares, self._fit, strict=True))
        return max(1.0, spent / planned) if planned > _SURE else 1.0
