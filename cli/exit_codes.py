"""How a command ends: errors and signals become words and exit codes."""

from __future__ import annotations

import contextlib
import signal
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from deeptsr.errors import DeeptsrError, ResourceError
from deeptsr.events import Listener
from deeptsr.system.files import is_full

from .console.json_lines import StdoutClosedError
from .console.notes import Detail, Error
from .signals import TerminatedError

__all__ = ["endings"]

# 128 + the number of the signal, as shells have it.
INTERRUPTED = 130
STDOUT_CLOSED = 141
TERMINATED = 143
GO_ON = "run the same command again to go on from where it stopped"
ANEW = "run the same command again to start anew"


@contextlib.contextmanager
def endings(tell: Listener, *, resumes: bool = True) -> Iterator[None]:
    """Tell how the block failed, and exit with the code that says so.

    Args:
        tell: hears how it failed.
        resumes: whether the command, given again, goes on from where it was interrupted.

    Raises:
        SystemExit: with 1 for a bug, 130 after Ctrl-C, 143 after SIGTERM, 141 when stdout was
            closed, else the ``exit_code`` of the :class:`~deeptsr.errors.DeeptsrError`.
    """
    again = GO_ON if resumes else ANEW
    caught: list[int] = []

    def ended() -> NoReturn:
        if signal.SIGTERM in caught:
            _fail(tell, f"terminated; {again}", TERMINATED)
        _fail(tell, f"interrupted; {again}", INTERRUPTED)

    try:
        with _signals(caught):
            yield
    except StdoutClosedError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            raise SystemExit(STDOUT_CLOSED) from None
        message = f"stdout cannot be written ({error.__cause__}); expected room for the data"
        _fail(tell, message, ResourceError.exit_code)
    except DeeptsrError as error:
        _fail(tell, str(error), error.exit_code)
    except TerminatedError:
        caught.append(signal.SIGTERM)
        ended()
    except KeyboardInterrupt:  # of SIGTERM, too, where Ray waited: it passes on no other kind
        ended()
    except MemoryError:
        _fail(
            tell, "memory ran out; expected more of it, or a smaller video", ResourceError.exit_code
        )
    except Exception as error:
        if caught:  # within an import, whose C code made an error of its own of it
            ended()
        tell(Detail(traceback.format_exc().rstrip()))
        if is_full(error):
            full = f"a disk is full ({error}); expected room for what is written on the way, too"
            _fail(tell, f"{full}; free some space, and {again}", ResourceError.exit_code)
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _fail(tell, f"internal error: {what} (this is a bug; -v shows where)", 1)


def _fail(tell: Listener, message: str, exit_code: int) -> NoReturn:
    with contextlib.suppress(StdoutClosedError):
        tell(Error(message, exit_code))
    raise SystemExit(exit_code) from None


@contextlib.contextmanager
def _signals(caught: list[int]) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C raise, so that whoever is at work clears up; note which it was."""
    errors = {signal.SIGTERM: TerminatedError, signal.SIGINT: KeyboardInterrupt}

    def end(number: int, frame: FrameType | None) -> NoReturn:
        caught.append(number)
        raise errors[signal.Signals(number)]

    # Python lets only the main thread set a handler.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end)}
    if callable(signal.getsignal(signal.SIGINT)):  # else it is ignored, and stays so
        before[signal.SIGINT] = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
