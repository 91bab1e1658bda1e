"""One table: mixes of training pairs beside each other, and beside the one chosen for each video.

::

    python -m benchmarks.mix fan pan ball
    python -m benchmarks.mix LTR.mkv:HTR.mkv --mixes auto,1:0:0,0.5:0.5:0 --seeds 0,1

Measured where the mixes differ and a fit is cheap: at the first stage of a run, x2 at a quarter of
the size, against the truth at that size, as the paper's own ablation is (section 5.1).
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean

import click
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.quality import load  # noqa: E402
from deeptsr.config import Options, preset  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.events import Event, StageFitted  # noqa: E402
from deeptsr.imaging.exposure import expose  # noqa: E402
from deeptsr.imaging.resample import interpolate_time, resize  # noqa: E402
from deeptsr.learning.stages import fit_stages  # noqa: E402
from deeptsr.pyramid.climb import climb  # noqa: E402
from deeptsr.pyramid.plan import plan  # noqa: E402
from deeptsr.system import devices  # noqa: E402
from examples.render_clips import CLIPS  # noqa: E402

MIXES = "auto,0.8:0.2:0,0.6:0.3:0.1,0.5:0.5:0,1:0:0,0:1:0,0:0:1"
FACTOR = 2


def level(name: str, scale: float, side: int) -> tuple[Tensor, Tensor]:
    """A clip and its truth at the size of the first stage: (T, H, W, 3), (2 T, H, W, 3)."""
    ltr_file, _, htr_file = name.partition(":")
    pair = load(ltr_file, htr_file or None, FACTOR, None, side)
    ltr, htr = (torch.from_numpy(clip).float() / 255 for clip in (pair.ltr, pair.htr))
    height, width = (round(n * scale) for n in ltr.shape[1:3])
    htr = expose(htr, pair.factor // FACTOR)
    return resize(ltr, (height, width)).clamp(0, 1), resize(htr, (height, width)).clamp(0, 1)


def options(name: str, mix: str, seed: int) -> Options:
    """The settings of a preset with a mix: "auto", or shares such as "0.6:0.3:0.1"."""
    chosen = preset(name, factor=FACTOR, seed=seed)
    if mix == "auto":
        return chosen
    within, across, shift = map(float, mix.split(":"))
    pairs = replace(chosen.pairs, within=within, across=across, shift=shift, auto=False)
    return replace(chosen, pairs=pairs)


def measure(clip: Tensor, truth: Tensor, settings: Options) -> tuple[float, float, StageFitted]:
    """Fit one stage; its gain over linear interpolation in dB, its seconds, and what was fitted."""
    told: list[Event] = []
    begin = time.perf_counter()
    stages = plan(FACTOR, *clip.shape[1:3])
    precision = devices.precision(clip.device)
    fitted = fit_stages(clip, stages, settings, precision=precision, on_event=told.append)
    made = climb(fitted, clip, precision=precision)
    seconds = time.perf_counter() - begin
    gain = psnr(made.clamp(0, 1), truth) - psnr(interpolate_time(clip, FACTOR), truth)
    return gain, seconds, next(e for e in told if isinstance(e, StageFitted))


@click.command(help="Compare mixes on CLIPS: names of rendered clips, or LTR:HTR files.")
@click.argument("clips", nargs=-1)
@click.option("--mixes", default=MIXES, show_default=True, help="auto, or within:across:shift.")
@click.option("--seeds", default="0", show_default=True, help="Comma-separated.")
@click.option("--preset", "preset_name", default="fast", show_default=True)
@click.option("--scale", default=0.25, show_default=True, help="Of the frames' sides.")
@click.option("--size", default=256, show_default=True, help="Side of a rendered clip, pixels.")
@click.option("--threads", default=1, show_default=True)
@click.option("--device", default="cpu", show_default=True)
def main(
    clips: tuple[str, ...],
    mixes: str,
    seeds: str,
    preset_name: str,
    scale: float,
    size: int,
    threads: int,
    device: str,
) -> None:
    """Tell each fit as it ends, then show the means over the seeds together."""
    torch.set_num_threads(threads)
    names = mixes.split(",")
    grid = Table("clip", *names)
    for name in clips or tuple(CLIPS):
        clip, truth = (part.to(devices.choose(device)) for part in level(name, scale, size))
        row = []
        for mix in names:
            gains = []
            for seed in map(int, seeds.split(",")):
                settings = options(preset_name, mix, seed)
                gain, seconds, event = measure(clip, truth, settings)
                gains.append(gain)
                took = ":".join(f"{share:g}" for share in event.mix)
                click.echo(
                    f"{Path(name).name} {mix} seed {seed}: {gain:+.2f} dB in {seconds:.0f} s, "
                    f"took {took}, {event.gain_db:+.2f} dB on held-out frames"
                )
            row.append(f"{mean(gains):+.2f}")
        grid.add_row(Path(name).name, *row)
    Console().print(grid)


if __name__ == "__main__":
    main()
