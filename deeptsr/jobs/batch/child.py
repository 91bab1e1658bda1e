"""A child process that upscales one video and reports in JSON lines: its own crash domain."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deeptsr.system.humanize import duration

__all__ = ["Child", "Ended", "News", "environment"]

_GRACE = 20.0  # seconds that a child has to save its work when it is told to stop
# A child reports as it works. One that is silent for so long hangs, on a share that is gone, say:
_IDLE = 600.0  # seconds, where it does not use the processor meanwhile
_SILENT = 4 * 3600.0  # seconds, even where it does
_LOOK = 1.0  # seconds between two looks at a silent child
_BUSY = 0.01  # share of a look that a processor works for a child that is not idle
_REAPED = 10.0  # seconds in which the kernel ends what was killed, unless it waits for a disk
_PAUSE = 0.5  # seconds between two reports of progress, at least
_TAIL = 400  # characters of stderr that are kept for who looks into a crash
# Runs a command that the kernel kills with its parent (prctl's PR_SET_PDEATHSIG): a child whose
# parent was killed would go on in secret, and stand in the way of the next attempt. That parent may
# be gone before the kernel is asked.
_BOUND = """
import ctypes, os, sys
parent, *command = sys.argv[1:]
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(parent):
    os.execvp(command[0], command)
"""
_BLOCK = 1 << 16  # bytes read at once
_NOT_STARTED = 127  # what shells have for a command that is not there


@dataclass(frozen=True)
class News:
    """Something about an attempt that goes on."""

    fraction: float | None = None  # of its work
    detail: str = ""  # for people
    place: str | None = None  # where it runs, said once
    warning: str | None = None
    kept: int | None = None  # bytes of the file that its fit is kept in


@dataclass(frozen=True)
class Ended:
    """How an attempt ended."""

    exit_code: int  # of the child; negative: the signal that killed it
    error: str | None = None  # what went wrong
    gain_db: float | None = None  # of the self-check
    confidence: str | None = None  # of the same: "sure", "likely" or "guess"

    @property
    def worth_another(self) -> bool:
        """Whether the same might succeed: not after wrong usage or an input that is broken."""
        return self.exit_code not in (0, 2, 3)


def environment(threads: int) -> dict[str, str]:
    """What a child's environment has beside this process's own."""
    # The folder that the user happens to be in is no place to import from.
    return {"OMP_NUM_THREADS": str(threads), "PYTHONSAFEPATH": "1"}


class Child:
    """One process. Iterating follows it to its end; the last item is its :class:`Ended`.

    Args:
        command: the program, with ``--json``.
        extra: variables added to the environment.
        folder: that it works in, where there is such a one; None: this process's own.
    """

    def __init__(
        self, command: Sequence[str], extra: Mapping[str, str], folder: str | None = None
    ) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, closed in __iter__
        self._process: subprocess.Popen[bytes] | None = None
        self._failure = self._hangs = ""
        try:
            self._process = subprocess.Popen(
                _bound(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, **extra},
                cwd=folder if folder is not None and os.path.isdir(folder) else None,
                start_new_session=True,  # Ctrl-C is for us, who then stop it in good order
            )
        except OSError as error:
            self._failure = f"{command[0]} cannot be started ({error.strerror})"

    def __iter__(self) -> Iterator[News | Ended]:
        with self._errors:
            if self._process is None:
                yield Ended(_NOT_STARTED, self._failure)
                return
            gain, confidence, error, reported = None, None, None, -_PAUSE
            assert self._process.stdout is not None
            with self._process.stdout as pipe:
                for line in self._lines(pipe):
                    said = _parsed(line)
                    kind = said.get("event")
                    if kind == "Progress":
                        now = time.monotonic()
                        if now - reported < _PAUSE:
                            continue
                        reported = now
                        yield News(fraction=said["fraction"], detail=said["detail"])
                    elif kind == "Warned":
                        yield News(warning=said["message"])
                    elif kind == "FitKept":
                        yield News(kept=said["size_bytes"])
                    elif kind == "SelfChecked":
                        gain, confidence = said["gain_db"], said.get("confidence")
                    elif kind == "Error":
                        error = said["message"]
            if self._hangs:
                self.kill()
                yield Ended(-signal.SIGKILL, self._hangs, gain)
                return
            code = self._process.wait()
            if code and error is None:
                error = self._crash(code)
            yield Ended(code, error, gain, confidence)

    def _lines(self, pipe: IO[bytes]) -> Iterator[bytes]:
        """Yield what it says, line by line, until it ends, or says nothing for too long."""
        assert self._process is not None
        held, silent, idle, used = b"", 0.0, 0.0, _processor(self._process.pid)
        while True:
            # What counts is the time that we wait, not the clock: all of us may have been stopped.
            if not select.select([pipe], [], [], _LOOK)[0]:
                now = _processor(self._process.pid)
                silent, idle = silent + _LOOK, idle + _LOOK
                if now - used > _BUSY * _LOOK:
                    idle, used = 0.0, now
                if idle >= _IDLE or silent >= _SILENT:
                    waited = duration(min(idle if idle >= _IDLE else silent, silent))
                    self._hangs = (
                        f"the process said nothing for {waited} and was ended; expected a word "
                        "now and then; see whether the disk of the input or of the output answers"
                    )
                    return
                continue
            silent = idle = 0.0
            some = os.read(pipe.fileno(), _BLOCK)
            *whole, held = (held + some).split(b"\n")
            yield from whole
            if not some:
                return

    def tell_to_stop(self) -> None:
        """Ask it to save its work and leave."""
        if self._process is not None:
            self._process.terminate()

    def stop(self, until: float) -> None:
        """Wait for it to leave until a moment of the monotonic clock, then kill it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        finally:  # also when the user does not want to wait
            self.kill()

    def kill(self) -> None:
        """End it at once, with whatever it has started."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_REAPED)

    @staticmethod
    def patience() -> float:
        """Until when, on the monotonic clock, a child that was told to stop just now may work."""
        return time.monotonic() + _GRACE

    def _crash(self, code: int) -> str:
        """Words for an end without words."""
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip()[-_TAIL:]
        if code >= 0:
            how = f"ended with exit code {code}"
        else:
            try:
                how = f"was killed by {signal.Signals(-code).name}"
            except ValueError:
                how = f"was killed by signal {-code}"
        return f"the process {how}" + (f": {said}" if said else " without a word")


def _bound(command: Sequence[str]) -> Sequence[str]:
    if sys.platform != "linux":
        return command
    return (sys.executable, "-I", "-S", "-c", _BOUND, str(os.getpid()), *command)


def _processor(pid: int) -> float:
    """Count the seconds that processors have worked for a process; 0 where that cannot be told."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
