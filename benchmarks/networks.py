"""Networks beside each other, at about the same arithmetic: taught, or fitted from nothing.

::

    python -m benchmarks.networks rendered --clips 120 --out clips.pt
    python -m benchmarks.networks taught compact fusion --clips clips.pt --out taught.jsonl
    python -m benchmarks.networks fitted compact fusion --steps 215 --seeds 0,1 --out fitted.jsonl
    python -m benchmarks.networks fitted compact --prior auto --steps 120 --out fitted.jsonl
    python -m benchmarks.networks climbed recurrent --prior FILE --factor 8 --out climbed.jsonl
    python -m benchmarks.networks show taught.jsonl fitted.jsonl --save results/networks.json

``taught`` teaches each network the same rendered clips, in the same order, from nothing, and tells
its gain over linear interpolation on clips that it never saw. Of a recurrent one it also tells the
gain where states see 3, 7, 15 or 31 frames. ``fitted`` fits each on the frames of a clip alone,
rendered or a film of twice the rate, as ``fast`` does its first stage, from nothing or from a
prior, and compares with the truth. ``climbed`` takes a clip up as a preset does, from a prior, and
fits nothing. Each result is a line of the file; what has one already is left
out, so that a run that was cut off goes on.
"""

from __future__ import annotations

import copy
import json
import math
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import click
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published  # noqa: E402
from benchmarks.alone import NETWORKS, SIZE, climb_alone, fit_alone  # noqa: E402
from deeptsr.config import PretrainSettings  # noqa: E402
from deeptsr.imaging.exposure import correct, expose  # noqa: E402
from deeptsr.imaging.resample import interpolate_time  # noqa: E402
from deeptsr.learning.descent import descend  # noqa: E402
from deeptsr.learning.rendering import clips  # noqa: E402
from deeptsr.networks import StepNetwork  # noqa: E402
from deeptsr.networks.chance import seeded  # noqa: E402
from deeptsr.networks.recurrent import Recurrent  # noqa: E402
from deeptsr.pyramid.predict import predict  # noqa: E402
from deeptsr.system import devices  # noqa: E402

_FRAMES, _SIDE, _LEARNT = 48, 32, 8  # HTR frames of a clip; pixels, LTR frames of a crop
_FIRST_JUDGE, _JUDGES, _JUDGED = 2 * 10**9, 6, 64  # seeds and HTR frames of clips to judge by
_SEEN = (3, 7, 15, 31)
_ENDS = 10  # LTR frames at each end of a judge that are not compared
_QUIET = 1e-5  # mean square error that is added, so that a still clip counts no more than that


def teach(name: str, pool: Tensor, steps: int, batch: int, seed: int) -> tuple[StepNetwork, float]:
    """Teach a network; return it with the seconds of the CPU that its steps took."""
    with seeded(seed):
        network = NETWORKS[name]()
    network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    network.train()
    average, precision = copy.deepcopy(network), devices.precision(torch.device("cpu"))
    settings = PretrainSettings()
    dice = torch.Generator().manual_seed(seed)
    optimizer, seconds = torch.optim.Adam(network.parameters()), 0.0
    for step in range(steps):
        htr = torch.stack([_crop(pool, 2 * _LEARNT, dice) for _ in range(batch)])
        began = time.process_time()
        ltr = expose(htr, 2, axis=2).contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            error = _inner(network(ltr) - htr)
        plain = _inner(_plain(ltr) - htr)
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


