"""How far a run has come: what hears of it, and from where on."""

from __future__ import annotations

from dataclasses import replace

from deeptsr.events import Event, Listener, Progress

__all__ = ["from_share", "without_progress"]


def from_share(share: float, on_event: Listener) -> Listener:
    """Tell of progress from a share of the work on: the bar begins where the last one ended.

    It never runs backwards either: what takes longer than was thought makes it stand still.
    """

    def listen(event: Event) -> None:
        nonlocal share
        if isinstance(event, Progress):
            share = max(share, event.fraction)
            event = replace(event, fraction=share)
        on_event(event)

    return listen


def without_progress(on_event: Listener) -> Listener:
    """Tell of all else, where somebody further on knows better how far it is."""

    def listen(event: Event) -> None:
        if not isinstance(event, Progress):
            on_event(event)

    return listen
