"""Reads the scene cuts that a user lists in a file."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from deeptsr.errors import OptionError
from deeptsr.system.files import at_once

__all__ = ["read_cuts"]

_EXPECTED = (
    "a frame's number from 0, such as 240, or a time with a point or a colon, such as 10.0 or 0:10"
)
_MOST = 1 << 24  # bytes of a list: more than any video has cuts
_LONGEST = 40  # characters of a number or a time
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)", re.ASCII)


def read_cuts(path: Path, first_from: Callable[[Fraction], int] | None) -> tuple[int, ...]:
    """Read a list of cuts.

    Each line names the first frame of a scene: its number, counted from 0, or its time after the
    first frame, in seconds with a decimal point or as [HH:]MM:SS[.fff]. What follows a "#" is a
    comment. Lines may come in any order.

    Args:
        path: of the list.
        first_from: the number of the first frame that begins at a time or later; None where frames
            have no times.

    Raises:
        OptionError: when the file cannot be read, or a line is none of these.
    """
    try:
        with open(path, "rb", opener=at_once) as file:
            data = file.read(_MOST + 1)
        if not data and path.is_fifo():
            raise OSError(errno.EPIPE, "nobody writes into it")
        if len(data) > _MOST:
            raise ValueError
        lines = data.decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text, or too long"
        raise OptionError(
            f"the list of scene cuts {path} cannot be read ({reason}); expected a text file with "
            "a cut a line, or auto or off"
        ) from None
    cuts = set()
    for number, line in enumerate(lines, 1):
        text = line.split("#")[0].strip()
        time = _TIME.fullmatch(text) if len(text) <= _LONGEST else None
        if not text:
            continue
        if len(text) <= _LONGEST and text.isascii() and text.isdigit():
            cuts.add(int(text))
        elif time and first_from:
            hours, minutes, seconds = (Fraction(part or 0) for part in time.groups())
            cuts.add(first_from(hours * 3600 + minutes * 60 + seconds))
        else:
            untimed = "; these frames have no times" if time else ""
            raise OptionError(
                f"line {number} of {path} is {text[:_LONGEST]!r}; expected {_EXPECTED}{untimed}"
            )
    return tuple(sorted(cuts))
