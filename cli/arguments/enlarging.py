"""The flags of larger frames."""

from __future__ import annotations

import click

from .flags import Command
from .options import DEFAULTS
from .values import FILE, scale, size

__all__ = ["enlarging"]

_FLAGS = (
    click.option(
        "--scale",
        type=scale,
        default=str(DEFAULTS.scale),
        metavar="S",
        help="Make the frames so many times as wide and as high, such as 2, 1.5 or 4/3.",
    ),
    click.option(
        "--size",
        type=size,
        metavar="SIZE",
        help="Instead of --scale: 1080p (height of what is shown; width of a portrait), 4k, "
        "1920x1080 (it fits into that), 1920x or x1080. The picture keeps its shape.",
    ),
    click.option(
        "--camera",
        type=click.Choice(["bicubic", "area"]),
        default=DEFAULTS.camera,
        help="How the input's pixels came about of finer ones, with --scale or --size. bicubic: a "
        "program scaled it down. area: a sensor's pixels.",
    ),
    click.option(
        "--space-prior",
        default=DEFAULTS.space_prior,
        type=FILE,
        metavar="auto|none|FILE",
        help="What finds detail for --scale and --size. auto: what comes with the program, as far "
        "as it holds for the video. none: nothing, it is interpolated. FILE: what "
        "`deeptsr pretrain --space` made.",
    ),
)


def enlarging(command: Command) -> Command:
    """Add the flags that say how large the frames become, and what finds their detail."""
    for option in reversed(_FLAGS):
        command = option(command)
    return command
