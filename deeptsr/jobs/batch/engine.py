"""What a batch asks of whatever runs its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from deeptsr.jobs.batch.child import Ended, News

__all__ = ["Engine", "Report", "Work"]


@dataclass(frozen=True)
class Work:
    """One attempt at one video."""

    number: int  # of the task
    input: str
    output: str
    flags: tuple[str, ...] = ()  # for deeptsr upscale


@dataclass(frozen=True)
class Report:
    """What became known of an attempt."""

    number: int  # of its task
    news: News | Ended


class Engine(Protocol):
    """Runs so much work at a time. All methods are called from one thread."""

    jobs: int  # attempts at a time
    device: str  # "cpu" or "cuda": what most of the work is done on
    label: str  # for people: "2 x cpu", say

    def start(self, work: Work) -> None:
        """Begin an attempt, and return at once. Never called while ``jobs`` are running."""

    def receive(self) -> Report:
        """Wait until something is known, and tell it. Every attempt has one ``Ended``, its last."""

    def stop(self) -> list[Report]:
        """Stop what is running, wait until it has stopped, and tell how it ended, where known."""
