"""Larger frames at a higher rate against the truth: what each order, and each part, is worth.

::

    python -m benchmarks.space_time
    python -m benchmarks.space_time --film fast.mkv --crop 192x256+64+128 --save space_time.json
    python -m benchmarks.space_time --film fast.mkv --fit

Clips of the suite and of a fast camera are shrunk, exposed and rounded to 8 bits: the input. It is
climbed (without steps of its own) and enlarged in every order, and by plain methods; gains are over
linear and bicubic interpolation, dB. The last column tells what is left to find: the climbed frames
with the true detail itself, which no step in space can pass. With ``--fit`` the climb is that of
``fast``, its own steps with it, and the two orders that take several times the work are left out.
Lines are added to ``--results`` one by one, so that a killed run goes on from there.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published  # noqa: E402
from benchmarks.results import Record, complete, read  # noqa: E402
from benchmarks.space import rounded  # noqa: E402
from deeptsr import video  # noqa: E402
from deeptsr.config import Options, preset  # noqa: E402
from deeptsr.evaluation.baselines import enlarging_baselines  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.imaging.exposure import expose  # noqa: E402
from deeptsr.imaging.lens import enlarge, shrink  # noqa: E402
from deeptsr.jobs.upscale import upscale_array  # noqa: E402
from deeptsr.learning.space.step import space_prior, space_step  # noqa: E402
from deeptsr.networks.space import STEP  # noqa: E402
from deeptsr.pyramid.enlarge import SpaceStep, enlarged  # noqa: E402
from examples.render_clips import render  # noqa: E402

SUITE = "ball,falling,pan,fire,water,shake,slow,fan,fan-spinup,wheel"
_SIDE = 128  # pixels of a clip of the suite
_VIEWS = 2  # that the network in space has of the frames
_USUAL, _BETTER = "linear, bicubic", "better order with minterpolate"
COLUMNS = {
    f"{_USUAL}, dB": ".2f",
    _BETTER: "+.2f",
    "climbed, bicubic": "+.2f",
    "climbed, agrees": "+.2f",
    "as it is done": "+.2f",
    "detail of all climbed frames": "+.2f",
    "space first": "+.2f",
    "true detail": "+.2f",
}
_DEAR = ("detail of all climbed frames", "space first")
FITTED = {name: form for name, form in COLUMNS.items() if name not in _DEAR}


def measured(truth: Tensor, options: Options, columns: Iterable[str] = COLUMNS) -> dict[str, float]:
    """The figures of a row, by the names of :data:`COLUMNS`.

    Args:
        truth: what a fast camera of many pixels sees, (T * factor, H, W, 3), H and W even.
        options: of the climb.
        columns: that are wanted; others cost nothing.
    """
    factor, size = options.factor, (truth.shape[1], truth.shape[2])
    small = (size[0] // STEP, size[1] // STEP)
    given = rounded(expose(shrink(truth, small), factor, "full"))
    climbed = _climbed(given, options)
    step = space_step(given, size, prior=space_prior("auto"), views=_VIEWS)
    begun = SpaceStep(size).plain(climbed)
    seen = SpaceStep(size).plain(shrink(truth, small))
    ways: dict[str, Callable[[], Tensor]] = {
        "climbed, bicubic": lambda: enlarge(climbed, size),
        "climbed, agrees": lambda: begun,
        "as it is done": lambda: _larger(step, climbed, given, factor),
        "detail of all climbed frames": lambda: begun + _details(step, climbed),
        "space first": lambda: _climbed(_larger(step, given, given, 1), options),
        "true detail": lambda: begun + truth - seen,
    }
    plain = {
        name: psnr(torch.from_numpy(np.stack(list(frames))).clamp(0, 1), truth)
        for name, frames in enlarging_baselines(lambda: iter(given.numpy()), size, factor).items()
    }
    usual = plain[_USUAL]
    better = max(value for name, value in plain.items() if "minterpolate" in name)
    wanted = (name for name in ways if name in columns)
    gains = {name: psnr(ways[name]().clamp(0, 1), truth) - usual for name in wanted}
    return {f"{_USUAL}, dB": usual, _BETTER: better - usual, **gains}


def _climbed(frames: Tensor, options: Options) -> Tensor:
    return torch.from_numpy(upscale_array(frames.clamp(0, 1).numpy(), options))


def _larger(step: SpaceStep, frames: Tensor, given: Tensor, factor: int) -> Tensor:
    return torch.cat(list(enlarged(step, [frames], iter(given), len(given), factor)))


def _details(step: SpaceStep, frames: Tensor) -> Tensor:
    """What a step adds to all frames of a clip, which stands still at its ends; 0 if nothing."""
    if step.network is None:
        return torch.zeros(1)
    reach = step.network.reach[0]
    around = torch.arange(-reach, len(frames) + reach).clamp(0, len(frames) - 1)
    return step.details(frames[around])


def truth_of(task: Record) -> Tensor:
    """A clip of the suite by its name, or a part of a film: (T * factor, H, W, 3)."""
    frames, factor = task["frames"], task["factor"]
    if not task["crop"]:
        made = render(task["clip"], size=_SIDE, frames=frames, factor=factor)[1]
        return rounded(torch.from_numpy(made))
    info = video.probe(task["clip"])
    read = itertools.islice(video.read(info, skip=task["start"]), frames * factor)
    film = torch.stack([torch.from_numpy(frame[..., :3]) for frame in read])
    size, top, left = task["crop"].split("+")
    height, width = map(int, size.split("x"))
    return film[:, int(top) :, int(left) :][:, :height, :width].contiguous()


def rows(
    records: list[Record], columns: Iterable[str] = COLUMNS
) -> Iterator[tuple[str, dict[str, published.Cell]]]:
    """A row for each clip."""
    for record in records:
        part = f", from frame {record['start']}" if record["crop"] else ""
        yield Path(record["clip"]).stem + part, {name: record[name] for name in columns}


@click.command(help="Compare the orders in which rate and size can be raised.")
@click.option("--clips", default=SUITE, show_default=True, help="Of the suite; empty: none.")
@click.option("--film", type=click.Path(exists=True), help="Of a fast camera, beside them.")
@click.option("--start", default=0, show_default=True, help="First frame of the film.")
@click.option("--crop", default="192x256+64+128", show_default=True, help="Of it: HxW+TOP+LEFT.")
@click.option("--frames", default=8, show_default=True, help="Of the input.")
@click.option("--factor", default=8, show_default=True)
@click.option("--fit", is_flag=True, help="With steps of its own, as `fast` takes them.")
@click.option("--results", type=Path, default=Path("space_time.jsonl"), show_default=True)
@click.option("--save", type=Path, help="Also keep the figures, for benchmarks.document.")
def main(
    clips: str,
    film: str | None,
    start: int,
    crop: str,
    frames: int,
    factor: int,
    fit: bool,
    results: Path,
    save: Path | None,
) -> None:
    """Measure what the results lack, and print it."""
    torch.set_num_threads(1)
    options, columns = preset("fast", factor=factor, device="cpu"), FITTED if fit else COLUMNS
    if not fit:
        none = replace(options.fit, steps=1, adapt_steps=0, finetune_steps=0)
        options = replace(options, fit=none)
    parts = [(name, 0, "") for name in clips.split(",") if name] + [(film, start, crop)] * bool(
        film
    )
    wanted: list[Record] = [
        {"clip": name, "start": first, "crop": part, "frames": frames, "factor": factor}
        | {"fit": fit}
        for name, first, part in parts
    ]
    for _, record in complete(
        results, wanted, lambda task: measured(truth_of(task), options, columns)
    ):
        told = ", ".join(f"{name} {record[name]:{form}}" for name, form in columns.items())
        click.echo(f"{record['clip']}: {told}")
    if save is not None:
        found = [record for record in read(results) if record["fit"] == fit]
        published.save(
            save,
            row="clip",
            columns=columns,
            rows=dict(rows(found, columns)),
            seeds=[0],
            mean=True,
            records=found,
        )


if __name__ == "__main__":
    main()
