"""``deeptsr doctor``: what this machine has for the work, and how long the work takes here."""

from __future__ import annotations

from typing import Any

import click

from deeptsr import jobs
from deeptsr.events import Examined

from ..arguments.flags import device, output_flags, verbosity_of
from ..arguments.values import FILE
from ..session import conversation

__all__ = ["doctor"]


@click.command(short_help="Say what this machine has, how long work takes here, what would help.")
@click.option(
    "--folder",
    type=FILE,
    default=".",
    metavar="FOLDER",
    help="Where outputs would go: the speed of its disk is measured.",
)
@device
@output_flags
def doctor(*, folder: str, device: str, **flags: Any) -> None:
    """Look at this machine: processor, precision, card, memory, disk, codecs, priors.

    For each preset it says how long 10 seconds of 1280 x 720 would take here, and what would make
    it faster. That is measured for some seconds, and 32 MB are written to the folder and removed.

    The answer is on stdout; with --json, in the last line.

    \b
    Exit codes: 0 done, 2 wrong usage, 4 out of memory or disk,
    130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    verbosity = verbosity_of(flags)
    with conversation(verbosity, answer=Examined, resumes=False) as tell:
        jobs.examine(folder, device, tell)
