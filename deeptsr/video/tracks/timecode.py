"""Timecode: the number of a frame as studios write it, at one rate and at another."""

from __future__ import annotations

import re
from fractions import Fraction

__all__ = ["moved"]

_FORM = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d{2,3})")
_NTSC = Fraction(1000, 1001)
_MINUTES_A_DAY = 24 * 60


def moved(text: str, rate: Fraction, frames: int, new: Fraction) -> str:
    """Return the timecode of a later frame, counted at another rate; "" where it has none.

    The drop-frame form leaves out two numbers of 30 a minute, but for each tenth.

    Args:
        text: timecode of the first frame.
        rate: at which that counts, frames a second.
        frames: how many frames later, at that rate.
        new: at which the result counts: a multiple of the other.

    >>> moved("01:00:00:12", Fraction(25), 0, Fraction(50))
    '01:00:00:24'
    >>> moved("00:00:59;29", Fraction(30000, 1001), 1, Fraction(60000, 1001))
    '00:01:00;04'
    """
    match = _FORM.fullmatch(text)
    ratio = new / rate
    if match is None or ratio.denominator != 1:
        return ""
    hours, minutes, seconds, frame = (int(match[n]) for n in (1, 2, 3, 5))
    drop = match[4] != ":"
    fps = round(rate)
    if frame >= fps or (drop and (fps % 30 or rate != fps * _NTSC)):
        return ""
    passed = 60 * hours + minutes
    skipped = fps // 15 * (passed - passed // 10) if drop else 0
    count = (fps * (60 * passed + seconds) + frame - skipped + frames) * int(ratio)
    return _written(count, fps * int(ratio), drop)


def _written(count: int, fps: int, drop: bool) -> str:
    if drop:
        skip = fps // 15
        tens, rest = divmod(count, 600 * fps - 9 * skip)
        count += 9 * skip * tens + skip * max(0, (rest - skip) // (60 * fps - skip))
    seconds, frame = divmod(count, fps)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes % _MINUTES_A_DAY, 60)
    return f"{hour:02}:{minute:02}:{second:02}{';' if drop else ':'}{frame:02}"
