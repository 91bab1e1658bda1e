"""Flags that more than one command has, each written down once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from deeptsr.config import Options

from ..session import Verbosity
from .values import FILE
from .values import device as device_name

__all__ = [
    "OUTPUT_NAMES",
    "device",
    "encoding",
    "exclude",
    "exclude_pairs",
    "flags_of",
    "output_flags",
    "output_flags_but_json",
    "picture",
    "shared_with",
    "verbosity_of",
]

OUTPUT_NAMES = ("as_json", "quiet", "verbose", "log_file")  # of the values of output_flags

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
        "--video-stream",
        type=int,
        metavar="N",
        help="Which of several video streams to use, counted from 0.  [default: the one that "
        "players show]",
    ),
    click.option(
        "--background",
        metavar="COLOUR",
        help="Lay a transparent input over black, white or #rrggbb.  [default: it stays "
        "transparent]",
    ),
)
_DEVICE = (
    click.option(
        "--device",
        type=device_name,
        default=Options().device,
        metavar="NAME",
        help="auto, cpu, cuda or cuda:N.",
    ),
)
_JSON = (
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Report on stdout, one JSON event a line, for scripts.",
    ),
)
_VERBOSITY = (
    click.option("-q", "--quiet", is_flag=True, help="Only warnings and errors."),
    click.option("-v", "--verbose", is_flag=True, help="More figures, and the settings."),
    click.option("--log-file", type=FILE, metavar="FILE", help="Append every event to this file."),
)


def encoding(command: Command) -> Command:
    """Add the flags that say how an output is encoded: the fields of ``EncodeSettings``."""
    return _add(_ENCODING, command)


def picture(command: Command) -> Command:
    """Add the flags that say how the pictures of an input are understood."""
    return _add(_PICTURE, command)


def output_flags(command: Command) -> Command:
    """Add the flags that say how the command speaks; :func:`verbosity_of` reads them."""
    return _add(_JSON + _VERBOSITY, command)


def output_flags_but_json(command: Command) -> Command:
    """The same for a command whose ``--json`` is something else."""
    return _add(_VERBOSITY, command)


def device(command: Command) -> Command:
    """Add the flag that names the device."""
    return _add(_DEVICE, command)


def flags_of(
    other: click.Command, but: Collection[str]
) -> Callable[[click.Command], click.Command]:
    """Add the flags of another command before those that say how it speaks.

    Args:
        other: the command.
        but: names of those that are left out, beside the ones that say how it speaks.
    """
    shared = shared_with(other, but)

    def add(command: click.Command) -> click.Command:
        command.params[-len(OUTPUT_NAMES) : -len(OUTPUT_NAMES)] = shared
        return command

    return add


def shared_with(other: click.Command, but: Collection[str]) -> list[click.Option]:
    """The flags that :func:`flags_of` adds."""
    left_out = {*but, *OUTPUT_NAMES}
    return [p for p in other.params if isinstance(p, click.Option) and p.name not in left_out]


def exclude(first: str, second: str, *, both: bool) -> None:
    """Refuse two flags of which only one can be met.

    Raises:
        click.UsageError: when both are given.
    """
    if both:
        raise click.UsageError(f"{first} and {second} exclude each other; expected one of them.")


def exclude_pairs(flags: dict[str, Any]) -> None:
    """Refuse both flags of the frame rate, or of the size, of which the first have defaults.

    Raises:
        click.UsageError: when both are given.
    """
    for first, second in (("factor", "fps"), ("scale", "size")):
        source = click.get_current_context().get_parameter_source(first)
        both = flags[second] is not None and source is not ParameterSource.DEFAULT
        exclude(f"--{first}", f"--{second}", both=both)


def verbosity_of(flags: dict[str, Any]) -> Verbosity:
    """Take the values of the flags of :func:`output_flags` out of ``flags``.

    Raises:
        click.UsageError: when they exclude each other.
    """
    verbosity = Verbosity(**{name: flags.pop(name) for name in OUTPUT_NAMES if name in flags})
    exclude("--quiet", "--verbose", both=verbosity.quiet and verbosity.verbose)
    return verbosity


def _add(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
