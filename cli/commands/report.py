"""``deeptsr report``: the page of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deeptsr import report as reports
from deeptsr.events import Progress
from deeptsr.system.distinct import check_distinct

from ..arguments.flags import output_flags, verbosity_of
from ..arguments.values import FILE
from ..session import conversation

__all__ = ["report"]


@click.command(short_help="Make a page that shows a finished run.")
@click.argument("workdir", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="The page to write.  [default: WORKDIR/report.html]",
)
@click.option(
    "--input",
    "source",
    type=FILE,
    metavar="FILE",
    help="Where the run's input is, if it was moved.",
)
@click.option(
    "--result", type=FILE, metavar="FILE", help="Where the run's result is, if it was moved."
)
@click.option("--overwrite", is_flag=True, help="Replace a page that exists.")
@output_flags
def report(
    *,
    workdir: str,
    output: str | None,
    source: str | None,
    result: str | None,
    overwrite: bool,
    **flags: Any,
) -> None:
    """Make one self-contained page of a finished run: film, enlargements, curves and facts.

    WORKDIR is the folder that `deeptsr upscale` was given with --work-dir. Input and result are
    read once more; both must be as the run left them.

    \b
    Exit codes: 0 done, 2 wrong usage, 3 the run cannot be shown, 4 out of
    memory or disk, 130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    reads = {"the input": source, "the result": result}
    writes = {"the page": output}
    with conversation(verbosity_of(flags), resumes=False, reads=reads, writes=writes) as tell:
        record = reports.Record.load(workdir).moved(source, result)
        page = output or str(Path(workdir, "report.html"))
        reads = {"the input": record.source, "the result": record.output}
        check_distinct(reads, {"the page": page})
        reports.check_page(page, overwrite=overwrite)
        tell(Progress(0.0, "report", "making the report"))
        tell(reports.write_report(record, page, overwrite=overwrite, on_event=tell))
