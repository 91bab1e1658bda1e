"""What a person sees on stderr: plain lines here; on a terminal, a bar in ``progress_bar``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from deeptsr.events import Done, Event, Progress, VideoEnded, VideoProgress, VideoWarned, Warned

from .eta import Pace, time_left
from .notes import Detail, Error, Stopping
from .run_summary import Summary
from .sentences import sentence

__all__ = ["Lines", "draws"]

STEPS = 10  # a plain line comes at each tenth of the job, and where the phase changes,
PAUSE = 2.0  # but not before so many seconds have passed since the last one,
SILENCE = 60.0  # and in any case when so many have
ALWAYS = (Warned, VideoWarned, Error, Stopping, Detail)  # told however quiet


def draws(stream: TextIO | None) -> bool:
    """Whether a bar can be drawn on ``stream``.

    Asks the stream itself, not rich: rich takes FORCE_COLOR for a terminal, and a file that
    collects stderr would fill with control characters.
    """
    if stream is None:  # it was closed at the start
        return False
    return stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


class Lines:
    """A listener that writes plain lines.

    Args:
        stream: where the lines go.
        quiet: only warnings and errors.
        verbose: more figures, and the details.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        quiet: bool = False,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._quiet = quiet
        self._verbose = verbose
        self._clock = clock
        self._pace = Pace(clock)
        self._summary = Summary(clock)
        self._shown: tuple[float, Progress] | None = None

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __call__(self, event: Event) -> None:
        """Say what ``event`` has to say, if it is for these ears."""
        self._summary(event)
        if isinstance(event, Detail) and not self._verbose:
            return
        if self._quiet and not isinstance(event, ALWAYS):
            return
        if isinstance(event, VideoEnded) and event.state == "skipped" and not self._verbose:
            return  # the table has them, and there may be hundreds
        if isinstance(event, Progress):
            self._pace.update(event.fraction)
            self._progress(event)
        elif isinstance(event, VideoProgress):
            self._video(event)
        elif isinstance(event, Done):
            self._say(event, self._summary.text(event))
        else:
            self._say(event, sentence(event, verbose=self._verbose))

    def close(self) -> None:
        """Leave the stream as it was found."""

    def clear(self) -> None:
        """Take away what would stand in the way of the words that follow."""

    def _progress(self, event: Progress) -> None:
        now = self._clock()
        if self._shown is not None:
            then, last = self._shown
            news = event.phase != last.phase or _step(event) > _step(last)
            if now - then < (PAUSE if news else SILENCE):
                return
        self._shown = now, event
        left = self._pace.left()
        self._say(event, sentence(event) + (f" ({time_left(left)})" if left is not None else ""))

    def _video(self, event: VideoProgress) -> None:
        """One video of many goes on: that of the whole batch is told, in :meth:`_progress`."""

    def _say(self, event: Event, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except OSError:
            # Nobody reads any more. That is no reason to stop hours of work.
            self._quiet = True


def _step(event: Progress) -> int:
    return int(event.fraction * STEPS + 1e-9)
