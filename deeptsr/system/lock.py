"""One run at a time: a lock file that names its holder, and that dies with it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from deeptsr.errors import OutputError
from deeptsr.events import Listener, Warned
from deeptsr.system.files import hidden_beside, unwritable
from deeptsr.system.ours import not_through_links

__all__ = ["alone", "hold", "locked"]

# What network shares without locks say: NFS without its lock service, SMB, sshfs, FUSE.
_NO_LOCKS = (errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS, errno.EINVAL)
# A holder that is killed while it starts a program leaves its lock to that for a moment: until what
# was forked has become the program.
_LINGERS = 1.0  # seconds, at most, on a busy machine
_LOOK = 0.01  # seconds between two attempts to take a lock
_SIGNED = b'{"pid": '  # how the content of a lock begins


@contextmanager
def alone(outputs: Iterable[str | Path], on_event: Listener) -> Iterator[None]:
    """Keep other runs away from outputs while the block runs, each by a hidden lock beside it.

    Args:
        outputs: files or folders, in folders that exist; where one is a link, what it leads to.
        on_event: is told where a file system has no locks.

    Raises:
        OutputError: when another run holds one, naming that; or when a lock cannot be made.
        ResourceError: when the disk is full.
    """
    with ExitStack() as stack:
        for output in dict.fromkeys(Path(os.path.realpath(output)) for output in outputs):
            lock = locked(hidden_beside(output, ".lock"), f"the output {output}")
            note = stack.enter_context(lock)
            if note:
                on_event(Warned(note))
        yield


@contextmanager
def locked(path: Path, what: str) -> Iterator[str]:
    """Hold a lock file while the block runs.

    The system lets go of the lock when its holder ends, however it ends; a file that was left
    behind is taken over.

    Args:
        path: of the lock file, in a folder that exists.
        what: is locked, for the message.

    Yields:
        What the user should be told: that the file system has no locks, where it has none; else "".

    Raises:
        OutputError: when another run holds it, naming that; or when it cannot be made.
        ResourceError: when the disk is full.
    """
    try:
        handle, held = _taken(path)
    except BlockingIOError:
        raise OutputError(
            f"{what} is in the hands of another run{_holder(path)}; expected one at a time; wait "
            "until it is done, or stop it"
        ) from None
    except OSError as error:
        if path.is_symlink():
            raise OutputError(
                f"{path} is a symbolic link; expected this name to be free; remove it"
            ) from None
        raise unwritable(path, error) from error
    try:
        yield "" if held else _without_locks(path, what)
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def hold(handle: int) -> bool:
    """Lock an open file until it is closed.

    Args:
        handle: of the file.

    Returns:
        Whether it is locked: not where its file system has no locks.

    Raises:
        BlockingIOError: when another process holds it.
    """
    until = time.monotonic() + _LINGERS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(_LOOK)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
        else:
            return True


def _taken(path: Path) -> tuple[int, bool]:
    """Open the file, and lock it where the file system can."""
    while True:
        handle = not_through_links(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK)
        try:
            held = hold(handle)
            # Whoever held it before may have removed the file meanwhile: then this one is nobody's.
            if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
                _sign(handle, path)
                return handle, held
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _sign(handle: int, path: Path) -> None:
    """Write into a lock that is held who holds it; what is no lock is left alone."""
    kind = os.fstat(handle)
    ours = stat.S_ISREG(kind.st_mode) and kind.st_nlink == 1  # and no other name of another file
    if not ours or not _SIGNED.startswith(os.pread(handle, len(_SIGNED), 0)):
        raise OutputError(
            f"{path} is not a lock of deeptsr; expected this name to be free; rename or remove it"
        )
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(_me()).encode(), 0)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _without_locks(path: Path, what: str) -> str:
    return (
        f"the file system of {path.parent} has no locks: see to it that no other run writes {what} "
        "meanwhile"
    )


def _me() -> dict[str, str | int]:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "start": now}


def _holder(path: Path) -> str:
    try:
        who = json.loads(path.read_text(encoding="utf-8"))
        return f" (process {who['pid']} on {who['host']}, since {who['start']})"
    except (OSError, ValueError, TypeError, KeyError):
        return ""
