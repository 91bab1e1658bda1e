"""Results as lines of JSON in a file, added one by one, so that a killed run goes on from there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Record", "commit", "commits", "complete", "read"]

Record = dict[str, Any]  # what was asked for, and what was found


@cache
def commit() -> str:
    """The commit that runs, and whether anything is changed: as it was when first asked for."""
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return _git("rev-parse", "--short=7", "HEAD") + " and changes" * bool(changed)


def commits(records: Iterable[Record]) -> str:
    """Those that measured the records, in the order in which they did; this one if none says so."""
    told = (record["commit"] for record in records if "commit" in record)
    return ", ".join(dict.fromkeys(told)) or commit()


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
        The number of what was measured among the wanted, from 0, and its line, with the commit.
    """
    there, made_by = read(results), commit()
    for number, task in enumerate(wanted):
        if any(task == {name: record[name] for name in task} for record in there):
            continue
        record = task | measure(task) | {"commit": made_by}
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        yield number, record


def _git(*words: str) -> str:
    here = Path(__file__).resolve().parent
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True, cwd=here)
    return done.stdout.strip()
