"""Whether settings hold what their annotations say: a number where a number is expected."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import fields
from fractions import Fraction
from functools import cache
from types import NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

from deeptsr.errors import OptionError

__all__ = ["check_kinds", "check_least", "fraction_of", "shown"]

_LONGEST = 60  # characters of a value that are shown
_LARGEST = 2**63  # of a whole number: what is larger no run can count
_NAMES: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "True or False",
    Fraction: "a Fraction",
    NoneType: "None",
    tuple: "a tuple of numbers",
}


# Without powers of ten: those of a few characters have more digits than there is memory.
_FRACTION = re.compile(r"\d{1,18}(\.\d{0,18}|/0{0,17}[1-9]\d{0,17})?|\.\d{1,18}", re.ASCII)


def fraction_of(value: object) -> Fraction:
    """Read a number that is not below 0, of a text or of JSON, such as "30000/1001" or 0.25.

    Raises:
        ValueError: for anything else, and for what is long.
    """
    text = str(value)
    if not _FRACTION.fullmatch(text):
        raise ValueError(f"{shown(value)} is no number or fraction")
    return Fraction(text)


def shown(value: object) -> str:
    """Write a value for a message: no longer than a line, and never failing."""
    try:
        text = repr(value)
    except Exception:  # numbers of thousands of digits; objects of anybody's
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def check_kinds(settings: Any) -> None:
    """Refuse a field of the wrong type, a whole number beyond 63 bits, and text with a NUL.

    Args:
        settings: a dataclass, whose fields are annotated with the types of ``_NAMES``, with other
            dataclasses, and with unions of these.

    Raises:
        OptionError: naming the field, what was got and what is expected.
    """
    for name, kinds in _kinds(cast(Hashable, type(settings))).items():
        value = getattr(settings, name)
        if not any(_is(value, kind) for kind in kinds):
            expected = " or ".join(_NAMES.get(kind, kind.__name__) for kind in kinds)
            raise OptionError(f"{name} is {shown(value)}; expected {expected}")


def check_least(settings: Any, **bounds: float) -> None:
    """Refuse numbers below their bounds, and what is no number; None counts for nothing.

    Args:
        settings: a dataclass.
        bounds: the least value of some of its fields.

    Raises:
        OptionError: naming the field, what was got and what is expected.
    """
    for name, least in bounds.items():
        value = getattr(settings, name)
        if value is not None and not least <= value < _LARGEST:
            raise OptionError(f"{name} is {shown(value)}; expected {least:g} or more")


@cache
def _kinds(dataclass: Hashable) -> dict[str, tuple[type, ...]]:
    """Name the types that each field may have."""
    known: Any = dataclass
    hints = get_type_hints(known)
    kinds = {}
    for field in fields(known):
        hint = hints[field.name]
        parts = (hint,) if get_origin(hint) is tuple else get_args(hint) or (hint,)
        kinds[field.name] = tuple(get_origin(part) or part for part in parts)
    return kinds


def _is(value: object, kind: type) -> bool:
    if kind is tuple:
        numbers = (int, float, Fraction)
        return isinstance(value, Sequence) and all(isinstance(each, numbers) for each in value)
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, int):
        return kind in (int, float, Fraction) and abs(value) <= _LARGEST
    if isinstance(value, str):
        return kind is str and "\0" not in value
    return isinstance(value, kind)
