"""Flags that more than one command has, each written down once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..session import Manner

__all__ = ["encoding", "picture", "speech", "spoken"]

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
_SPEECH = (
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


def speech(command: Command) -> Command:
    """Add the flags that say how the command speaks; :func:`spoken` reads them."""
    return _add(_SPEECH, command)


def spoken(flags: dict[str, Any]) -> Manner:
    """Take the values of the flags of :func:`speech` out of ``flags``.

    Raises:
        click.UsageError: when they exclude each other.
    """
    names = ("as_json", "quiet", "verbose", "log_file")
    manner = Manner(**{name: flags.pop(name) for name in names})
    if manner.quiet and manner.verbose:
        raise click.UsageError("--quiet and --verbose exclude each other; expected one of them.")
    return manner


def _add(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
