"""What programs read: events as lines of JSON on stdout, and the log file."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from datetime import datetime
from pathlib import Path
from types import TracebackType

from deeptsr.errors import OutputError
from deeptsr.events import Event, Listener, Warned, to_json
from deeptsr.system.files import at_once, unwritable

from .notes import Detail, Stopping
from .sentences import sentence

__all__ = ["Log", "StdoutClosedError", "give_up_stdout", "print_json", "print_line"]

_LOOK = 1 << 16  # bytes of a file that show whether it is text


class StdoutClosedError(Exception):
    """Stdout takes no more: its reader has gone, or its disk is full; the cause tells which.

    No :class:`OSError`, so that nothing between here and the end of the command takes it for a
    broken pipe of its own, such as an encoder's.
    """


def print_line(text: str) -> None:
    """Write one line of data on stdout, at once.

    Raises:
        StdoutClosedError: when stdout takes no more.
    """
    if sys.stdout is None:
        raise StdoutClosedError from OSError(errno.EBADF, "it is closed")
    try:
        print(text, flush=True)
    except OSError as error:
        give_up_stdout()
        raise StdoutClosedError from error


def give_up_stdout() -> None:
    """Let what is still buffered go nowhere: Python would fail once more when it exits."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def print_json(event: Event) -> None:
    """Write one event as one line of JSON on stdout: a listener."""
    if not isinstance(event, (Detail, Stopping)):
        print_line(to_json(event))


class Log:
    """A listener that appends every event, with its time, to a text file.

    Args:
        path: the file; it is made where it does not exist.
        warn: told once when the file can no longer be written; the work goes on.

    Raises:
        OutputError: when the file cannot be opened.
        ResourceError: when the disk is full.
    """

    def __init__(self, path: str, warn: Listener) -> None:
        self._path = path
        self._warn = warn
        try:
            _check_text(Path(path))
            # Names that are no UTF-8 are written as they are.
            self._file = open(  # noqa: SIM115
                path, "a", encoding="utf-8", errors="surrogateescape", opener=at_once
            )
        except OSError as error:
            yours = "expected a log file in a folder that exists and is yours to write"
            raise unwritable(Path(path), error, otherwise=yours) from None

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._file.close()

    def __call__(self, event: Event) -> None:
        """Append ``event``; further lines of a longer text are indented."""
        if self._file.closed:
            return
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        text = sentence(event, verbose=True).replace("\n", "\n    ")
        try:
            print(now, type(event).__name__, text, file=self._file, flush=True)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.close()
            self._warn(Warned(f"no more is written to {self._path} ({error.strerror})"))


def _check_text(path: Path) -> None:
    """Refuse to append to what is no text: a video, or a picture of a folder that is read."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        if b"\0" in file.read(_LOOK):
            raise OutputError(
                f"the log file {path} exists and is no text; expected a log, or a new file; choose "
                "another name"
            )
