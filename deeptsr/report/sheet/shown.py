"""What the page of a batch tells of a video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Shown"]


@dataclass(frozen=True)
class Shown:
    """A video of a batch, and what became of it."""

    name: str  # its path below the folder of all
    source: Path  # absolute
    output: Path  # absolute
    failed: bool
    seconds: float  # of all attempts
    gain_db: float | None = None  # of the self-check
    confidence: str | None = None  # "sure", "likely" or "guess"
    warnings: tuple[str, ...] = ()
    error: str | None = None  # what went wrong
    report: Path | None = None  # its own page, where it has one
    result_hash: str = (
        ""  # of the result's contents: what it looks like need not be found out again
    )
    fit: str | None = None  # its part in a shared fit: "made" or "taken"
