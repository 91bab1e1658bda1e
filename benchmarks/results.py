"""Results as lines of JSON in a file, added one by one, so that a killed run goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["Record", "complete", "read"]

Record = dict[str, Any]  # what was asked for, and what was found


def read(results: Path) -> list[Record]:
    """All lines of a results file; one that a killed run left unfinished is taken off."""
    if not results.exists():
        return []
    text = results.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        results.write_text(whole, encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]


def complete(
    results: Path, wanted: Iterable[Record], measure: Callable[[Record], Record]
) -> Iterator[tuple[int, Record]]:
    """Measure what the results lack, and add each result as it comes.

    Args:
        results: the file.
        wanted: what is asked for, each with the same names.
        measure: finds the figures of one of them.

    Yields:
        The number of what was measured among the wanted, from 0, and its line.
    """
    there = read(results)
    for number, task in enumerate(wanted):
        if any(task == {name: record[name] for name in task} for record in there):
            continue
        record = task | measure(task)
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        yield number, record
