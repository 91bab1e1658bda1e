"""What a file is called may hold anything; what is printed of it moves no cursor and no words."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from deeptsr.events import Event
from deeptsr.system.humanize import visible as clean

__all__ = ["clean", "one_line", "with_names_on_one_line"]

Said = TypeVar("Said", bound=Event)


def one_line(text: str) -> str:
    r"""Write what is not seen as Python has it, ends of lines too.

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
