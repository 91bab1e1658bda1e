"""Keeps to what is ours: names that are free, no links, folders that nobody else can fill."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from deeptsr.errors import OutputError

__all__ = ["check_own", "fresh", "keep_mode", "not_through_links", "own_folder", "rename_to_free"]

# What file systems say that cannot rename without replacing, or have no second names for a file.
_NO_WAY = frozenset(
    (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EPERM, errno.EMLINK, errno.EACCES)
)
_HERE, _NO_REPLACE = -100, 1  # AT_FDCWD and RENAME_NOREPLACE of renameat2


def rename_to_free(partial: Path, final: Path) -> None:
    """Rename a file where nothing has the name, in one step if the file system has one.

    Raises:
        FileExistsError: when something has it, which stays.
        OSError: when it cannot be done.
    """
    try:
        _rename_no_replace(partial, final)
        return
    except OSError as error:
        if error.errno not in _NO_WAY:
            raise
    try:
        os.link(partial, final)
    except OSError as error:
        if error.errno not in _NO_WAY:
            raise
    else:
        partial.unlink()
        return
    if os.path.lexists(final):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
    os.rename(partial, final)


def _rename_no_replace(source: Path, target: Path) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(_HERE, os.fsencode(source), _HERE, os.fsencode(target), _NO_REPLACE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))


def keep_mode(partial: Path, final: Path) -> None:
    """Give what is about to replace a file that file's permissions."""
    with suppress(OSError):
        mode = final.lstat().st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            partial.chmod(mode & (0o3777 if stat.S_ISDIR(mode) else 0o777))  # never to run as owner


def fresh(path: Path) -> Path:
    """Make an empty file of ours; what has its name is removed, a link and not what it leads to.

    Returns:
        The path.

    Raises:
        OSError: when it cannot be made, as where a folder has its name.
    """
    path.unlink(missing_ok=True)
    os.close(not_through_links(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    return path


def not_through_links(path: str | Path, flags: int) -> int:
    """Open a file of ours; where a link was put in its place, that is an error: an ``opener``.

    Raises:
        OSError: when it cannot be opened.
    """
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def own_folder(path: Path) -> None:
    """Make a hidden folder that only we can enter, or take over an earlier run's.

    Raises:
        OutputError: when it is a link, or others own it or may write to it.
        OSError: when it cannot be made.
    """
    if path.is_symlink():
        raise OutputError(
            f"{path} is a symbolic link; expected this name to be free; rename or remove it"
        )
    path.mkdir(0o700, exist_ok=True)
    check_own(path, "rename or remove it")


def check_own(folder: Path, advice: str) -> None:
    """Refuse a folder that exists and that others own, or may write: what lies there is not ours.

    Args:
        folder: of ours, from an earlier run.
        advice: what to do about it.

    Raises:
        OutputError: naming whose it is.
        OSError: when it cannot be asked.
    """
    status, me = folder.stat(), os.geteuid()
    theirs = status.st_uid not in (me, 0)
    shared = bool(status.st_mode & stat.S_IWOTH) or (
        bool(status.st_mode & stat.S_IWGRP) and status.st_gid != os.getegid()
    )
    if not (theirs or shared):
        return
    # Some file systems know no owners or permissions: there, my own new file has the same.
    handle, name = tempfile.mkstemp(prefix=".deeptsr-", dir=folder)
    mine = os.fstat(handle)
    os.close(handle)
    os.unlink(name)
    if theirs and mine.st_uid != status.st_uid:
        raise OutputError(
            f"{folder} belongs to another user (number {status.st_uid}); expected a folder of your "
            f"own; {advice}"
        )
    if shared and not mine.st_mode & (stat.S_IWOTH | stat.S_IWGRP):
        raise OutputError(
            f"{folder} may be written by others (mode {stat.S_IMODE(status.st_mode):o}); expected "
            f"a folder that only you can write; {advice}"
        )
