"""Writes a file whole or not at all, and says why it cannot be written."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deeptsr.errors import OutputError, ResourceError
from deeptsr.system.ours import fresh, keep_mode, rename_to_free

__all__ = [
    "appeared",
    "as_full",
    "at_once",
    "check_file",
    "flush_to_disk",
    "hidden_beside",
    "is_full",
    "publish",
    "unwritable",
    "whole",
    "write_whole",
]

# A full disk, a quota that is used up, and a file as large as one may be.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_LONGEST_NAME = 255  # bytes, where the file system does not tell
_DIGEST = 12  # characters that tell shortened names apart
# What network and virtual file systems say when the entries of a folder cannot be flushed.
_NO_FLUSH = frozenset(
    (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM)
)


def check_file(path: Path, overwrite: bool) -> None:
    """Refuse a file that cannot be written, before any work.

    Raises:
        OutputError: when it exists and may not be replaced, or is a name that no file can have.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # too long, in a closed folder, with a NUL
        raise unwritable(path, error, otherwise="choose another name") from None
    if path.is_dir():
        raise OutputError(f"{path} is a folder; expected a file; choose another name")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists; choose another name, or have it replaced: `overwrite`")
    if path.exists() and not path.is_file():  # /dev/null would become one
        raise OutputError(f"{path} is a device or a pipe; expected a file; choose another name")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"the folder {path.absolute().parent} does not exist; create it first")


@contextmanager
def whole(
    path: Path, aside: Path | None = None, *, flush: bool = False, replace: bool = True
) -> Iterator[Path]:
    """Write a file aside in the block; it gets its name when the block ends, and only then.

    Args:
        path: of the file.
        aside: where the block writes it, in the same folder; None: under a hidden name of the same
            ending. It is gone when the block fails.
        flush: whether to wait until it is on the disk.
        replace: whether a file of the name may be replaced; it hands its permissions on.

    Yields:
        Where to write.

    Raises:
        OutputError: when there is a file that may not be replaced.
        OSError: when it cannot be written; :func:`unwritable` says why.
    """
    aside = aside or hidden_beside(path, f".part{path.suffix}")
    try:
        yield fresh(aside)
        if flush:
            flush_to_disk(aside)
        _rename(aside, path, replace)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def write_whole(
    path: Path, write: Callable[[Path], object], *, replace: bool, named: bool = True
) -> None:
    """Call a function that writes a file, aside: see :func:`whole`.

    Args:
        path: of the file.
        write: is given the path to write to.
        replace: whether a file of the name may be replaced.
        named: whether the user gave the name: then a symbolic link is followed. What we made up
            may be a link that somebody else put there.

    Raises:
        OutputError: when it cannot be written, or may not be.
        ResourceError: when the disk is full.
    """
    try:
        with whole(Path(os.path.realpath(path)) if named else path, replace=replace) as place:
            write(place)
    except OSError as error:
        raise unwritable(path, error) from error


def publish(partial: Path, final: Path, *, replace: bool) -> None:
    """Give a file that was written aside its name, for good: it is on the disk before, and after.

    Args:
        partial: the file.
        final: its name; a file that has it hands its permissions on.
        replace: whether such a file may be replaced.

    Raises:
        OutputError: when there is such a file, which came while the work went on; it stays.
        OSError: when it cannot be done.
    """
    flush_to_disk(partial)
    _rename(partial, final, replace)
    flush_to_disk(final.parent)


def _rename(partial: Path, final: Path, replace: bool) -> None:
    if replace:
        keep_mode(partial, final)
        os.replace(partial, final)
        return
    try:
        rename_to_free(partial, final)
    except FileExistsError:
        raise appeared(final) from None


def appeared(final: Path) -> OutputError:
    """The error that says that something came to an output's name while the work went on."""
    return OutputError(
        f"{final} appeared while the work went on, and is left as it is; expected its name to be "
        "free; move it away and run the same command again, or have it replaced: `overwrite`"
    )


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


def at_once(path: str, flags: int) -> int:
    """Open a file, or a pipe that has another end: an ``opener``. For that end it is not waited.

    A pipe that nobody writes is empty, and one that nobody reads an error.

    Raises:
        OSError: when it cannot be opened.
    """
    handle = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    os.set_blocking(handle, True)
    return handle


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk is full."""
    return getattr(error, "errno", None) in _FULL


def as_full(error: Exception) -> Exception:
    """An error of torch's writer, which has no other word for a full disk, as the system's."""
    return OSError(errno.ENOSPC, str(error)) if isinstance(error, RuntimeError) else error


def unwritable(
    path: Path,
    error: Exception,
    *,
    after: str = "",
    again: str = "free some space and try again",
    otherwise: str = "choose another place",
) -> OutputError | ResourceError:
    """The error of this library that says that a file or folder could not be written.

    Args:
        path: of it.
        error: what went wrong.
        after: how far it got, such as " after 3 frames".
        again: what to do about a full disk.
        otherwise: what to do about anything else.
    """
    reason = getattr(error, "strerror", None) or error
    if is_full(error):
        return ResourceError(f"the disk of {path} is full{after} ({reason}); {again}")
    return OutputError(f"{path} cannot be written ({reason}); {otherwise}")
