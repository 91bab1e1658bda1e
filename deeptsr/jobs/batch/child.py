"""A child process that upscales one video and reports in JSON lines: its own crash domain."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Child", "Ended", "News", "environment"]

_GRACE = 20.0  # seconds that a child has to save its work when it is told to stop
_PAUSE = 0.5  # seconds between two reports of progress, at least
_TAIL = 400  # characters of stderr that are kept for who looks into a crash
# Runs a command that the kernel kills with its parent (prctl's PR_SET_PDEATHSIG): a child whose
# parent was killed would go on in secret, and stand in the way of the next attempt.
_BOUND = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"
)
_NOT_STARTED = 127  # what shells have for a command that is not there


@dataclass(frozen=True)
class News:
    """Something about an attempt that goes on."""

    fraction: float | None = None  # of its work
    detail: str = ""  # for people
    place: str | None = None  # where it runs, said once
    warning: str | None = None


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
    """

    def __init__(self, command: Sequence[str], extra: Mapping[str, str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, closed in __iter__
        self._process: subprocess.Popen[str] | None = None
        self._failure = ""
        try:
            self._process = subprocess.Popen(
                _bound(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, **extra},
                encoding="utf-8",
                errors="replace",
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
            with self._process.stdout as lines:
                for line in lines:
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
                    elif kind == "SelfChecked":
                        gain, confidence = said["gain_db"], said.get("confidence")
                    elif kind == "Error":
                        error = said["message"]
            code = self._process.wait()
            if code and error is None:
                error = self._crash(code)
            yield Ended(code, error, gain, confidence)

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
            self._process.wait()

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
    on_linux = sys.platform == "linux"
    return (sys.executable, "-I", "-S", "-c", _BOUND, *command) if on_linux else command


def _parsed(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
