"""Kinds of values that click does not know: functions from a flag's text to its value."""

from __future__ import annotations

import re
from fractions import Fraction

import click

from deeptsr.config import fraction_of
from deeptsr.errors import OptionError
from deeptsr.imaging.frame_size import check

__all__ = [
    "FILE",
    "device",
    "devices",
    "exposure",
    "frame_rate",
    "memory",
    "mix",
    "moment",
    "scale",
    "size",
    "span",
]

# What a shell completes with the names of files; whether one can be used is for the library to say.
FILE = click.Path(readable=False)

_MOMENT = re.compile(
    r"(?:(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?=[0-5]?\d(?:\.|$)))?(?P<seconds>\d+(?:\.\d*)?|\.\d+)",
    re.ASCII,
)


def moment(text: str) -> float:
    """Count the seconds in ``SS[.fff]`` or ``[HH:]MM:SS[.fff]``.

    >>> moment("90"), moment("1:30"), moment("01:00:00.5")
    (90.0, 90.0, 3600.5)

    Raises:
        click.BadParameter: for anything else.
    """
    match = _MOMENT.fullmatch(text)
    hours, minutes = (int(match[key] or 0) for key in ("hours", "minutes")) if match else (0, 0)
    if match is None or (match["hours"] and minutes > 59):
        raise click.BadParameter(
            f"got {text!r}; expected seconds or [HH:]MM:SS[.fff], such as 90 or 1:30"
        )
    return hours * 3600 + minutes * 60 + float(match["seconds"])


def frame_rate(text: str) -> Fraction:
    """Read frames a second: a whole number, a fraction, or a decimal.

    Decimals that round a rate of NTSC, such as 59.94, mean that rate.

    >>> frame_rate("60"), frame_rate("120000/1001"), frame_rate("23.976")
    (Fraction(60, 1), Fraction(120000, 1001), Fraction(24000, 1001))

    Raises:
        click.BadParameter: for anything else.
    """
    if not re.fullmatch(r"\d+(\.\d+|/0*[1-9]\d*)?", text, re.ASCII) or not Fraction(text):
        raise click.BadParameter(
            f"got {text!r}; expected frames a second, such as 60, 59.94 or 60000/1001"
        )
    rate = Fraction(text)
    ntsc = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    digits = len(text.partition(".")[2])
    return ntsc if digits >= 2 and round(ntsc, digits) == rate else rate


def scale(text: str) -> Fraction:
    """Read how many times as wide and high: a whole number, a fraction, or a decimal.

    >>> scale("2"), scale("1.5"), scale("4/3")
    (Fraction(2, 1), Fraction(3, 2), Fraction(4, 3))

    Raises:
        click.BadParameter: for anything else; whether it can be met is for the library to say.
    """
    if not re.fullmatch(r"\d+(\.\d+|/0*[1-9]\d*)?", text, re.ASCII):
        raise click.BadParameter(f"got {text!r}; expected a number such as 2, 1.5 or 4/3")
    return Fraction(text)


def size(text: str) -> str:
    """Check the name of a size.

    Raises:
        click.BadParameter: for one that is not understood.
    """
    try:
        check(text)
    except OptionError as error:
        raise click.BadParameter(
            f"got {text!r}; expected {str(error).split('expected ')[1]}"
        ) from None
    return text


def exposure(text: str) -> str | float:
    """Read ``full``, ``delta``, ``auto``, or the open share of a frame's time.

    >>> exposure("full"), exposure("0.5"), exposure("1/2")
    ('full', 0.5, 0.5)

    Raises:
        click.BadParameter: for anything else.
    """
    if text in ("full", "delta", "auto"):
        return text
    try:
        share = float(fraction_of(text))
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise click.BadParameter(
            f"got {text!r}; expected full, delta, auto or the share of a frame's time that the "
            "shutter is open, above 0 and up to 1, such as 0.5"
        )
    return "full" if share == 1 else share


def mix(text: str) -> str | tuple[float, float, float]:
    """Read ``auto``, or three shares.

    >>> mix("auto"), mix("0.6:0.3:0.1")
    ('auto', (0.6, 0.3, 0.1))

    Raises:
        click.BadParameter: for anything else; whether shares can be met is for the library to say.
    """
    if text == "auto":
        return text
    try:
        within, across, shift = map(float, text.split(":"))
    except ValueError:
        raise click.BadParameter(
            f"got {text!r}; expected auto or WITHIN:ACROSS:SHIFT, such as 0.6:0.3:0.1"
        ) from None
    return within, across, shift


def memory(text: str) -> int:
    """Read a number of bytes, in powers of 1000.

    >>> memory("4G"), memory("1.5 GB"), memory("800M")
    (4000000000, 1500000000, 800000000)

    Raises:
        click.BadParameter: for anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMGT]?)B?", text, re.ASCII)
    if match is None:
        raise click.BadParameter(f"got {text!r}; expected a size such as 4G or 800M")
    return round(Fraction(match[1]) * Fraction(1000) ** " kMGT".index(match[2] or " "))


def device(text: str) -> str:
    """Check a device's name; whether it is there is for the library to say, which has torch.

    Raises:
        click.BadParameter: for a name that no device has.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", text):
        raise click.BadParameter(
            f"got {text!r}; expected auto, cpu, cuda, or cuda:N such as cuda:0"
        )
    return text


def devices(text: str) -> tuple[str, ...]:
    """Split a list of devices.

    >>> devices("cuda:0,cuda:2")
    ('cuda:0', 'cuda:2')

    Raises:
        click.BadParameter: for a name that no device has.
    """
    return tuple(device(name.strip()) for name in text.split(","))


def span(text: str) -> float:
    """Count the seconds in a time span.

    >>> span("90"), span("10m"), span("1h30m"), span("1.5h")
    (90.0, 600.0, 5400.0, 5400.0)

    Raises:
        click.BadParameter: for anything else, and for nothing.
    """
    number = r"\d+(?:\.\d*)?|\.\d+"
    match = re.fullmatch(rf"(?:({number})h)?(?:({number})m)?(?:({number})s?)?", text, re.ASCII)
    parts = match.groups() if match else ()
    seconds = sum(float(n or 0) * unit for n, unit in zip(parts, (3600, 60, 1), strict=False))
    if not seconds > 0:
        raise click.BadParameter(f"got {text!r}; expected a time such as 90, 10m or 1h30m")
    return seconds
