"""Frames at any moments: what exposing anew leaves of perfect frames, and what climb suits it.

::

    python -m benchmarks.moments ball falling fan
    python -m benchmarks.moments ball falling --climb fast --size 192
    python -m benchmarks.moments ball falling --climb fast --size 192 --stages 2@1/4,4@1/2

Rendered clips are filmed at the output's own moments, too, which is the truth. With perfect frames
only what :mod:`deeptsr.imaging.retime` does is wrong: each frame taken for a still, or light that
comes in as a cubic. A climb is the factor that a run takes today, or the next power of two; its
networks know what the prior knows, and nothing is fitted. ``--stages`` climbs others: 4@1/2 makes
four frames of one at half the size, and 2@1i interpolates. Lines are added to ``--results`` one by
one, so that a killed run goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import prod
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.results import Record, complete  # noqa: E402
from deeptsr.config import preset  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.imaging.exposure import shutter  # noqa: E402
from deeptsr.imaging.retime import retime  # noqa: E402
from deeptsr.imaging.timeline import Timeline  # noqa: E402
from deeptsr.learning.prior import prior_of, starts  # noqa: E402
from deeptsr.learning.recipe import fitted_stage, has_network, network_of  # noqa: E402
from deeptsr.pyramid.climb import climb  # noqa: E402
from deeptsr.pyramid.plan import Stage, plan  # noqa: E402
from deeptsr.system import devices  # noqa: E402
from examples.render_clips import film  # noqa: E402

_INSTANT = 1e-4  # of a frame's time
_ENDS = 2  # input frames at each end that are not judged
_RATIOS = "5/2,3,5,7,12"


def filmed(name: str, size: int, frames: int, rate: Fraction, exposure: str) -> Tensor:
    """A clip, (T, H, W, 3), as a camera of so many frames an input frame films it."""
    expose = film(name, size, frames + 1, np.random.default_rng(0))
    moments = [float(number / rate) for number in range(int(frames * rate) + 1)]
    spans = [(a, b if exposure == "full" else a + _INSTANT) for a, b in pairwise(moments)]
    return torch.from_numpy(np.stack([expose(a, b) for a, b in spans])).float().clamp_(0, 1)


def stills(volume: Tensor, fine: Timeline, opened: Timeline, exposure: str) -> Tensor:
    """Exposed anew, each frame taken for a still: the plainest way."""
    moments = [fine.moment(number) for number in range(len(fine) + 1)]
    weights = [
        shutter(moments, a, b, exposure)
        for a, b in pairwise(opened.moment(number) for number in range(len(opened) + 1))
    ]
    seen: Tensor = torch.tensordot(torch.tensor(weights), volume, 1)
    return seen


def climbed(ltr: Tensor, factor: int, name: str, stages: str = "") -> Tensor:
    """What the networks of a preset make that know what the prior knows, of things of all kinds."""
    options, precision = preset(name, factor=factor), devices.precision(ltr.device)
    height, width = ltr.shape[1:3]
    planned = plan(factor, height, width, options.pyramid.coarsest)
    networks = [has_network(options, *each) for each in enumerate(planned)]
    if stages:
        planned, networks = told(stages)
    fitted = []
    for number, (stage, has) in enumerate(zip(planned, networks, strict=True)):
        network = network_of(options, stage, height, width).eval()
        network.load_state_dict(starts(prior_of(options), network)["any"])
        fitted.append(fitted_stage(options, number, stage, network if has else None))
    return climb(tuple(fitted), ltr, precision=precision, scale=Fraction(1)).clamp_(0, 1)


def told(stages: str) -> tuple[tuple[Stage, ...], list[bool]]:
    """Stages as they are written, such as "2@1/4,2@1i", and which of them have a network."""
    made: list[Stage] = []
    for part in stages.split(","):
        step, _, scale = part.rstrip("i").partition("@")
        before = made[-1].factor_before * made[-1].step if made else 1
        made.append(Stage(Fraction(scale), int(step), before))
    return tuple(made), [not part.endswith("i") for part in stages.split(",")]


def measured(task: Record) -> Record:
    """PSNR of a clip at the output's rate, dB, one way and the other."""
    name, factor, exposure = task["clip"], task["factor"], task["exposure"]
    size, frames, rate = task["size"], task["frames"], Fraction(task["rate"])
    if task["climb"]:
        ltr = filmed(name, size, frames, Fraction(1), exposure)
        volume = climbed(ltr, factor, task["climb"], task.get("stages", ""))
    else:
        volume = filmed(name, size, frames, Fraction(factor), exposure)
    truth = filmed(name, size, frames, rate, exposure)
    fine = Timeline.constant(Fraction(factor), frames * factor)
    opened = Timeline.constant(rate, len(truth))
    cubic = torch.cat(list(retime([volume], fine, opened, exposure)))
    judged = slice(int(_ENDS * rate), len(truth) - int(_ENDS * rate))
    ways = {"stills": stills(volume, fine, opened, exposure), "as it is done": cubic}
    # All frames as one picture: one that is met exactly would make the mean over frames infinite.
    seen = truth[judged].flatten(0, 1)[None]  # (1, T * H, W, C)
    return {way: round(psnr(m[judged].flatten(0, 1)[None], seen), 2) for way, m in ways.items()}


def tasks(
    clips: tuple[str, ...],
    rates: str,
    size: int,
    frames: int,
    exposure: str,
    climb: str,
    stages: str = "",
) -> Iterator[Record]:
    """All that is asked for: each rate by the stages that are told, or from two factors.

    These are the factor of its own, and the next power of two.
    """
    steps = prod(stage.step for stage in told(stages)[0]) if stages else 0
    for rate in map(Fraction, rates.split(",")):
        own, power = -(-rate.numerator // rate.denominator), 2
        while power < rate:
            power *= 2
        for name in clips:
            for factor in [steps] if steps else sorted({own, power}):
                yield ({"stages": stages} if stages else {}) | {
                    "clip": name,
                    "rate": str(rate),
                    "factor": factor,
                    "exposure": exposure,
                    "size": size,
                    "frames": frames,
                    "climb": climb,
                }


@click.command(help="Measure frames at any moments of CLIPS, names of rendered clips.")
@click.argument("clips", nargs=-1, required=True)
@click.option("--rates", default=_RATIOS, show_default=True, help="Output frames an input frame.")
@click.option("--size", default=64, show_default=True, help="Side of a clip, pixels.")
@click.option("--frames", default=10, show_default=True, help="Input frames of a clip.")
@click.option("--exposure", type=click.Choice(["full", "delta"]), default="full")
@click.option("--climb", default="", metavar="PRESET", help="Climb; by default frames are perfect.")
@click.option("--stages", default="", metavar="STEP@SCALE,...", help="Of a climb, each.")
@click.option("--results", type=Path, default=Path("moments.jsonl"), show_default=True)
def main(clips: tuple[str, ...], results: Path, **given: object) -> None:
    """Measure what the results lack, and print it."""
    torch.set_num_threads(1)
    for _, record in complete(results, tasks(clips, **given), measured):  # type: ignore[arg-type]
        what = "{clip}, {rate} of {factor}, {exposure}: stills {stills:.2f}".format(**record)
        click.echo(f"{what} dB, as it is done {record['as it is done']:.2f} dB")


if __name__ == "__main__":
    main()
