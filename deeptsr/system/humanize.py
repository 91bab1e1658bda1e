"""What people read: time spans, sizes, frame rates; and names, whatever they hold."""

from __future__ import annotations

import unicodedata
from fractions import Fraction

__all__ = ["counted", "describe_rate", "duration", "rate", "size", "visible"]

_JOINERS = "\u200c\u200d"  # of letters and of emoji: they turn no direction
# Control characters, surrogates, marks of direction and what else is not seen, ends of lines.
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def counted(count: int, noun: str) -> str:
    """Write how many there are of what has a plain plural.

    >>> counted(1, "step"), counted(120, "step")
    ('1 step', '120 steps')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write a time span with the two units that matter.

    >>> duration(130), duration(4.04), duration(7500)
    ('2 min 10 s', '4.0 s', '2 h 5 min')
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    return _two(minutes // 60, "h", minutes % 60, "min")


def rate(text: str) -> str:
    """Write a frame rate for people; the exact fraction stays in the JSON.

    >>> rate("240"), rate("30000/1001")
    ('240', '29.97')
    """
    exact = Fraction(text)
    return str(exact) if exact.denominator == 1 else f"{float(exact):.3f}".rstrip("0").rstrip(".")


def size(count: float) -> str:
    """Write a number of bytes, in powers of 1000.

    >>> size(512), size(35_400_000), size(1_250_000_000)
    ('512 bytes', '35 MB', '1.2 GB')
    """
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while count >= 999.5 and len(units) > 1:
        count /= 1000
        units.pop(0)
    return f"{count:.{1 if count < 9.95 and units[0] != 'bytes' else 0}f} {units[0]}"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def describe_rate(rate: Fraction) -> str:
    """Describe a rate for people: "25 fps" or "23.976 fps"."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".") + " fps"


def visible(text: str) -> str:
    r"""Write what is not seen as Python has it, such as \x1b; ends of lines stay.

    >>> visible("gpj.\u202eexe")
    'gpj.\\u202eexe'
    """
    if text.isprintable():  # as nearly all are, pictures of megabytes among them
        return text
    return "".join(
        repr(c)[1:-1]
        if c != "\n" and c not in _JOINERS and unicodedata.category(c) in _HIDDEN
        else c
        for c in text
    )
