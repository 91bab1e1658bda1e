"""Networks beside each other, at about the same arithmetic: taught, or fitted from nothing.

::

    python -m benchmarks.networks rendered --clips 120 --out clips.pt
    python -m benchmarks.networks taught compact fusion --clips clips.pt --out taught.jsonl
    python -m benchmarks.networks fitted compact fusion --steps 215 --seeds 0,1 --out fitted.jsonl
    python -m benchmarks.networks show taught.jsonl fitted.jsonl

``taught`` teaches each network the same rendered clips, in the same order, from nothing, and tells
its gain over linear interpolation on clips that it never saw. Of a recurrent one it also tells the
gain where states see 3, 7, 15 or 31 frames. ``fitted`` fits each on the frames of a rendered clip
alone, as ``fast`` does its first stage from nothing, and compares with the truth. Each result is a
line of the file; what has one already is left out, so that a run that was cut off goes on.
"""

from __future__ import annotations

import copy
import json
import math
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from deeptsr.config import PretrainSettings, preset  # noqa: E402
from deeptsr.evaluation.metrics import psnr_frames  # noqa: E402
from deeptsr.imaging.exposure import correct, expose  # noqa: E402
from deeptsr.imaging.resample import interpolate_time  # noqa: E402
from deeptsr.learning.descent import descend  # noqa: E402
from deeptsr.learning.recipe import crop_frames  # noqa: E402
from deeptsr.learning.rendering import clips  # noqa: E402
from deeptsr.learning.strategy.fitter import StageFitter  # noqa: E402
from deeptsr.networks import Compact, StepNetwork  # noqa: E402
from deeptsr.networks.chance import seeded  # noqa: E402
from deeptsr.networks.fusion import Fusion  # noqa: E402
from deeptsr.networks.recurrent import Recurrent  # noqa: E402
from deeptsr.pyramid.predict import predict  # noqa: E402
from deeptsr.system import devices  # noqa: E402
from examples.render_clips import render  # noqa: E402

_SIZE = (16, 6)  # channels and blocks of `fast`
NETWORKS: dict[str, Callable[[], StepNetwork]] = {
    "compact": lambda: Compact(2, "full", *_SIZE),
    "fusion": lambda: Fusion(2, "full", *_SIZE),
    "fusion-early": lambda: Fusion(2, "full", *_SIZE, weighted=False),
    "recurrent": lambda: Recurrent(2, "full", *_SIZE),
    "recurrent-cold": lambda: Recurrent(2, "full", *_SIZE),  # states of short crops start cold
    "recurrent-refocused": lambda: Recurrent(2, "full", *_SIZE, refocused=True),
}
_COLD = ("recurrent-cold",)
_FRAMES, _SIDE, _LEARNT = 48, 32, 8  # HTR frames of a clip; pixels, LTR frames of a crop
_FIRST_JUDGE, _JUDGES, _JUDGED = 2 * 10**9, 6, 64  # seeds and HTR frames of clips to judge by
_SEEN = (3, 7, 15, 31)
_ENDS = 10  # LTR frames at each end of a judge that are not compared
_QUIET = 1e-5  # mean square error that is added, so that a still clip counts no more than that
_CLIP, _EXCERPT = 64, 96  # pixels a side and LTR frames of a clip that is fitted


def teach(name: str, pool: Tensor, steps: int, batch: int, seed: int) -> tuple[StepNetwork, float]:
    """Teach a network; return it with the seconds of the CPU that its steps took."""
    with seeded(seed):
        network = NETWORKS[name]()
    network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    network.train()
    average, precision = copy.deepcopy(network), devices.precision(torch.device("cpu"))
    around = 0 if name in _COLD else network.warm_up
    settings = PretrainSettings()
    dice = torch.Generator().manual_seed(seed)
    optimizer, seconds = torch.optim.Adam(network.parameters()), 0.0
    for step in range(steps):
        htr = torch.stack([_crop(pool, 2 * (_LEARNT + 2 * around), dice) for _ in range(batch)])
        began = time.process_time()
        ltr = expose(htr, 2, axis=2).contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            error = _inner(network(ltr) - htr, around)
        plain = _inner(_plain(ltr) - htr, around)
        loss = (error * ((plain + _QUIET) * 1e3) ** -settings.balance).mean()
        descend(optimizer, loss, network, average, settings, (step, steps))
        seconds += time.process_time() - began
    return average.eval(), seconds


