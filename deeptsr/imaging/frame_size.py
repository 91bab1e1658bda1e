"""How large the frames of a result are: what :mod:`deeptsr.imaging.timeline` is for their times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from deeptsr.errors import OptionError

__all__ = ["FrameSize", "check", "frame_size", "shrunk_size"]

_NAMED = re.compile(r"(?P<short>[1-9]\d{1,4})p|(?P<width>[1-9]\d{0,4})?x(?P<height>[1-9]\d{0,4})?")
_LARGE = {"4k": (3840, 2160), "8k": (7680, 4320)}  # that a picture of any shape fits into
_EXPECTED = "a height such as 1080p, 4k, 1920x1080 (to fit into), 1920x (wide) or x1080 (high)"
_LARGEST = 16384  # pixels a side: no encoder goes beyond


@dataclass(frozen=True)
class FrameSize:
    """The frames of a result.

    Attributes:
        height: pixels.
        width: pixels.
        note: what was rounded, or "".
    """

    height: int
    width: int
    note: str = ""


def frame_size(
    given: tuple[int, int],
    scale: Fraction | int = 1,
    wanted: str | None = None,
    *,
    aspect: Fraction = Fraction(1),
    even: bool = False,
) -> FrameSize:
    """Lay out the frames of a result.

    Both sides grow alike, so that the picture keeps its shape to a pixel, whatever its pixels'.

    Args:
        given: height and width of the input, pixels.
        scale: of the sides, 1 or more.
        wanted: the displayed size, instead of a scale: "1080p" (of the short side), "4k", "WxH"
            (which it fits into), "Wx" or "xH".
        aspect: of a pixel, width over height: it stays as it is.
        even: whether both sides must be even.

    Raises:
        OptionError: for a size that is not understood, or smaller than the input's.

    >>> frame_size((480, 854), wanted="1080p", even=True)
    FrameSize(height=1080, width=1922, note='1921.5 x 1080 pixels are rounded to 1922 x 1080')
    >>> frame_size((576, 720), wanted="1080p", aspect=Fraction(64, 45))
    FrameSize(height=1080, width=1350, note='')
    """
    height, width = given
    if wanted is not None:
        scale = _scale(wanted, Fraction(height), width * aspect)
        if scale < 1:
            shown = f"{round(width * aspect)} x {height}"
            raise OptionError(
                f"size is {wanted} and the input is shown as {shown} pixels; expected at least "
                "that; to scale down: deeptsr degrade with `scale`"
            )
    if scale == 1:
        return FrameSize(height, width)
    sides = [Fraction(side) * scale for side in given]
    rows, columns = (_whole(side, even) for side in sides)
    if max(rows, columns) > _LARGEST:
        raise OptionError(
            f"the result would have {columns} x {rows} pixels; expected at most {_LARGEST} a side"
        )
    note = _rounded(sides, rows, columns)
    return FrameSize(max(rows, height), max(columns, width), note)


def shrunk_size(given: tuple[int, int], scale: Fraction | int, *, even: bool = False) -> FrameSize:
    """Lay out the frames of a camera that has fewer pixels.

    Args:
        given: height and width of the input, pixels.
        scale: by which the sides are divided, 1 or more.
        even: whether both sides must be even, where they change.

    >>> shrunk_size((270, 481), 2)
    FrameSize(height=135, width=241, note='240.5 x 135 pixels are rounded to 241 x 135')
    """
    if scale == 1:
        return FrameSize(*given)
    sides = [Fraction(side) / scale for side in given]
    rows, columns = (max(1 + even, _whole(side, even)) for side in sides)
    return FrameSize(rows, columns, _rounded(sides, rows, columns))


def check(wanted: str) -> None:
    """Refuse a size that is not understood.

    Raises:
        OptionError: for one.
    """
    _scale(wanted, Fraction(1), Fraction(1))


def _scale(wanted: str, height: Fraction, width: Fraction) -> Fraction:
    """By how much a displayed picture grows to a size."""
    if wanted.lower() in _LARGE:
        long, short = _LARGE[wanted.lower()]
        return min(long / max(height, width), short / min(height, width))
    match = _NAMED.fullmatch(wanted)
    if match is None or wanted == "x":
        raise OptionError(f"size is {wanted!r}; expected {_EXPECTED}")
    if match["short"]:
        return int(match["short"]) / min(height, width)
    limits = ((match["height"], height), (match["width"], width))
    return min(int(limit) / side for limit, side in limits if limit)


def _rounded(sides: list[Fraction], rows: int, columns: int) -> str:
    if sides == [rows, columns]:
        return ""
    exact = " x ".join(f"{float(side):g}" for side in reversed(sides))
    return f"{exact} pixels are rounded to {columns} x {rows}"


def _whole(side: Fraction, even: bool) -> int:
    """The nearest whole number, or even one; of two the larger."""
    grain = 2 if even else 1
    return grain * int(side / grain + Fraction(1, 2))
