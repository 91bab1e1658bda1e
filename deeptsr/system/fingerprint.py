"""Tells whether a file is still the same, without reading the whole of a large one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

__all__ = ["fingerprint", "last_change"]

_SAMPLE = 1 << 20  # bytes that are looked at in one place
_PLACES = 64  # of a file, evenly from its start to its end; what is smaller is read whole


def fingerprint(files: Sequence[Path], *, places: int = _PLACES) -> str:
    """The SHA-256 of names, sizes and contents, in hexadecimal; of large files of samples.

    Args:
        files: of an input, such as the images of a folder: what else lies there may change.
        places: where a file is looked at; 2 are the ends alone, as until version 0.1.

    Raises:
        OSError: when it cannot be read.
    """
    digest = hashlib.sha256()
    for file in files:
        size = file.stat().st_size
        digest.update(os.fsencode(file.name) + f" {size}\n".encode())
        with file.open("rb") as stream:
            for block in _looked_at(stream, size, places):
                digest.update(block)
    return digest.hexdigest()


def _looked_at(stream: IO[bytes], size: int, places: int) -> Iterator[bytes]:
    if places > 2 and size <= places * _SAMPLE:
        while block := stream.read(_SAMPLE):
            yield block
        return
    for place in range(places):
        stream.seek(max(0, size - _SAMPLE) * place // (places - 1))
        yield stream.read(_SAMPLE)


def last_change(files: Sequence[Path]) -> str | None:
    """When files were changed last of which :func:`fingerprint` has samples only, ISO 8601.

    Returns:
        None where it has all of them: then their time says no more.

    Raises:
        OSError: when a file is gone.
    """
    states = [file.stat() for file in files]
    times = [stat.st_mtime for stat in states if stat.st_size > _PLACES * _SAMPLE]
    return datetime.fromtimestamp(max(times), UTC).isoformat() if times else None
