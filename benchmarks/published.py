"""Result files that are kept in the repository, ``benchmarks/results/NAME.json``, one a table.

A benchmark writes one with ``--save FILE``; by hand it is written as easily::

    {
     "command": "python -m benchmarks.rotors --clips 20 --seeds 0,1,2",
     "commit": "9c9a62c",
     "date": "2026-11-28",
     "machine": "2-core x86-64 CPU, AVX512, bfloat16, 1 thread, torch 2.13.0",
     "seeds": [0, 1, 2],
     "row": "speed",
     "columns": {"frames right": ".0%", "gain, dB": "+.2f", "told as": ""},
     "rows": {"below": {"frames right": [0.97, 0.98, 0.95], "gain, dB": 5.1, "told as": "sure"}},
     "mean": false
    }

``columns`` has the heading of each and the format of its numbers. A cell is a number, a text, null
(a dash), or a list of one number for each seed, which is shown as their mean (the least to the
greatest). ``seeds`` are those of the fits, and none where nothing is left to chance. ``mean`` asks
for a last row, of the means over the others.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import mean

import torch

from benchmarks.results import Record, commit, commits
from deeptsr.system import devices

__all__ = ["RESULTS", "Cell", "Published", "about_this_run", "kept", "load", "save", "shown"]

RESULTS = Path(__file__).resolve().parent / "results"
_COMMIT = re.compile(r"[0-9a-f]{7,40}( and changes)?(, [0-9a-f]{7,40}( and changes)?)*")

Cell = float | str | None | list[float]


@dataclass(frozen=True)
class Published:
    """A table, and how it came about: see the top of this file."""

    command: str
    commit: str
    date: str  # ISO 8601
    machine: str
    seeds: list[int]
    row: str  # what the rows are
    columns: dict[str, str]  # heading -> format of its numbers
    rows: dict[str, dict[str, Cell]]
    mean: bool = False

    def __post_init__(self) -> None:
        """Refuse what would make a table that says something else than was measured.

        Raises:
            ValueError: saying where.
        """
        if not _COMMIT.fullmatch(self.commit):
            raise ValueError(f"the commit is {self.commit!r}; expected its hash, 7 digits or more")
        date.fromisoformat(self.date)
        for name, cells in self.rows.items():
            if cells.keys() != self.columns.keys():
                raise ValueError(f"row {name!r} has {[*cells]}; expected {[*self.columns]}")
            for column, cell in cells.items():
                if isinstance(cell, list) and len(cell) != len(self.seeds):
                    raise ValueError(
                        f"{column!r} of {name!r} has {len(cell)} numbers; expected one for each of "
                        f"the {len(self.seeds)} seeds"
                    )

    def markdown(self) -> str:
        """Lay out the table, and below it how it was made."""
        head = [self.row, *self.columns]
        ruler = ["---", *("---:" if form else "---" for form in self.columns.values())]
        lines = [head, ruler]
        for name, cells in self.rows.items():
            lines.append([name, *(shown(cells[c], f) for c, f in self.columns.items())])
        if self.mean:
            lines.append(["**mean**", *map(self._mean, self.columns)])
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{table}\n\n`{self.command}`; commit {self.commit}, {self.date}, {self._made()}."

    def _mean(self, column: str) -> str:
        """Mean over the rows, seed by seed; empty where a row has no number."""
        cells, form = [row[column] for row in self.rows.values()], self.columns[column]
        numbers = [
            cell if isinstance(cell, list) else [cell] * max(1, len(self.seeds))
            for cell in cells
            if isinstance(cell, float | int | list)
        ]
        if not form or len(numbers) < len(cells):
            return ""
        return shown([mean(each) for each in zip(*numbers, strict=True)], form)

    def _made(self) -> str:
        if not self.seeds:
            return self.machine
        if len(self.seeds) == 1:
            return f"{self.machine}; one seed, {self.seeds[0]}"
        told = ", ".join(map(str, self.seeds))
        return f"{self.machine}; seeds {told}: mean (least to greatest)"


def shown(cell: Cell, form: str) -> str:
    """A cell in words: a number in its format, several as their mean (least to greatest)."""
    if cell is None:
        return "\N{EN DASH}"
    if isinstance(cell, str):
        return cell
    if not isinstance(cell, list):
        return format(cell, form).replace("%", " %")
    if min(cell) == max(cell):
        return shown(cell[0], form)
    middle, least, most = (shown(pick(cell), form) for pick in (mean, min, max))
    return f"{middle} ({least} to {most})"


def load(path: Path) -> Published:
    """Read a result file.

    Raises:
        ValueError: when it is none.
    """
    try:
        return Published(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be shown: {error}") from error


def kept(path: Path | None, machine: str | None = None) -> dict[str, dict[str, Cell]]:
    """The rows of a result file that a run may add to.

    Args:
        path: of the file; None, or one that is not there: no rows.
        machine: see :func:`save`. A file of another one gives no rows.
    """
    if path is None or not path.exists():
        return {}
    found = load(path)
    return found.rows if found.machine == (machine or about_this_run()["machine"]) else {}


def save(
    path: Path,
    *,
    row: str,
    columns: Mapping[str, str],
    rows: Mapping[str, Mapping[str, Cell]],
    seeds: Sequence[int],
    mean: bool = False,
    machine: str | None = None,
    records: Iterable[Record] | None = None,
) -> None:
    """Write a result file of this run.

    Args:
        path: of the file; one that exists is replaced.
        row: what the rows are.
        columns: heading of each, and the format of its numbers.
        rows: name -> column -> cell.
        seeds: of the fits.
        mean: whether a last row has the means.
        machine: in words, where the rows tell precision and threads; None: that of this process.
        records: that the rows come from, which tell who measured them; None: this commit did.
    """
    about = about_this_run()
    if records is not None:
        about["commit"] = commits(records)
    cells = {name: dict(row) for name, row in rows.items()}
    table = Published(
        **about | {"machine": machine or about["machine"]},
        seeds=list(seeds),
        row=row,
        columns=dict(columns),
        rows=cells,
        mean=mean,
    )
    path.write_text(json.dumps(asdict(table), indent=1) + "\n", encoding="utf-8")


def about_this_run() -> dict[str, str]:
    """Command, commit, day and machine of the process that asks."""
    # Where it is kept says nothing about how it was made.
    given = re.sub(r" --(save|results)[ =]\S+", "", " ".join(["", *sys.argv[1:]]))
    module = Path(sys.argv[0]).stem
    threads = torch.get_num_threads()
    kind = str(devices.precision(torch.device("cpu"))).removeprefix("torch.")
    machine = (
        f"{os.cpu_count()}-core {platform.machine()} CPU, "
        f"{torch.backends.cpu.get_cpu_capability()}, {kind}, "
        f"{threads} {'thread' if threads == 1 else 'threads'}, "
        f"torch {torch.__version__.partition('+')[0]}"
    )
    return {
        "command": f"python -m benchmarks.{module}{given}",
        "commit": commit(),
        "date": date.today().isoformat(),
        "machine": machine,
    }
