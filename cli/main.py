"""The group of commands, and the way in."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import click

from .commands.batch import batch
from .commands.degrade import degrade
from .commands.doctor import doctor
from .commands.evaluate import evaluate
from .commands.inspect import inspect_recurrence
from .commands.pretrain import pretrain
from .commands.probe import probe
from .commands.report import report
from .commands.upscale import upscale
from .completion import completing, completion
from .console.json_lines import print_json
from .console.notes import Error
from .escapes import one_line
from .versions import show_versions

__all__ = ["cli", "main"]


class Group(click.Group):
    """A group that tells a script, too, when its command line cannot be understood."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether JSON is asked for: the command that would know may not come about."""
        ctx.meta[f"{__name__}.json"] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click itself writes a wrong usage to stderr and exits with 2."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if ctx.meta[f"{__name__}.json"]:
                print_json(Error(error.format_message(), error.exit_code))
            raise _written_out(error) from None


def _written_out(error: click.UsageError) -> click.UsageError:
    """The same without what is not seen, which a mistyped name may hold."""
    return click.UsageError(one_line(error.format_message()), error.ctx)


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_versions,
    help="Show the versions of deeptsr and of what it stands on, and exit.",
)
def cli() -> None:
    """Zero-shot temporal super-resolution: more frames a second, from the video alone."""


cli.add_command(upscale)
cli.add_command(probe)
cli.add_command(batch)
cli.add_command(degrade)
cli.add_command(pretrain)
cli.add_command(report)
cli.add_command(evaluate)
cli.add_command(inspect_recurrence)
cli.add_command(doctor)
cli.add_command(completion)


def main() -> None:
    """Run ``deeptsr``."""
    _fill_closed_streams()
    with completing():
        cli(prog_name="deeptsr")


def _fill_closed_streams() -> None:
    """Let nothing that is opened later take the place of a stream that was closed at the start.

    Where nobody listens, the talk goes nowhere; data that cannot be written is an error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, open as long as we run
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that are no UTF-8
