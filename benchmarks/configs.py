"""Named changes to a preset, written ``name:field=value,...``.

A field is a setting with its section, such as ``pairs.within=0.5``, ``pyramid.coarsest=1/8`` or
``pairs.scales=0.4+0.7+1``; ``none``, ``true`` and ``false`` are what they are called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass, replace
from fractions import Fraction
from typing import Any

import click

from deeptsr.config import Options
from deeptsr.errors import OptionError

__all__ = ["BUILT_IN", "Config", "parse"]

# In an order in which not all shares are 0 on the way.
_MIX = "pairs.shift={2},pairs.within={0},pairs.across={1},pairs.auto=false"
BUILT_IN = {
    # The paper's Table 2, and what we add to it.
    "within": _MIX.format(1, 0, 0),
    "across": _MIX.format(0, 1, 0),
    "both": _MIX.format(0.5, 0.5, 0),
    "shift": _MIX.format(0, 0, 1),
    "given": "pairs.auto=false",  # the preset's mix, without a probe
    "auto": "",  # the preset as it is
    # What a run does after and around its fits.
    "no-ensemble": "pyramid.ensemble=false",
    "no-mirrors": "pyramid.mirrored=0",  # filmed again all the same
    "no-verify": "pyramid.verify=false",
    "no-even": "pyramid.even=false",
    "two-rounds": "pyramid.rounds=2",
    # How the network is fitted.
    "no-averaging": "fit.averaging=0",
    "no-contrast": "pairs.contrast=0",
    "jumps-to-3": "pairs.longest_jump=3",
    "jumps-to-5": "pairs.longest_jump=5",
    "published-scales": "pairs.scales=" + "+".join(f"{0.9**n:.3f}" for n in range(14)),
    "eighth": "pyramid.coarsest=1/8",
}


@dataclass(frozen=True)
class Config:
    """One configuration: its name, and its changes as they were written."""

    name: str
    changes: str

    def options(self, given: Options) -> Options:
        """The settings with the changes made.

        Raises:
            click.UsageError: for a field that is not there, or a value that cannot be taken.
        """
        try:
            for path, value in self._pairs():
                given = _changed(given, path.split("."), value)
        except (OptionError, ValueError) as error:
            raise click.UsageError(f"configuration {self.name}: {error}") from error
        return given

    def _pairs(self) -> list[tuple[str, str]]:
        pairs = re.findall(r"([\w.]+)=([^,]*)", self.changes)
        if ",".join(f"{path}={value}" for path, value in pairs) != self.changes:
            raise click.UsageError(
                f"configuration {self.name} is {self.changes!r}; expected field=value,..., such as "
                "pairs.within=1,pairs.across=0"
            )
        return pairs


def parse(written: str) -> Config:
    """Read ``name:field=value,...``, or the name of one of :data:`BUILT_IN`.

    Raises:
        click.UsageError: for an unknown name.
    """
    name, colon, changes = written.partition(":")
    if not colon:
        if name not in BUILT_IN:
            raise click.UsageError(
                f"configuration is {name!r}; expected NAME:FIELD=VALUE,... or one of "
                f"{', '.join(BUILT_IN)}"
            )
        changes = BUILT_IN[name]
    return Config(name, changes)


def _changed(section: Any, path: list[str], value: str) -> Any:
    name = path[0]
    names = [field.name for field in fields(section)]
    if name not in names:
        raise ValueError(f"got the field {name!r}; expected one of {', '.join(names)}")
    old = getattr(section, name)
    if len(path) == 1 and is_dataclass(old):
        raise ValueError(f"{name} is a section; expected a field of it, such as {name}.FIELD")
    if len(path) > 1 and not is_dataclass(old):
        raise ValueError(f"{name} is no section; expected one of its settings, such as pairs.crop")
    new = _changed(old, path[1:], value) if len(path) > 1 else _value(value, old)
    return replace(section, **{name: new})


def _value(text: str, old: object) -> object:
    """What a text means in the place of another value."""
    words = {"none": None, "true": True, "false": False}
    new: object
    if isinstance(old, str):
        return text
    if text in words:
        new = words[text]
    elif isinstance(old, tuple):
        return tuple(_value(part, old[0]) for part in text.split("+"))
    elif isinstance(old, float):
        return float(text)
    else:
        new = Fraction(text) if "/" in text or isinstance(old, Fraction) else int(text)
    if isinstance(new, bool) != isinstance(old, bool):
        raise ValueError(f"got {text!r} in the place of {old!r}; expected one of its kind")
    return new
