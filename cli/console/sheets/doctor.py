"""What ``deeptsr doctor`` says, row by row."""

from __future__ import annotations

from collections.abc import Iterable

from deeptsr.events import Examined
from deeptsr.system.humanize import duration, size

__all__ = ["sheet"]

_WIDTH = 12  # of the names, and the space after them


def sheet(event: Examined, verbose: bool) -> str:
    """Write what was found as plain text."""
    parts = [
        ("this machine", _machine(event)),
        ("what it works with", _tools(event, verbose)),
        (f"how long it takes here: {event.clip}", _times(event)),
        ("what would make it faster", _list("", event.advice)),
    ]
    return "\n\n".join(
        "\n".join([title, *(f"  {name:<{_WIDTH}}{text}" for name, text in rows)])
        for title, rows in parts
    )


def _machine(event: Examined) -> list[tuple[str, str]]:
    can = f", {', '.join(event.features)}" if event.features else ""
    cores = f"{event.cores} core{'s' * (event.cores != 1)}"
    rows = [
        ("processor", f"{event.processor}{can}"),
        ("cores", f"{cores}, of which torch uses {event.threads}"),
    ]
    if event.memory_bytes is not None:
        free = "" if event.free_bytes is None else f", {size(event.free_bytes)} of it free"
        rows.append(("memory", f"{size(event.memory_bytes)}{free}"))
    cards = [f"{name}, {size(memory)}" for name, memory in event.cards]
    rows += _list("card", cards) or [("card", "none that torch can use")]
    rows.append(("does it on", f"{event.device}, in {event.precision}"))
    speed = f"{size(event.disk_speed)} a second written, {size(event.disk_free)} free"
    return [*rows, ("disk", f"{event.folder}: {speed}")]


def _tools(event: Examined, verbose: bool) -> list[tuple[str, str]]:
    rows = [("versions" if n == 0 else "", " ".join(each)) for n, each in enumerate(event.versions)]
    rows.append(("encoders", ", ".join(event.encoders)))
    if event.missing:
        rows.append(("missing", f"{', '.join(event.missing)}: other encoders have to be named"))
    return [
        *rows,
        *(_list("priors", event.priors) or [("priors", "none: fits start from nothing")]),
    ]


def _times(event: Examined) -> list[tuple[str, str]]:
    return [(name, f"about {duration(seconds)}") for name, seconds in event.times]


def _list(name: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    return [(name if n == 0 else "", text) for n, text in enumerate(texts)]
