"""One table: how far each stage of the climb ends above linear interpolation, for each clip.

::

    python -m benchmarks.stages fan pan LTR.mkv:HTR.mkv --factor 8

A stage's result is compared at its own size and frame rate: with the truth made as small and filmed
as slowly, and with linear interpolation of the input made as small. Of what turns, "forward" is the
share of the frames beyond the aliasing limit, where the input seems to turn backwards, that turn
the right way by half to one and a half of the true angle; "even" is that of all within 20 % of it.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.direction import EVEN, FORWARD, deviations  # noqa: E402
from benchmarks.quality import load, unit  # noqa: E402
from deeptsr.config import Options, preset  # noqa: E402
from deeptsr.evaluation.metrics import psnr_frames  # noqa: E402
from deeptsr.imaging.exposure import expose  # noqa: E402
from deeptsr.imaging.resample import interpolate_time, resize  # noqa: E402
from deeptsr.learning.stages import fit_stages  # noqa: E402
from deeptsr.pyramid.climb import climb  # noqa: E402
from deeptsr.pyramid.plan import Stage, plan  # noqa: E402
from deeptsr.pyramid.stage import FittedStage  # noqa: E402
from deeptsr.system import devices  # noqa: E402
from examples.render_clips import CLIPS, ROTORS, rotation_truth  # noqa: E402


@dataclass(frozen=True)
class Row:
    """A stage's figures."""

    label: str  # such as "S1/4 T1 -> T2"
    fitted: bool  # whether a network takes it; else it interpolates
    linear_db: float  # PSNR of linear interpolation, mean over frames
    gain_db: float  # of the result over that
    forward: float | None  # of what turns, the share of aliased frames that turn the right way,
    even: float | None  # and that of all frames that turn as far as the truth


def measure(
    clip: Tensor,
    truth: Tensor,
    fitted: tuple[FittedStage, ...],
    settings: Options,
    rotor: str | None = None,
) -> list[Row]:
    """Climb to each stage, and to full size where the last one ends below it.

    Args:
        clip: volume (T, H, W, 3).
        truth: volume (T * factor, H, W, 3).
        fitted: the stages, coarse to fine.
        settings: that they were fitted with.
        rotor: name of the rendered clip where something turns.
    """
    rows, full = [], Fraction(1)
    ends = [(number, each.stage.scale) for number, each in enumerate(fitted, 1)]
    if ends[-1][1] < full:
        ends.append((len(fitted), full))
    for number, scale in ends:
        last = fitted[number - 1]
        faster = last.stage.factor_before * last.stage.step
        size = Stage(scale, 1, 1).size(*clip.shape[1:3])
        wanted = resize(expose(truth, len(truth) // len(clip) // faster), size)
        made = climb(
            fitted[:number],
            clip,
            rounds=settings.pyramid.rounds,
            precision=devices.precision(clip.device),
            scale=scale,
        ).clamp(0, 1)
        linear = interpolate_time(resize(clip, size), faster).clamp(0, 1)
        forward = even = None
        if rotor:
            angles, folds = rotation_truth(rotor, len(clip), faster), ROTORS[rotor].folds
            away, aliased = deviations(made.cpu().numpy(), angles, folds=folds), 180 / folds
            forward = float(np.mean((away <= FORWARD * angles)[angles * faster > aliased]))
            even = float(np.mean(away <= EVEN * angles))
        base, found = (float(np.mean(psnr_frames(v.cpu(), wanted.cpu()))) for v in (linear, made))
        label = last.stage.label if scale == last.stage.scale else f"S{scale} T{faster}"
        rows.append(Row(label, last.network is not None, base, found - base, forward, even))
    return rows


@click.command(help="Follow the stages on CLIPS: names of rendered clips, or LTR:HTR files.")
@click.argument("clips", nargs=-1)
@click.option("--factor", default=8, show_default=True, help="Of a rendered clip.")
@click.option("--preset", "preset_name", default="fast", show_default=True)
@click.option("--size", default=256, show_default=True, help="Side of a rendered clip, pixels.")
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=1, show_default=True)
@click.option("--device", default="cpu", show_default=True)
def main(
    clips: tuple[str, ...],
    factor: int,
    preset_name: str,
    size: int,
    seed: int,
    threads: int,
    device: str,
) -> None:
    """Tell each clip as it ends, then show them together."""
    torch.set_num_threads(threads)
    grid = Table("clip", "stage", "by", "linear, dB", "gain, dB", "forward", "even")
    for name in clips or tuple(CLIPS):
        ltr_file, _, htr_file = name.partition(":")
        pair = load(ltr_file, htr_file or None, factor, None, size)
        place = devices.choose(device)
        clip, truth = (torch.from_numpy(unit(part)).to(place) for part in (pair.ltr, pair.htr))
        settings = preset(preset_name, factor=pair.factor, seed=seed)
        begin = time.perf_counter()
        height, width = clip.shape[1:3]
        stages = plan(pair.factor, height, width, settings.pyramid.coarsest)
        precision = devices.precision(clip.device)
        fitted = fit_stages(clip, stages, settings, precision=precision)
        rows = measure(clip, truth, fitted, settings, pair.rotor)
        seconds = time.perf_counter() - begin
        for row in rows:
            by = "network" if row.fitted else "interpolation"
            turns = ("" if s is None else f"{s:.1%}" for s in (row.forward, row.even))
            cells = (row.label, by, f"{row.linear_db:.2f}", f"{row.gain_db:+.2f}", *turns)
            grid.add_row(Path(ltr_file).name, *cells)
            click.echo(" ".join((Path(ltr_file).name, *cells)))
        click.echo(f"{Path(ltr_file).name}: {seconds:.0f} s")
    Console().print(grid)


if __name__ == "__main__":
    main()