def _crop(pool: Tensor, frames: int, dice: torch.Generator) -> Tensor:
    """A crop of a clip in one of its views, (C, frames, side, side)."""

    def below(count: int) -> int:
        return int(torch.randint(count, (), generator=dice))

    clip = pool[below(len(pool))]  # (T, H, W, C)
    shape = (frames, _SIDE, _SIDE)
    t, y, x = (below(n - size + 1) for n, size in zip(clip.shape, shape, strict=False))
    crop = clip[t : t + frames, y : y + _SIDE, x : x + _SIDE].float().permute(3, 0, 1, 2)
    crop = crop.flip([axis for axis in (1, 2, 3) if below(2)])
    return crop.transpose(2, 3) if below(2) else crop


def _plain(ltr: Tensor) -> Tensor:
    return correct(interpolate_time(ltr, 2, axis=2), ltr, 2, axis=2)


def _inner(error: Tensor, around: int) -> Tensor:
    frames = 2 * (1 + around)
    return error[:, :, frames:-frames, 2:-2, 2:-2].square().mean((1, 2, 3, 4))


def judged(network: StepNetwork, judges: Tensor) -> list[float]:
    """Gains over interpolation on clips that are never taught, in the middle of each, dB."""
    gains = []
    for clip in judges:
        htr = clip.float()
        ltr = expose(htr, 2)
        made, linear = predict(network, ltr), interpolate_time(ltr, 2)
        inner = slice(2 * _ENDS, _JUDGED - 2 * _ENDS)
        errors = [(v[inner] - htr[inner]).square().mean().item() + 1e-7 for v in (linear, made)]
        gains.append(10 * math.log10(errors[0] / errors[1]))
    return gains


