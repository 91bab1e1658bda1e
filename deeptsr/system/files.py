"""Writes a file whole or not at all, and says why it cannot be written."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from deeptsr.errors import OutputError, ResourceError

__all__ = ["check_file", "flush_to_disk", "hidden_beside", "unwritable", "whole"]

_LONGEST_NAME = 255  # bytes, where the file system does not tell
_DIGEST = 12  # characters that tell shortened names apart
# What network and virtual file systems say when the entries of a folder cannot be flushed.
_NO_FLUSH = frozenset(
    (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM)
)


def check_file(path: Path, overwrite: bool) -> None:
    """Refuse a file that cannot be written, before any work."""
    if path.is_dir() or (path.exists() and not overwrite):
        raise OutputError(f"{path} exists; choose another name, or allow it to be overwritten")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"the folder {path.absolute().parent} does not exist; create it first")


def whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a hidden name, and give it its own when it is whole."""
    aside = hidden_beside(path, f".part{path.suffix}")
    try:
        write(aside)
        os.replace(aside, path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}); expected a folder with room that is "
            "yours to write; choose another"
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def hidden_beside(path: Path, ending: str) -> Path:
    """Name a hidden file or folder of ours beside another: ".a.mp4.lock" for "a.mp4".

    Where that name would be longer than the file system holds, its end gives way to a digest.
    """
    try:
        longest = os.pathconf(path.parent, "PC_NAME_MAX")
    except (OSError, ValueError):
        longest = _LONGEST_NAME
    name = os.fsencode(path.name)
    wanted = b"." + name + os.fsencode(ending)
    if len(wanted) > longest:
        digest = hashlib.sha256(name).hexdigest()[:_DIGEST]
        room = longest - len(ending.encode()) - len(digest) - 2
        short = name[:room].decode("utf-8", "ignore").encode()
        wanted = b"." + short + b"~" + digest.encode() + os.fsencode(ending)
    return path.with_name(os.fsdecode(wanted))


def flush_to_disk(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk.

    Network shares that cannot flush a folder are taken as they are: its files were flushed.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        if path.is_dir() and error.errno in _NO_FLUSH:
            return
        raise
    try:
        os.fsync(handle)
    except OSError as error:
        if not (path.is_dir() and error.errno in _NO_FLUSH):
            raise
    finally:
        os.close(handle)


def unwritable(path: Path, error: OSError) -> OutputError | ResourceError:
    """The error of this library that says that a file could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceError(f"the disk of {path} is full; free some space and try again")
    return OutputError(f"{path} cannot be written ({error.strerror}); choose another place")
