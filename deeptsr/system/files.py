"""Writes a file whole or not at all, and says why it cannot be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from deeptsr.errors import OutputError, ResourceError

__all__ = ["check_file", "flush_to_disk", "unwritable", "whole"]


def check_file(path: Path, overwrite: bool) -> None:
    """Refuse a file that cannot be written, before any work."""
    if path.is_dir() or (path.exists() and not overwrite):
        raise OutputError(f"{path} exists; choose another name, or allow it to be overwritten")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"the folder {path.absolute().parent} does not exist; create it first")


def whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a hidden name, and give it its own when it is whole."""
    aside = path.with_name(f".{path.stem}.part{path.suffix}")
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


def flush_to_disk(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unwritable(path: Path, error: OSError) -> OutputError | ResourceError:
    """The error of this library that says that a file could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceError(f"the disk of {path} is full; free some space and try again")
    return OutputError(f"{path} cannot be written ({error.strerror}); choose another place")
