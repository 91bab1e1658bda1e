"""What the command line has to say besides the library's events."""

from __future__ import annotations

from dataclasses import dataclass

from deeptsr.events import Event

__all__ = ["Detail", "Error", "Stopping"]


@dataclass(frozen=True)
class Error(Event):
    """The command did not do what it was asked to do: the last event of a run that failed."""

    message: str
    exit_code: int


@dataclass(frozen=True)
class Detail(Event):
    """A remark for those who look closely: shown with ``-v``, always in the log, never in JSON."""

    text: str


@dataclass(frozen=True)
class Stopping(Event):
    """The work ends after its step, as a signal asked for it: however quiet, and never in JSON."""