def _inner(error: Tensor) -> Tensor:
    return error[:, :, 2:-2, 2:-2, 2:-2].square().mean((1, 2, 3, 4))


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
        other = Recurrent(2, "full", *SIZE, 1, 1, seen // 2, refocused=network.refocused)
        other.load_state_dict(network.state_dict())
        found[str(seen)] = mean(judged(other.eval(), judges))
    return found


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


@main.command(help="Fit NETWORKS on clips.")
@click.argument("networks", nargs=-1)
@click.option("--clips", "names", default="fan,pan,ball", help="Rendered ones, or films.")
@click.option("--steps", default=860, show_default=True, help="0: as the prior has it.")
@click.option("--seeds", default="0", show_default=True)
@click.option("--prior", default="none", show_default=True, help="`auto`, `none` or a file.")
@click.option("--most", default=0, help="Fits of this run, at most; 0: all.")
@click.option("--out", required=True, help="File that results are added to.")
def fitted(
    networks: tuple[str, ...],
    names: str,
    steps: int,
    seeds: str,
    prior: str,
    most: int,
    out: str,
) -> None:
    """Fit, compare, and tell."""
    made = 0
    for seed in (int(s) for s in seeds.split(",")):
        for clip in names.split(","):
            for name in networks or tuple(NETWORKS):
                task = {"network": name, "clip": clip, "steps": steps, "seed": seed}
                task |= {} if prior == "none" else {"prior": Path(prior).stem}
                if any(task.items() <= row.items() for row in _done(out)):
                    continue
                _add(out, {**task, **fit_alone(name, clip, steps, seed, prior)})
                made += 1
                if made == most:
                    return


@main.command(help="Take clips up with NETWORKS of a prior, as they are.")
@click.argument("networks", nargs=-1)
@click.option("--clips", "names", default="fan,pan,ball", help="Rendered ones, or films.")
@click.option("--factor", default=8, show_default=True, help="A power of two.")
@click.option("--preset", default="fast", show_default=True, help="How stages are taken.")
@click.option("--prior", default="auto", show_default=True, help="`auto` or a file.")
@click.option("--out", required=True, help="File that results are added to.")
def climbed(
    networks: tuple[str, ...], names: str, factor: int, preset: str, prior: str, out: str
) -> None:
    """Climb, compare, and tell."""
    for clip in names.split(","):
        for name in networks:
            task = {"network": name, "clip": clip, "steps": f"x{factor}, {preset}", "seed": 0}
            task["prior"] = Path(prior).stem
            if not any(task.items() <= row.items() for row in _done(out)):
                _add(out, {**task, **climb_alone(name, clip, factor, preset, prior)})


@main.command(help="Show what FILES hold: means over seeds.")
@click.argument("files", nargs=-1)
@click.option("--save", type=Path, help="Keep the figures of all clips, for benchmarks.document.")
def show(files: tuple[str, ...], save: Path | None) -> None:
    """A row for each network, clip and number of steps."""
    rows = [row for file in files for row in _done(file)]
    click.echo("| network | clip | steps | gain, dB | seconds |")
    click.echo("|---|---|---|---|---|")
    for (name, start, clip, steps), same in _grouped(rows, "network", "prior", "clip", "steps"):
        gains = [row["gain"] for row in same]
        spread = f" ({min(gains):+.2f} to {max(gains):+.2f})" if len(gains) > 1 else ""
        told = f"{name}{', ' * bool(start)}{start} | {clip} | {steps}"
        seconds = mean(row["seconds"] for row in same)
        click.echo(f"| {told} | {mean(gains):+.2f}{spread} | {seconds:.0f} |")
    if save is not None:
        seeds = sorted({row["seed"] for row in rows})
        table = dict(_of_all_clips(rows, seeds))
        columns = {"gain, dB": "+.2f", "clips": ".0f", "seconds a clip": ".1f"}
        published.save(save, row="network", columns=columns, rows=table, seeds=seeds)


def _grouped(
    rows: list[dict[str, Any]], *names: str
) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Rows by what they share; what one does not tell is empty."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name, "") for name in names), []).append(row)
    return sorted(groups.items())


def _of_all_clips(
    rows: list[dict[str, Any]], seeds: list[int]
) -> Iterator[tuple[str, dict[str, published.Cell]]]:
    """A row for each network and start: the mean over the clips that each of the seeds has."""
    for (name, start, steps), same in _grouped(rows, "network", "prior", "steps"):
        by_seed = {seed: [row for row in same if row["seed"] == seed] for seed in seeds}
        clips = set.intersection(*({row["clip"] for row in some} for some in by_seed.values()))
        if not clips:
            continue
        gains: published.Cell = [
            mean(row["gain"] for row in some if row["clip"] in clips) for some in by_seed.values()
        ]
        seconds = mean(row["seconds"] + row.get("predicting", 0) for row in same)
        told = f"{name}, from {start or 'nothing'}, {steps}" + " steps" * isinstance(steps, int)
        yield told, {"gain, dB": gains, "clips": len(clips), "seconds a clip": seconds}


if __name__ == "__main__":
    main()
