"""``deeptsr inspect-recurrence``: where a video repeats itself."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import click

from deeptsr import jobs
from deeptsr.config import Options, RecurrenceSettings, fraction_of

from ..arguments.flags import device, exclude, output_flags_but_json, verbosity_of
from ..arguments.values import FILE
from ..console.notes import Detail
from ..session import conversation

__all__ = ["inspect_recurrence"]

DEFAULTS = RecurrenceSettings()


def patch(text: str) -> tuple[int, int, int]:
    """Read ``WIDTHxHEIGHTxFRAMES``.

    >>> patch("5x5x3")
    (5, 5, 3)

    Raises:
        click.BadParameter: for anything else.
    """
    match = re.fullmatch(r"(\d{1,3})x(\d{1,3})x(\d{1,3})", text, re.ASCII)
    if match is None:
        raise click.BadParameter(f"got {text!r}; expected WIDTHxHEIGHTxFRAMES, such as 5x5x3")
    return int(match[1]), int(match[2]), int(match[3])


def stretch(text: str) -> tuple[int, int]:
    """Read ``A:B``, the first frame and the one after the last.

    >>> stretch("10:34")
    (10, 34)

    Raises:
        click.BadParameter: for anything else.
    """
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text, re.ASCII)
    if match is None or int(match[1]) >= int(match[2]):
        raise click.BadParameter(
            f"got {text!r}; expected FIRST:END with FIRST < END, such as 10:34"
        )
    return int(match[1]), int(match[2])


def scales(text: str) -> tuple[float, ...]:
    """Read numbers between commas.

    Raises:
        click.BadParameter: for anything else.
    """
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"got {text!r}; expected numbers between commas, such as 1,0.75,0.5"
        ) from None


def share(text: str) -> Fraction:
    """Read a number or a fraction.

    Raises:
        click.BadParameter: for anything else.
    """
    try:
        return fraction_of(text)
    except ValueError:
        raise click.BadParameter(f"got {text!r}; expected a number such as 1/4 or 1") from None


@click.command("inspect-recurrence", short_help="Show where a video repeats itself.")
@click.argument("input", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="The picture to draw (.png, .svg, .pdf), or a video of heatmaps (.mp4 and others).",
)
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the numbers here.")
@click.option(
    "--frame",
    type=click.IntRange(min=0),
    metavar="N",
    help="The frame to look at, from 0.  [default: amid the stretch with the most motion]",
)
@click.option(
    "--frames",
    type=stretch,
    metavar="A:B",
    help="Several frames, from A to before B; a picture shows the first.",
)
@click.option(
    "--patch",
    type=patch,
    default="x".join(map(str, DEFAULTS.patch)),
    metavar="XxYxT",
    help="Size of a patch: pixels, pixels, frames.",
)
@click.option(
    "--neighbors",
    type=int,
    default=DEFAULTS.neighbors,
    metavar="N",
    help="Nearest neighbours of a patch that are counted.",
)
@click.option(
    "--scales",
    type=scales,
    default=",".join(f"{s:g}" for s in DEFAULTS.scales),
    metavar="LIST",
    help="Sizes of the frames that they are sought in, against --level.",
)
@click.option(
    "--level",
    type=share,
    metavar="SIZE",
    help="Size of the frames whose patches are compared, such as 1 or 1/4.  "
    "[default: where `deeptsr upscale` fits its first network]",
)
@click.option(
    "--slices",
    type=click.Choice(["xy", "ty", "xt", "all"]),
    default=DEFAULTS.slices,
    help="Planes to look at: frames, a column over time, a row over time.",
)
@click.option(
    "--stride",
    type=int,
    metavar="S",
    help="Pixels from one patch that is looked up to the next.  [default: 1, more for a video]",
)
@click.option(
    "--max-patches",
    type=int,
    default=DEFAULTS.max_patches,
    metavar="N",
    help="Patches that are searched, half of them within and half across.",
)
@click.option(
    "--seed", type=int, default=Options().seed, metavar="N", help="Of the choice of these patches."
)
@device
@click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
@output_flags_but_json
def inspect_recurrence(
    *,
    input: str,
    output: str | None,
    json_file: str | None,
    frame: int | None,
    frames: tuple[int, int] | None,
    patch: tuple[int, int, int],
    neighbors: int,
    scales: tuple[float, ...],
    level: Fraction | None,
    slices: str,
    stride: int | None,
    max_patches: int,
    seed: int,
    device: str,
    overwrite: bool,
    **flags: Any,
) -> None:
    """Show where INPUT repeats itself within its dimensions (blue) and across them (red).

    For each small space-time patch its nearest neighbours are sought in the video at other scales
    and frame rates, as it is and with time and a direction of space swapped: where the training
    pairs of `deeptsr upscale` come from. Red is where the frames show what fast motion hides.

    \b
    Exit codes: 0 done, 2 wrong usage, 3 the input cannot be used, 4 out of
    memory or disk, 130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    if output is None and json_file is None:
        raise click.UsageError("nothing to write: give -o FILE, --json FILE, or both")
    exclude("--frame", "--frames", both=frame is not None and frames is not None)
    writes = {"the output": output, "the JSON file": json_file}
    with conversation(
        verbosity_of(flags), resumes=False, reads={"the input": input}, writes=writes
    ) as tell:
        settings = RecurrenceSettings(patch, neighbors, scales, level, slices, stride, max_patches)
        tell(Detail(str(settings)))
        jobs.inspect_file(
            input,
            output,
            json_file,
            settings,
            frames=frames if frame is None else (frame, frame + 1),
            seed=seed,
            device=device,
            overwrite=overwrite,
            on_event=tell,
        )
