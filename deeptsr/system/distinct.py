"""No file that is written may be one that is read, or another that is written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from deeptsr.errors import OutputError

__all__ = ["Place", "check_distinct"]

Place = str | os.PathLike[str] | None


def check_distinct(reads: Mapping[str, Place], writes: Mapping[str, Place]) -> None:
    """Refuse to write what is read, or one file twice, before anything is opened.

    Args:
        reads: what is read, by its name for people, such as "the input"; None counts for nothing.
        writes: what is written.

    Raises:
        OutputError: naming both.
    """
    known = [(name, Path(place)) for name, place in reads.items() if place is not None]
    for name, place in writes.items():
        if place is None:
            continue
        path = Path(place)
        for other, taken in known:
            if _same(path, taken):
                raise OutputError(
                    f"{name} is {path}, and so is {other}; expected two files; choose another name"
                )
        known.append((name, path))


def _same(one: Path, other: Path) -> bool:
    """Tell whether two names lead to one file; terminals, pipes and /dev/null may be shared."""
    try:
        if one.exists() and other.exists():
            return os.path.samefile(one, other) and (one.is_file() or one.is_dir())
        return os.path.realpath(one) == os.path.realpath(other)
    except (OSError, ValueError):  # names that no file can have are refused where they are used
        return False
