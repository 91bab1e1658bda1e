"""Flags that more than one command has, each written down once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..session import Verbosity

__all__ = ["encoding", "output_flags", "picture", "verbosity_of"]

Command = TypeVar("Command", bound=Callable[..., Any])

_ENCODING = (
    click.option(
        "--codec",
        metavar="NAME",
        help="FFmpeg encoder, such as libx264 or ffv1.  [default: what suits the output's "
        "container]",
    ),
    click.option(
        "--crf",
        type=float,
        metavar="N",
        help="Constant quality of the encoder, 0 (best) to 63.  [default: what suits the encoder]",
    ),
    click.option(
        "--pix-fmt",
        metavar="NAME",
        help="FFmpeg pixel format, such as yuv420p.  [default: what suits the input and the "
        "encoder]",
    ),
    click.option("--overwrite", is_flag=True, help="Replace an output that exists."),
)
_PICTURE = (
    click.option(
        "--deinterlace",
        is_flag=True,
        help="Make whole pictures of interlaced video, one of each frame (FFmpeg's bwdif).",
    ),
    click.option(
        "--background",
        metavar="COLOUR",
        help="Lay a transparent input over black, white or #rrggbb.  [default: it stays "
        "transparent]",
    ),
)
_OUTPUT = (
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Report on stdout, one JSON event a line, for scripts.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Only warnings and errors."),
    click.option("-v", "--verbose", is_flag=True, help="More figures, and the settings."),
    click.option("--log-file", metavar="FILE", help="Append every event to this file."),
)


def encoding(command: Command) -> Command:
    """Add the flags that say how an output is encoded: the fields of ``EncodeSettings``."""
    return _add(_ENCODING, command)


def picture(command: Command) -> Command:
    """Add the flags that say how the pictures of an input are understood."""
    return _add(_PICTURE, command)


def output_flags(command: Command) -> Command:
    """Add the flags that say how the command speaks; :func:`verbosity_of` reads them."""
    return _add(_OUTPUT, command)


def verbosity_of(flags: dict[str, Any]) -> Verbosity:
    """Take the values of the flags of :func:`output_flags` out of ``flags``.

    Raises:
        click.UsageError: when they exclude each other.
    """
    names = ("as_json", "quiet", "verbose", "log_file")
    verbosity = Verbosity(**{name: flags.pop(name) for name in names})
    if verbosity.quiet and verbosity.verbose:
        raise click.UsageError("--quiet and --verbose exclude each other; expected one of them.")
    return verbosity


def _add(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
