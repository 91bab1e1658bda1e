"""What a run came to, in a few lines at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from deeptsr.events import Done, Event, Planned, Progress, SelfChecked, Sharpened, StageFitted
from deeptsr.system.humanize import duration, rate, size

from ..escapes import clean
from .sentences import sentence

__all__ = ["Summary"]

# Phases in the order in which they are told, but for those of under a hundredth of the time.
_PHASES = {"read": "reading", "fit": "fitting", "render": "rendering", "finish": "finishing"}
_LEAST_SHARE = 0.01
_LEAST_SECONDS = 0.05  # or what would be told as 0.0 s


class Summary:
    """A listener that gathers what matters of a run; :meth:`text` tells it.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._planned: Planned | None = None
        self._checked: SelfChecked | None = None
        self._sharpened: Sharpened | None = None
        self._stages: dict[int, StageFitted] = {}
        self._took: dict[str, float] = {}
        self._phase: str | None = None
        self._since = 0.0

    def __call__(self, event: Event) -> None:
        """Take note of ``event``."""
        if isinstance(event, Planned):
            self._planned = event
        elif isinstance(event, SelfChecked):
            self._checked = event
            self._turn_to("render")  # its progress is told when the first frames are there
        elif isinstance(event, Sharpened):
            self._sharpened = event
            self._turn_to("render")
        elif isinstance(event, StageFitted):
            self._stages[event.stage] = event
        elif isinstance(event, (Progress, Done)):
            self._turn_to(event.phase if isinstance(event, Progress) else None)

    def _turn_to(self, phase: str | None) -> None:
        now = self._clock()
        if self._phase is not None:
            self._took[self._phase] = self._took.get(self._phase, 0) + now - self._since
        self._phase, self._since = phase, now

    def text(self, done: Done) -> str:
        """Write it down; a job without a plan has nothing to add to the sentence that ends it."""
        lines = [sentence(done)]
        if self._planned is not None:
            rows = [self._gain(), *self._fits(), self._detail(), self._time()]
            rows.append(self._video(self._planned, done))
            lines += [f"  {name:<8}{value}" for name, value in rows if value]
        return clean("\n".join(lines))

    def _gain(self) -> tuple[str, str]:
        if self._checked is None:
            return "gain", ""
        gain = _gain(self._checked.gain_db)
        told = f"{gain} over linear interpolation, on held-out frames of this video"
        return "gain", f"{told} ({self._checked.confidence})"

    def _fits(self) -> list[tuple[str, str]]:
        rows: list[tuple[str, str]] = []
        width = max((len(event.label) for event in self._stages.values()), default=0)
        for number, event in sorted(self._stages.items()):
            plain = "" if event.outcome == "fitted" else f", {event.outcome}"
            name = "" if rows else "stages"
            rows.append((name, f"{number}  {event.label:<{width}}  {_gain(event.gain_db)}{plain}"))
        return rows

    def _detail(self) -> tuple[str, str]:
        detail = self._sharpened
        if detail is None:
            return "detail", ""
        added = "none is added"
        if detail.outcome == "sharpened":
            added = f"{detail.share:.0%} of what was found is added"
        if detail.agreement < 1:
            added += f", {detail.agreement:.0%} of the frames is believed"
        told = f"{_gain(detail.gain_db)} over bicubic, on frames shrunk and enlarged again"
        return "detail", f"{told}; {added}"

    def _time(self) -> tuple[str, str]:
        least = max(_LEAST_SECONDS, _LEAST_SHARE * sum(self._took.values()))
        took = {phase: seconds for phase, seconds in self._took.items() if seconds > least}
        told = [f"{word} {duration(took[p])}" for p, word in _PHASES.items() if p in took]
        return "time", ", ".join(told)

    def _video(self, planned: Planned, done: Done) -> tuple[str, str]:
        parts = [
            f"{rate(planned.rate_in)} -> {rate(done.rate)} fps",
            f"{planned.width_out or planned.width} x {planned.height_out or planned.height}",
            duration(float(done.frames / Fraction(done.rate))),
        ]
        with contextlib.suppress(OSError):
            parts.append(size(_bytes(Path(done.output))))
        return "video", ", ".join(parts)


def _gain(decibels: float) -> str:
    return f"{round(decibels, 1) + 0.0:+.1f} dB"  # no "-0.0"


def _bytes(output: Path) -> int:
    """Count the bytes of a file, or of a folder's images (``frames/%05d.png`` names a folder)."""
    place = output.parent if "%" in output.name and not output.exists() else output
    files = place.iterdir() if place.is_dir() else [place]
    return sum(file.stat().st_size for file in files)
