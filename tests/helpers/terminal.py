"""A terminal and a clock that tests set, and what a bar draws there."""

from __future__ import annotations

import io

from cli.console.progress_bar import Bar


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def draw(monkeypatch, *events, width=80, **environment):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", "COLUMNS": str(width), **environment}.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    clock = Clock()
    with Bar(stream, clock=clock) as bar:
        for event in events:
            bar(event)
            clock.now += 1
    return stream.getvalue()
