"""The way in: Ctrl-C is heard from the first moment on, before anything large is imported."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import NoReturn

__all__ = ["main"]

_STDERR = 2
# Spins of a thread that waits for another; then it sleeps. On a free machine these are enough; with
# no bound, a busy one is kept from its work by those who wait (trials.md, "Threads that wait").
_SPINS = "10000"
_INTERRUPTED = 130  # 128 + the number of the signal, as shells have it


def main() -> None:
    """Run ``deeptsr``."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is to be ignored
        signal.signal(signal.SIGINT, _leave)
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
    # Imported here, for the reason above, and as what is imported reads that.
    from .main import main as run  # noqa: PLC0415

    run()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """End at once: until a command begins, there is nothing to save or to clear up."""
    with contextlib.suppress(OSError):
        os.write(_STDERR, b"interrupted\n")
    os._exit(_INTERRUPTED)
