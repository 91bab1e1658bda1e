"""One run at a time: a lock file that names its holder, and that dies with it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from deeptsr.errors import OutputError
from deeptsr.system.files import unwritable

__all__ = ["locked"]


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file while the block runs.

    The system lets go of the lock when its holder ends, however it ends; a file that was left
    behind is taken over.

    Args:
        path: of the lock file, in a folder that exists.
        what: is locked, for the message.

    Raises:
        OutputError: when another run holds it, naming that; or when it cannot be made.
        ResourceError: when the disk is full.
    """
    try:
        handle = _taken(path)
    except BlockingIOError:
        raise OutputError(
            f"{what} is in the hands of another run{_holder(path)}; expected one at a time; wait "
            "until it is done, or stop it"
        ) from None
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _taken(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed the file meanwhile: then this one is nobody's.
            if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
                os.ftruncate(handle, 0)
                os.write(handle, json.dumps(_me()).encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _me() -> dict[str, str | int]:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "start": now}


def _holder(path: Path) -> str:
    try:
        who = json.loads(path.read_text(encoding="utf-8"))
        return f" (process {who['pid']} on {who['host']}, since {who['start']})"
    except (OSError, ValueError, TypeError, KeyError):
        return ""
