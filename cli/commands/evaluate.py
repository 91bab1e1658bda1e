"""``deeptsr evaluate``: how close a result comes to the truth."""

from __future__ import annotations

from typing import Any

import click

from deeptsr import jobs
from deeptsr.config import Options
from deeptsr.events import Evaluated

from ..arguments.flags import output_flags, verbosity_of
from ..arguments.values import FILE
from ..arguments.values import exposure as open_share
from ..session import conversation

__all__ = ["evaluate"]


@click.command(short_help="Compare a result with the truth.")
@click.argument("result", type=FILE)
@click.argument("truth", type=FILE)
@click.option(
    "--input",
    "ltr",
    type=FILE,
    metavar="LTR",
    help="The video that RESULT was made from; repeat, linear and minterpolate are then measured "
    "beside it, with bicubic interpolation where it is smaller.",
)
@click.option(
    "--exposure",
    type=open_share,
    default=Options.exposure,
    metavar="SHARE",
    help="Of LTR, as for upscale: how linear and minterpolate are aligned with TRUTH.",
)
@click.option(
    "--ignore-rate",
    is_flag=True,
    help="Compare frame by frame, whatever the rates: for a result in slow motion.",
)
@click.option(
    "--enlarge",
    is_flag=True,
    help="Enlarge a RESULT that is smaller than TRUTH, bicubic: what a larger one is held against.",
)
@click.option(
    "--lpips", is_flag=True, help="Measure LPIPS, too: needs pip install deeptsr[lpips]. Slow."
)
@output_flags
def evaluate(*, result: str, truth: str, ltr: str | None, **flags: Any) -> None:
    """Compare RESULT with TRUTH, frame by frame.

    PSNR and SSIM are means over the frames of the figures of R'G'B', luma is the PSNR of their
    brightness; x-t is the PSNR of the slices that each row of pixels draws over time; flicker is
    how much more the brightness changes from frame to frame than it should, in 8-bit levels. VMAF
    is measured where the ffmpeg of imageio-ffmpeg has it. The table is on stdout; with --json, so
    is every frame's figure, in the last line.

    \b
    Exit codes: 0 done, 2 wrong usage, 3 a video cannot be used or does not
    belong to the other, 130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    reads = {"the result": result, "the truth": truth, "the input of the run": ltr}
    with conversation(verbosity_of(flags), answer=Evaluated, resumes=False, reads=reads) as tell:
        jobs.evaluate_file(result, truth, ltr, **flags, on_event=tell)
