"""What a file is called may hold anything; what is printed of it moves no cursor and no words."""

from __future__ import annotations

import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from deeptsr.events import Event

__all__ = ["clean", "one_line", "with_names_on_one_line"]

_JOINERS = "\u200c\u200d"  # of letters and of emoji: they turn no direction
# Control characters, surrogates, marks of direction and what else is not seen, ends of lines.
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")

Said = TypeVar("Said", bound=Event)


def clean(text: str) -> str:
    r"""Write what is not seen as Python has it, such as \x1b; ends of lines stay."""
    return "".join(
        repr(c)[1:-1]
        if c != "\n" and c not in _JOINERS and unicodedata.category(c) in _HIDDEN
        else c
        for c in text
    )


def one_line(text: str) -> str:
    r"""The same, ends of lines too.

    >>> one_line("a\nwrote b.mp4")
    'a\\nwrote b.mp4'
    """
    return clean(text).replace("\n", r"\n")


def with_names_on_one_line(event: Said) -> Said:
    """Return an event none of whose texts begins another line: a name could pass for our words."""
    return replace(event, **_changed(event))


def _changed(told: Any) -> dict[str, Any]:
    return {field.name: _written(getattr(told, field.name)) for field in fields(told)}


def _written(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, tuple):
        return tuple(map(_written, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **_changed(value))
    return value
