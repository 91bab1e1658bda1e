"""What a recurrent network gains by frames that are far away: gain against the frames seen.

::

    deeptsr pretrain --network recurrent -o recurrent.safetensors
    python -m benchmarks.seen recurrent.safetensors
    python -m benchmarks.seen recurrent.safetensors --seen 3,7 --save benchmarks/results/seen.json

The networks of a prior are used as they are, at x2, and nothing is fitted. States of a frame come
from so many frames around it and no more, whichever frame it is. The clips: a fine texture that
drifts to and fro, and a fan that spins up, of which the share of the frames that turn the right way
is told, too. Gains are over interpolation that exposes to the input. Lines are added to
``--results`` one by one, so that a killed run goes on from there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published  # noqa: E402
from benchmarks.direction import share_right  # noqa: E402
from benchmarks.results import Record, complete, read  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.imaging.exposure import expose  # noqa: E402
from deeptsr.imaging.resample import interpolate_exposing  # noqa: E402
from deeptsr.learning.prior import Prior, starts  # noqa: E402
from deeptsr.networks.recurrent import Recurrent  # noqa: E402
from deeptsr.pyramid.predict import predict  # noqa: E402
from deeptsr.system import devices  # noqa: E402
from examples.render_clips import ROTORS, render, rotation_truth  # noqa: E402

CLIPS = ("drift", "fan-spinup")
EXPERTS = {"drift": "any", "fan-spinup": "turning"}  # whom a clip is given to, where there are both
SIDE, FRAMES = 64, 68  # pixels and LTR frames of a clip
SEEN = "3,7,15,31,63"
COLUMNS = {"drift, dB": "+.2f", "fan, dB": "+.2f", "fan, frames right": ".0%", "seconds": ".0f"}
_INSTANTS = 16  # of an HTR frame


def drift(side: int, frames: int) -> Tensor:
    """A texture as fine as pixels are that drifts to and fro, (2 * frames, side, side, 3)."""
    dice = torch.Generator().manual_seed(0)
    canvas = torch.rand(3, 2 * side, 2 * side, generator=dice, dtype=torch.float64)
    spectrum = torch.fft.rfft2(canvas)
    down, across = (
        frequencies(2 * side, dtype=torch.float64)
        for frequencies in (torch.fft.fftfreq, torch.fft.rfftfreq)
    )
    made = []
    for number in range(2 * frames):
        moments = number + (torch.arange(_INSTANTS, dtype=torch.float64) + 0.5) / _INSTANTS
        turns = 2 * torch.pi * moments / 2  # of LTR frames
        x, y = 3 * torch.sin(turns / 23), 2 * torch.sin(turns / 17)  # pixels
        rows = torch.exp(2j * torch.pi * y[:, None] * down)  # (instants, 2 * side)
        columns = torch.exp(2j * torch.pi * x[:, None] * across)
        moved = torch.fft.irfft2(spectrum * (rows.T @ columns / _INSTANTS))
        made.append(moved[:, :side, :side].permute(1, 2, 0))
    return torch.stack(made).float().clamp_(0, 1)


def clip(name: str) -> Tensor:
    """The truth of a clip, (2 * FRAMES, SIDE, SIDE, 3)."""
    if name == "drift":
        return drift(SIDE, FRAMES)
    return torch.from_numpy(render(name, size=SIDE, frames=FRAMES, factor=2)[1])


def of_prior(prior: Prior, name: str, seen: int) -> Recurrent:
    """The network for a clip, whose states come from so many frames."""
    size = prior.network.channels, prior.network.blocks
    network = Recurrent(2, "full", *size, 1, 1, seen // 2)
    known = starts(prior, network)
    network.load_state_dict(known.get(EXPERTS[name]) or known["any"])
    return network.eval()


def measured(task: Record) -> Record:
    """Gain over interpolation, dB, and of a fan the share that turns the right way.

    Interpolation is corrected, as a network's result is: what is left is what it has learnt.
    """
    name, truth = task["clip"], clip(task["clip"])
    ltr = expose(truth, 2)
    network = of_prior(Prior.load(task["prior"]), name, task["seen"])
    began = time.process_time()
    made = predict(network, ltr, precision=devices.precision(ltr.device)).clamp_(0, 1)
    seconds = time.process_time() - began
    plain = interpolate_exposing(ltr, 2).clamp_(0, 1)
    gain = psnr(made, truth) - psnr(plain, truth)
    right = None
    if name in ROTORS:
        angles = rotation_truth(name, FRAMES, 2)
        right = share_right(np.asarray(made), angles, folds=ROTORS[name].folds)
    return {"gain": gain, "right": right, "seconds": seconds}


def rows(records: list[Record]) -> dict[str, dict[str, published.Cell]]:
    """A row for each number of frames that both clips are there for."""
    found = {(record["seen"], record["clip"]): record for record in records}
    made: dict[str, dict[str, published.Cell]] = {}
    for seen in sorted({seen for seen, _ in found}):
        both = [found.get((seen, name)) for name in CLIPS]
        if both[0] is None or both[1] is None:
            continue
        texture, fan = both[0], both[1]
        cells = (texture["gain"], fan["gain"], fan["right"], texture["seconds"] + fan["seconds"])
        made[str(seen)] = dict(zip(COLUMNS, cells, strict=True))
    return made


@click.command(help="Measure what the recurrent networks of PRIOR gain by each number of frames.")
@click.argument("prior", type=click.Path(exists=True))
@click.option("--seen", default=SEEN, show_default=True, help="Frames, comma-separated.")
@click.option("--results", type=Path, default=Path("seen.jsonl"), show_default=True)
@click.option("--save", type=Path, help="Also keep the figures, for benchmarks.document.")
def main(prior: str, seen: str, results: Path, save: Path | None) -> None:
    """Measure what the results lack, and print it."""
    torch.set_num_threads(1)
    digest = Prior.load(prior).digest[:12]
    wanted = [
        {"prior": prior, "digest": digest, "clip": name, "seen": int(frames)}
        for frames in seen.split(",")
        for name in CLIPS
    ]
    for _, record in complete(results, wanted, measured):
        right = "" if record["right"] is None else f", {record['right']:.0%} right"
        click.echo("{clip}, {seen} seen: {gain:+.2f} dB".format(**record) + right)
    if save is not None:
        told = [record for record in read(results) if record["digest"] == digest]
        published.save(
            save, row="frames seen", columns=COLUMNS, rows=rows(told), seeds=[], records=told
        )


if __name__ == "__main__":
    main()
