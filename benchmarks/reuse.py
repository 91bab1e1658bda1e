"""What a fit of one clip is worth on another: time, and dB beside a fit of its own.

::

    python -m benchmarks.reuse --clips 6 --preset fast

The clips are random rotors (``benchmarks.rotors``), at x2 and 64 x 64 pixels. Each is taken with
its own fit, with that of the same rotor turned by a quarter of a circle, and with that of another
rotor. The time is the CPU's, up to the self-check, which both have.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import click
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.rotors import Case, render  # noqa: E402
from deeptsr.config import Options, preset  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.events import Event, SelfChecked  # noqa: E402
from deeptsr.jobs.upscale import upscale_array  # noqa: E402


@dataclass(frozen=True)
class Run:
    """What came of a run."""

    seconds: float  # of the CPU, up to the self-check
    psnr_db: float


def run(case: Case, options: Options) -> Run:
    """Upscale a clip, and compare it with the truth."""
    began, checked = time.process_time(), []

    def listen(event: Event) -> None:
        if isinstance(event, SelfChecked):
            checked.append(time.process_time() - began)

    made = torch.from_numpy(upscale_array(case.clip, options, listen))
    return Run(checked[0], psnr(made, case.truth))


def turned(case: Case) -> Case:
    """The same rotor, turned by a quarter of a circle."""

    def turn(volume: Tensor) -> Tensor:
        return volume.transpose(1, 2).flip(1).contiguous()  # (T, W, H, C)

    return replace(case, clip=turn(case.clip), truth=turn(case.truth))


@click.command(help="Measure what a fit is worth on a twin of its clip.")
@click.option("--clips", default=6, show_default=True)
@click.option("--first", default=0, show_default=True, help="Seed of the first clip.")
@click.option("--kind", default="below", show_default=True, help="Of speed: see benchmarks.rotors.")
@click.option("--preset", "name", default="fast", show_default=True)
@click.option("--threads", default=1, show_default=True)
def main(clips: int, first: int, kind: str, name: str, threads: int) -> None:
    """Print a row for each clip, and their means."""
    torch.set_num_threads(threads)
    options = preset(name, factor=2, device="cpu")
    rows = []
    click.echo("| clip | own fit, s | taken over, s | own, dB | of its turned twin | of another |")
    click.echo("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        other = str(Path(folder) / "other.safetensors")
        run(render(first + clips, kind), replace(options, save_fit=other))
        for seed in range(first, first + clips):
            case = render(seed, kind)
            twin = str(Path(folder) / f"{seed}.safetensors")
            run(turned(case), replace(options, save_fit=twin))
            own = run(case, options)
            taken, strange = (run(case, replace(options, fit_file=f)) for f in (twin, other))
            row = (own.seconds, taken.seconds, own.psnr_db, taken.psnr_db, strange.psnr_db)
            rows.append(row)
            click.echo(f"| {seed} | " + " | ".join(f"{n:.2f}" for n in row) + " |")
    click.echo(
        "| mean | " + " | ".join(f"{mean(each):.2f}" for each in zip(*rows, strict=True)) + " |"
    )


if __name__ == "__main__":
    main()
