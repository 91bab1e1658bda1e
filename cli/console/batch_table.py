"""The table at the end of a batch: what became of each video."""

from __future__ import annotations

import sys

from deeptsr.events import Event, VideoEnded
from deeptsr.system.humanize import duration

from ..escapes import one_line
from .json_lines import print_line
from .lines import draws

__all__ = ["Table"]

HEAD = ("video", "state", "attempts", "time", "gain", "remark")
COLOURS = {"done": "green", "skipped": "dim", "failed": "bold red"}


class Table:
    """A listener that collects how videos ended."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, ...]] = []

    def __call__(self, event: Event) -> None:
        """Take note of a video's end."""
        if isinstance(event, VideoEnded):
            gain = "" if event.gain_db is None else f"{event.gain_db:+.2f} dB"
            cells = (
                event.video,
                event.state,
                str(event.attempts),
                duration(event.seconds),
                gain,
                event.error or "",
            )
            self._rows.append(tuple(map(one_line, cells)))

    def show(self) -> None:
        """Write it to stdout: drawn on a terminal, plain columns elsewhere, sorted by name.

        Raises:
            StdoutClosedError: when stdout takes no more.
        """
        rows = sorted(self._rows)
        if draws(sys.stdout):
            _draw(rows)
            return
        columns = list(zip(HEAD, *rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        for row in (HEAD, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print_line("  ".join(cells).rstrip())


def _draw(rows: list[tuple[str, ...]]) -> None:
    # Imported here, so that `deeptsr --help` does not wait for rich.
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table as Drawn  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Drawn(box=box.SIMPLE_HEAD)
    for name in HEAD:
        right = name in ("attempts", "time", "gain")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    Console(file=sys.stdout, highlight=False, emoji=False, markup=False).print(table)
