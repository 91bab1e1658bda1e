"""``deeptsr probe``: what is in a video, and what would be done with it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from deeptsr import jobs
from deeptsr.events import Event, Probed

from ..arguments.flags import exclude_pairs, flags_of, output_flags, verbosity_of
from ..arguments.options import DEFAULTS, chosen_options
from ..arguments.values import FILE
from ..console.sheets.probe import WIDTH, sections
from ..escapes import clean, with_names_on_one_line
from ..session import conversation
from .upscale import upscale

__all__ = ["probe"]

# What says where or how an output is written.
_ELSEWHERE = (
    *("output", "codec", "crf", "pix_fmt", "overwrite"),
    *("work_dir", "report", "resume", "dry_run", "preview", "save_fit"),
)


@flags_of(upscale, but=_ELSEWHERE)
@click.command(short_help="Say what is in a video, and what would be done with it.")
@click.argument("input", type=FILE)
@output_flags
def probe(*, input: str, preset_name: str | None, **flags: Any) -> None:
    """Say what is in INPUT, and what `deeptsr upscale` with the same options would do.

    The answer is on stdout; with --json, in the last line. Every frame is read once, to find the
    scenes and the frames that repeat the one before. Nothing is written.

    \b
    Exit codes: 0 done, 2 wrong usage, 3 the input cannot be used, 4 out of
    memory, 130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    verbosity = verbosity_of(flags)
    exclude_pairs(flags)
    with conversation(
        verbosity, answer=Probed, draw=_draw, resumes=False, reads={"the input": input}
    ) as tell:
        options = chosen_options(preset_name, flags | asdict(DEFAULTS.encode))

        jobs.probe_file(input, options, tell)


def _draw(event: Event, verbose: bool) -> None:
    """Draw the answer on a terminal."""
    # Imported here, so that `deeptsr --help` does not wait for rich.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    assert isinstance(event, Probed)
    console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    for title, rows in sections(with_names_on_one_line(event), verbose):
        table = Table.grid(padding=(0, 2))
        table.add_column(style="cyan", no_wrap=True, min_width=WIDTH)
        table.add_column(overflow="fold")
        for name, text in rows:
            style = "yellow" if name == "note" else ""
            table.add_row(f"  {name}", Text(clean(text), style=style))
        console.print(Text(clean(title), style="bold"), soft_wrap=True)
        console.print(table)
        console.print()
