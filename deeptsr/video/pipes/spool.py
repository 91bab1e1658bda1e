"""Keeps what comes through a pipe, since a video is read more than once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from deeptsr.errors import InputError
from deeptsr.system.files import unwritable

__all__ = ["spooled"]

_PIECE = 1 << 20  # bytes read at once


@contextmanager
def spooled(
    stream: BinaryIO,
    folder: Path | None = None,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Iterator[Path]:
    """Copy a stream to a file, which is gone when the block ends.

    Args:
        stream: that is read to its end.
        folder: where the file lies; None: where temporary files do (``TMPDIR``).
        on_bytes: told how many there are so far.

    Yields:
        The file: whatever the stream holds, in any container.

    Raises:
        InputError: when nothing came, or it cannot be read.
        ResourceError: when the disk is full.
        OutputError: when the folder cannot be written.
    """
    place = folder or Path(tempfile.gettempdir())
    try:
        home = tempfile.TemporaryDirectory(dir=folder, prefix=".deeptsr-pipe-")
    except OSError as error:
        raise unwritable(place, error) from error
    with home as inside:
        file, count = Path(inside) / "stdin", 0
        try:
            with file.open("wb") as copy:
                while piece := _read(stream):
                    copy.write(piece)
                    count += len(piece)
                    on_bytes(count)
        except OSError as error:
            again = "free some space, or set TMPDIR to another folder, and run again"
            raise unwritable(place, error, after=f" after {count} bytes", again=again) from error
        if not count:
            raise InputError(
                "nothing came through the pipe; expected a video, as Y4M or NUT; see what the "
                "program before it says"
            )
        yield file


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(_PIECE)
    except OSError as error:
        raise InputError(
            f"the pipe cannot be read ({error.strerror}); expected a video, as Y4M or NUT; see "
            "what the program before it says"
        ) from error
