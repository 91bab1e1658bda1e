"""Kinds of values that click does not know: functions from a flag's text to its value."""

from __future__ import annotations

import re

import click

__all__ = ["device", "devices", "moment"]

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
    found = _MOMENT.fullmatch(text)
    hours, minutes = (int(found[key] or 0) for key in ("hours", "minutes")) if found else (0, 0)
    if found is None or (found["hours"] and minutes > 59):
        raise click.BadParameter(
            f"got {text!r}; expected seconds or [HH:]MM:SS[.fff], such as 90 or 1:30"
        )
    return hours * 3600 + minutes * 60 + float(found["seconds"])


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
