"""Ctrl-C and SIGTERM: the first one lets the work finish its step, the second one stops it.

Batch systems and service managers send SIGTERM once, and kill soon after: it does not wait for a
step that is long.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from deeptsr.events import Event, Listener, Progress

from .console.notes import Stopping

__all__ = ["TerminatedError", "gentle"]

_PATIENCE = 1.5  # seconds that a step has left after SIGTERM
_AGAIN = 5.0  # seconds until it is raised once more, where FFmpeg's log swallowed it
_SAYING = 1.0  # seconds that the words about it have, before the last ones


class TerminatedError(KeyboardInterrupt):
    """SIGTERM. Whoever cleans up after Ctrl-C cleans up after this."""


@contextlib.contextmanager
def gentle(tell: Listener) -> Iterator[Listener]:
    """Give a listener that ends the work, when that is wanted, where it reports progress.

    The work saves what it has when its listener raises. Outside of the main thread, where Python
    sets no handlers, nothing changes.

    Args:
        tell: hears all events first.

    Raises:
        KeyboardInterrupt: from the listener after a first Ctrl-C, from anywhere after a second.
        TerminatedError: the same after SIGTERM; and from anywhere, where the listener hears nothing
            for 1.5 seconds.
    """
    if threading.current_thread() is not threading.main_thread():
        yield tell
        return
    errors = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: TerminatedError}
    caught: list[int] = []
    over = threading.Event()

    def say() -> None:
        over.wait()
        with contextlib.suppress(OSError):
            if caught:
                tell(Stopping())

    # A thread of its own can wait where the listener is at work just now, and a bar makes room. It
    # is there before: a handler that starts one may have interrupted another start.
    says = threading.Thread(target=say, daemon=True)
    says.start()

    def handle(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        if len(caught) > 1:
            raise errors[signal.Signals(number)]
        if number == signal.SIGTERM:
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE, _AGAIN)
        over.set()

    def listen(event: Event) -> None:
        tell(event)
        if caught and isinstance(event, Progress):
            says.join(_SAYING)
            raise errors[signal.Signals(caught[0])]

    def late(number: int, frame: FrameType | None) -> None:
        raise TerminatedError

    before = {number: signal.signal(number, handle) for number in errors}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, late)
    try:
        yield listen
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        over.set()