def by_frames_seen(network: Recurrent, judges: Tensor) -> dict[str, float]:
    """The same where states of a frame come from so many frames around it, no more."""
    found = {}
    for seen in _SEEN:
        other = Recurrent(2, "full", *_SIZE, 1, 1, seen // 2, refocused=_refocused(network))
        other.load_state_dict(network.state_dict())
        found[str(seen)] = mean(judged(other.eval(), judges))
    return found


def _refocused(network: Recurrent) -> bool:
    return network.forwards.refocus is not None


def fit_alone(name: str, clip: str, steps: int, seed: int) -> dict[str, Any]:
    """Fit a network on a rendered clip as `fast` does its first stage from nothing."""
    rendered = render(clip, size=_CLIP, frames=_EXCERPT, factor=2)
    ltr, htr = (torch.from_numpy(np.round(volume * 255) / 255) for volume in rendered)
    options = preset("fast", factor=2, device="cpu", seed=seed, prior="none")
    place = torch.device("cpu")
    precision = devices.precision(place)
    with seeded(seed):
        network = NETWORKS[name]()
    frames = options.pairs.frames
    if name not in _COLD:
        frames = crop_frames(options, network, len(ltr))
    pairs = replace(options.pairs, shift=0.0, auto=False, frames=frames)
    options = replace(options, pairs=pairs, fit=replace(options.fit, steps=steps))
    began = time.process_time()
    fitter = StageFitter(
        options, len(ltr), 0, precision, lambda step: None, place, None, lambda: False
    )
    held_out = fitter.fit(network, [ltr], steps, known=False).score
    seconds = time.process_time() - began
    began = time.process_time()
    made = predict(network, ltr, precision=precision).clamp(0, 1)
    predicting = time.process_time() - began
    linear = interpolate_time(ltr, 2).clamp(0, 1)
    gain = float(np.mean(psnr_frames(made, htr)) - np.mean(psnr_frames(linear, htr)))
    return {"gain": gain, "held out": held_out, "seconds": seconds, "predicting": predicting}


def _done(out: str) -> list[dict[str, Any]]:
    path = Path(out)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _add(out: str, row: dict[str, Any]) -> None:
    row["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    with Path(out).open("a") as file:
        file.write(json.dumps(row) + "\n")
    click.echo(json.dumps(row))


@click.group(help="Compare networks.")
@click.option("--threads", default=1, show_default=True)
def main(threads: int) -> None:
    """Set up torch."""
    torch.set_num_threads(threads)


@main.command(help="Render the clips that networks are taught.")
@click.option("--clips", "count", default=120, show_default=True)
@click.option("--out", required=True, help="File of the clips.")
def rendered(count: int, out: str) -> None:
    """Render, and keep in half precision."""
    torch.save(
        {
            "taught": torch.stack([clips.render(n, frames=_FRAMES).frames for n in range(count)]),
            "judges": torch.stack(
                [clips.render(_FIRST_JUDGE + n, frames=_JUDGED).frames for n in range(_JUDGES)]
            ),
        },
        out,
    )


@main.command(help="Teach NETWORKS from nothing.")
@click.argument("networks", nargs=-1)
@click.option("--clips", "file", required=True, help="What `rendered` kept.")
@click.option("--steps", default=500, show_default=True)
@click.option("--batch", default=8, show_default=True, help="Crops a step.")
@click.option("--seed", default=0, show_default=True)
@click.option("--out", required=True, help="File that results are added to.")
def taught(
    networks: tuple[str, ...], file: str, steps: int, batch: int, seed: int, out: str
) -> None:
    """Teach, judge, and tell."""
    pool = torch.load(file)
    for name in networks or tuple(NETWORKS):
        task = {"network": name, "clip": "rendered", "steps": steps, "seed": seed, "batch": batch}
        if any(task.items() <= row.items() for row in _done(out)):
            continue
        network, seconds = teach(name, pool["taught"], steps, batch, seed)
        gains = judged(network, pool["judges"])
        row = {**task, "gain": mean(gains), "gains": gains, "seconds": seconds}
        if isinstance(network, Recurrent):
            row["seen"] = by_frames_seen(network, pool["judges"])
        _add(out, row)
        torch.save(network.state_dict(), f"{out}.{name}-{seed}.pt")


@main.command(help="Fit NETWORKS on rendered clips.")
@click.argument("networks", nargs=-1)
@click.option("--clips", "names", default="fan,pan,ball", show_default=True)
@click.option("--steps", default=860, show_default=True)
@click.option("--seeds", default="0", show_default=True)
@click.option("--most", default=0, help="Fits of this run, at most; 0: all.")
@click.option("--out", required=True, help="File that results are added to.")
def fitted(
    networks: tuple[str, ...], names: str, steps: int, seeds: str, most: int, out: str
) -> None:
    """Fit, compare, and tell."""
    made = 0
    for seed in (int(s) for s in seeds.split(",")):
        for clip in names.split(","):
            for name in networks or tuple(NETWORKS):
                task = {"network": name, "clip": clip, "steps": steps, "seed": seed}
                if any(task.items() <= row.items() for row in _done(out)):
                    continue
                _add(out, {**task, **fit_alone(name, clip, steps, seed)})
                made += 1
                if made == most:
                    return


@main.command(help="Show what FILES hold: means over seeds.")
@click.argument("files", nargs=-1)
def show(files: tuple[str, ...]) -> None:
    """A row for each network and clip."""
    rows = [row for file in files for row in _done(file)]
    click.echo("| network | clip | steps | gain, dB | seconds |")
    click.echo("|---|---|---|---|---|")
    for key in sorted({(row["network"], row["clip"], row["steps"]) for row in rows}):
        same = [r for r in rows if (r["network"], r["clip"], r["steps"]) == key]
        gains = [row["gain"] for row in same]
        spread = f" ({min(gains):+.2f} to {max(gains):+.2f})" if len(gains) > 1 else ""
        told = " | ".join(str(part) for part in key)
        seconds = mean(row["seconds"] for row in same)
        click.echo(f"| {told} | {mean(gains):+.2f}{spread} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
