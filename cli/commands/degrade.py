"""``deeptsr degrade``: a low-framerate video, made from a high-framerate one."""

from __future__ import annotations

from typing import Any

import click

from deeptsr import jobs
from deeptsr.config import EncodeSettings, Options

from ..arguments.flags import encoding, output_flags, verbosity_of
from ..arguments.values import FILE, scale
from ..arguments.values import exposure as open_share
from ..session import conversation

__all__ = ["degrade"]

DEFAULTS = Options()


@click.command(short_help="Make a low-framerate video from a high-framerate one.")
@click.argument("input", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The video to write.")
@click.option(
    "--factor",
    type=int,
    default=DEFAULTS.factor,
    metavar="N",
    help="Input frames for each output frame, 2 or more; with --scale also 1.",
)
@click.option(
    "--scale",
    type=scale,
    default=str(DEFAULTS.scale),
    metavar="S",
    help="Make the frames so many times less wide and high, such as 2, 1.5 or 4/3.",
)
@click.option(
    "--camera",
    type=click.Choice(["bicubic", "area"]),
    default=DEFAULTS.camera,
    help="How pixels become one. bicubic: as a program scales down. area: the mean of them.",
)
@click.option(
    "--exposure",
    type=open_share,
    default=DEFAULTS.exposure,
    metavar="SHARE",
    help="full: the mean of them (blurred motion). delta: the first of them (sharp, jerky motion). "
    "0.5: the mean of the first half of them.",
)
@encoding
@output_flags
def degrade(*, input: str, output: str, **flags: Any) -> None:
    """Make of INPUT what a slow camera, with --scale of fewer pixels, would have recorded.

    INPUT is a high-framerate video, such as slow-motion footage: its frames are the truth that the
    result of `deeptsr upscale` on the output can be compared with, by `deeptsr evaluate`. To lose
    nothing but frames, write OUTPUT.mkv with --codec ffv1.

    \b
    Exit codes: 0 done, 2 wrong usage, 3 the input cannot be used, 4 out of
    memory or disk, 130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    files: Any = {"reads": {"the input": input}, "writes": {"the output": output}}
    with conversation(verbosity_of(flags), resumes=False, **files) as tell:
        shared = {name: flags.pop(name) for name in ("factor", "exposure", "scale", "camera")}
        options = Options(**shared, encode=EncodeSettings(**flags))
        jobs.degrade_file(input, output, options, tell)
