"""Sizes that are no whole multiple, against a whole step in space that is followed by resampling.

::

    python -m benchmarks.place
    python -m benchmarks.place --scales 3/2 --clips 3 --save benchmarks/results/place.json

Rendered clips that nothing was taught are shrunk by the camera, rounded to 8 bits, and enlarged
again: as a run does it, and by a whole factor, of which the camera's own filter makes the size
asked for. Gains are over bicubic interpolation, against the truth. Lines are added to ``--results``
one by one, so that a killed run goes on from there.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import cache
from pathlib import Path
from statistics import mean

import click
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published  # noqa: E402
from benchmarks.results import Record, complete, read  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.imaging.lens import enlarge, shrink  # noqa: E402
from deeptsr.learning.rendering.clips import render  # noqa: E402
from deeptsr.learning.space.step import space_prior, space_step  # noqa: E402
from deeptsr.pyramid.enlarge import enlarged  # noqa: E402

CAMERA = "bicubic"
WHOLE = (2, 3, 4)  # factors that are resampled
_FIRST = 3 * 10**9  # seed of the clips: none that was ever taught
_SIDE, _FRAMES = 144, 4  # pixels and frames of a clip
_COLUMNS = {
    "bicubic, dB": ".2f",
    "as it is done": "+.2f",
    **{f"x{factor}, resampled": "+.2f" for factor in WHOLE},
    "least, to the best of these": "+.2f",
}


@cache
def clip(number: int) -> Tensor:
    """A rendered clip, (T, H, W, 3)."""
    return render(_FIRST + number, size=_SIDE, frames=_FRAMES).frames.float()


def larger(coarse: Tensor, size: tuple[int, int]) -> Tensor:
    """Frames (T, h, w, 3) as a run enlarges them."""
    step = space_step(coarse, size, CAMERA, space_prior("auto"))
    return torch.cat(list(enlarged(step, [coarse], iter(coarse), len(coarse))))


def resampled(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """Frames (T, h, w, 3) in another size, by the camera's filter or by interpolation."""
    smaller = size[0] < frames.shape[1]
    return shrink(frames, size, CAMERA) if smaller else enlarge(frames, size)


def measured(task: Record) -> Record:
    """PSNR of bicubic interpolation, and the gains over it of each way, dB."""
    scale = Fraction(task["scale"])
    side = _SIDE - _SIDE % scale.numerator
    small = side * scale.denominator // scale.numerator
    truth, size = clip(task["clip"])[:, :side, :side].contiguous(), (side, side)
    coarse = (shrink(truth, (small, small), CAMERA).clamp(0, 1) * 255).round() / 255
    ways = {"as it is done": larger(coarse, size)} | {
        f"x{factor}, resampled": resampled(larger(coarse, (factor * small, factor * small)), size)
        for factor in WHOLE
    }
    usual = psnr(enlarge(coarse, size).clamp(0, 1), truth)
    gains = {way: psnr(made.clamp(0, 1), truth) - usual for way, made in ways.items()}
    return {"bicubic, dB": usual, **gains}


def rows(records: list[Record]) -> dict[str, dict[str, published.Cell]]:
    """Means over the clips, a row for each scale; last how far one clip is behind at most."""
    table: dict[str, dict[str, published.Cell]] = {}
    for scale in sorted({record["scale"] for record in records}, key=Fraction):
        same = [record for record in records if record["scale"] == scale]
        cells = {name: mean(record[name] for record in same) for name in [*_COLUMNS][:-1]}
        behind = min(
            record["as it is done"] - max(record[f"x{factor}, resampled"] for factor in WHOLE)
            for record in same
        )
        table[f"{float(Fraction(scale)):g}"] = cells | {[*_COLUMNS][-1]: behind}
    return table


@click.command(help="Measure enlarging by factors that are not whole.")
@click.option("--scales", default="3/2,12/5,33/10", show_default=True)
@click.option("--clips", default=6, show_default=True)
@click.option("--results", type=Path, default=Path("place.jsonl"), show_default=True)
@click.option("--save", type=Path, help="Also keep the figures, for benchmarks.document.")
def main(scales: str, clips: int, results: Path, save: Path | None) -> None:
    """Measure what the results lack, and print it."""
    torch.set_num_threads(1)
    wanted = [{"clip": n, "scale": scale} for n in range(clips) for scale in scales.split(",")]
    for _, record in complete(results, wanted, measured):
        told = ", ".join(f"{way} {record[way]:+.2f}" for way in [*_COLUMNS][1:-1])
        click.echo(f"clip {record['clip']}, {record['scale']}: {told} dB")
    if save is not None:
        found = read(results)
        published.save(
            save, row="scale", columns=_COLUMNS, rows=rows(found), seeds=[], records=found
        )


if __name__ == "__main__":
    main()
