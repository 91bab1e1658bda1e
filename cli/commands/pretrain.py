"""``deeptsr pretrain``: a prior, taught on rendered clips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from deeptsr import jobs
from deeptsr.config import NETWORKS, OPTIMIZERS, RATES, PretrainSettings

from ..arguments.flags import output_flags, verbosity_of
from ..arguments.values import FILE, device, span
from ..session import conversation
from ..signals import gentle

__all__ = ["pretrain"]

DEFAULTS = PretrainSettings()
SPACE_STEPS, SPACE_OPTIMIZER = 5_000, "adam"  # as learning.space.pretrain has them: it loads torch


@click.command(short_help="Teach what a fit starts from.")
@click.option(
    "-o", "--output", type=FILE, required=True, help="The prior to write, a safetensors file."
)
@click.option(
    "--space",
    is_flag=True,
    help="Teach what finds detail, for `deeptsr upscale --space-prior FILE`.",
)
@click.option(
    "--network",
    type=click.Choice([name for name in NETWORKS if name != "paper"]),
    help="What is taught, for `deeptsr upscale --network NAME --prior FILE`.  [default: compact]",
)
@click.option(
    "--images", type=FILE, metavar="FOLDER", help="Pictures to show as surfaces, beside drawn ones."
)
@click.option(
    "--from",
    "start",
    type=FILE,
    metavar="PRIOR",
    help="Teach on what this prior knows; what a compact network knows serves the others, too.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="One of its networks that is taught, such as any/full-1; may be given more than once.",
)
@click.option(
    "--clips",
    "pool",
    type=click.IntRange(1),
    metavar="N",
    help="Of each kind, before the first step.",
)
@click.option("--crops", "batch", type=click.IntRange(1), metavar="N", help="A step.")
@click.option("--frames", type=click.IntRange(3), metavar="N", help="Input frames of a crop.")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    metavar="RATE",
    help="Of the optimiser, at its peak.  [default: "
    + ", ".join(f"{rate:g} of {name}" for name, rate in RATES.items())
    + "]",
)
@click.option(
    "--optimizer",
    type=click.Choice(OPTIMIZERS),
    help="How it goes down its error.  "
    f"[default: {DEFAULTS.optimizer}; with --space {SPACE_OPTIMIZER}]",
)
@click.option(
    "--still",
    type=click.FloatRange(0, 1, max_open=True),
    default=DEFAULTS.still,
    metavar="SHARE",
    help="Of the steps, on stills whose blocks are hidden, before anything moves.",
)
@click.option(
    "--damage",
    "damaged",
    type=click.FloatRange(0, 1),
    default=DEFAULTS.damaged,
    metavar="SHARE",
    help="Of the steps, on input that noise or H.264 has spoilt.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    metavar="N",
    help="Of the first of its networks; the others take shares of it.  "
    f"[default: {DEFAULTS.steps}; with --space {SPACE_STEPS}]",
)
@click.option(
    "--time-budget",
    type=span,
    metavar="TIME",
    help="How long it may take in all, such as 90m, instead of a number of steps.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, metavar="N", help="Of all that is drawn."
)
@click.option(
    "--device", type=device, default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N."
)
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
@click.option(
    "--no-resume", "resume", is_flag=True, flag_value=False, default=True, help="Begin anew."
)
@output_flags
def pretrain(
    *,
    output: str,
    space: bool,
    network: str | None,
    steps: int | None,
    pool: int | None,
    batch: int | None,
    frames: int | None,
    rate: float | None,
    optimizer: str | None,
    still: float,
    damaged: float,
    **flags: Any,
) -> None:
    """Teach a prior on rendered clips of things in motion, for `deeptsr upscale --prior FILE`.

    Nothing is filmed or downloaded: blades, leaves, waves and flames are drawn, and filmed by a
    camera whose shutter is known. What was taught is kept beside OUTPUT every so often; the same
    command goes on from there, to another number of steps or another time if that is asked for.

    \b
    Exit codes: 0 done, 2 wrong usage, 3 no pictures in the folder, 4 out of
    memory or disk, 130 interrupted, 143 terminated, 1 a bug in deeptsr.
    """  # noqa: D301, click reads the \b as "do not rewrap this"
    with conversation(verbosity_of(flags)) as tell:
        if space:
            from deeptsr.learning.space.pretrain import SETTINGS  # noqa: PLC0415, it loads torch

            flags["space"] = True
            settings = replace(SETTINGS, still=still, damaged=damaged)
        else:
            settings = replace(DEFAULTS, still=still, damaged=damaged)
        asked: dict[str, Any] = {"steps": steps, "pool": pool, "batch": batch}
        asked |= {"frames": frames, "rate": rate, "optimizer": optimizer}
        told = {name: value for name, value in asked.items() if value is not None}
        settings = replace(settings, **told)
        taught = NETWORKS[network] if network else None
        with gentle(tell) as listen:
            jobs.pretrain_file(output, taught, settings, **flags, on_event=listen)
