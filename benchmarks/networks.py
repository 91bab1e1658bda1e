"""Networks beside each other, at about the same arithmetic: taught, or fitted from nothing.

::

    python -m benchmarks.networks rendered --clips 120 --out clips.pt
    python -m benchmarks.networks taught compact fusion --clips clips.pt --out taught.jsonl
    python -m benchmarks.networks taught compact fusion --clips clips.pt --prior auto --out on.jsonl
    python -m benchmarks.networks fitted compact fusion --steps 215 --seeds 0,1 --out fitted.jsonl
    python -m benchmarks.networks fitted compact --prior auto --steps 120 --out fitted.jsonl
    python -m benchmarks.networks climbed recurrent --prior FILE --factor 8 --out climbed.jsonl
    python -m benchmarks.networks show taught.jsonl fitted.jsonl --save results/networks.json

``taught`` teaches each network the same crops of rendered clips, from nothing or from what the
compact network of a prior knows, and tells its gain over linear interpolation on clips that it
never saw, before that and after. Of a recurrent one it also tells the gain where states see 3, 7,
15 or 31 frames. ``fitted`` fits each on the frames of a clip alone,
rendered or a film of twice the rate, as ``fast`` does its first stage, from nothing or from a
prior, and compares with the truth. ``climbed`` takes a clip up as a preset does, from a prior, and
fits nothing. Each result is a line of the file; what has one already is left
out, so that a run that was cut off goes on.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import click
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published  # noqa: E402
from benchmarks.alone import NETWORKS, climb_alone, fit_alone  # noqa: E402
from benchmarks.results import commit  # noqa: E402
from benchmarks.teaching import JUDGED, begun, by_frames_seen, judged, teach  # noqa: E402
from deeptsr.learning.rendering import clips  # noqa: E402
from deeptsr.networks.recurrent import Recurrent  # noqa: E402

_FITTED = {"gain, dB": "+.2f", "clips": ".0f", "seconds a clip": ".1f"}  # columns of a table
_TAUGHT = {"before, dB": "+.3f", "gain, dB": "+.3f", "seconds": ".0f"}
_FRAMES = 48  # HTR frames of a clip
_FIRST_JUDGE, _JUDGES = 2 * 10**9, 6  # seeds of clips to judge by


def _done(out: str) -> list[dict[str, Any]]:
    path = Path(out)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _add(out: str, row: dict[str, Any]) -> None:
    row["commit"] = commit()
    row["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    with Path(out).open("a") as file:
        file.write(json.dumps(row) + "\n")
    click.echo(json.dumps(row))


@click.group(help="Compare networks.")
@click.option("--threads", default=1, show_default=True)
def main(threads: int) -> None:
    """Set up torch."""
    torch.set_num_threads(threads)
    commit()  # whatever is committed while it works


@main.command(help="Render the clips that networks are taught.")
@click.option("--clips", "count", default=120, show_default=True)
@click.option("--out", required=True, help="File of the clips.")
def rendered(count: int, out: str) -> None:
    """Render, and keep in half precision."""
    torch.save(
        {
            "taught": torch.stack([clips.render(n, frames=_FRAMES).frames for n in range(count)]),
            "judges": torch.stack(
                [clips.render(_FIRST_JUDGE + n, frames=JUDGED).frames for n in range(_JUDGES)]
            ),
        },
        out,
    )


@main.command(help="Teach NETWORKS.")
@click.argument("networks", nargs=-1)
@click.option("--clips", "file", required=True, help="What `rendered` kept.")
@click.option("--steps", default=500, show_default=True)
@click.option("--batch", default=8, show_default=True, help="Crops a step.")
@click.option("--rate", default=2e-3, show_default=True, help="Of Adam, at its peak.")
@click.option("--seed", default=0, show_default=True)
@click.option("--prior", default="none", show_default=True, help="`auto`, `none` or a file.")
@click.option("--out", required=True, help="File that results are added to.")
def taught(
    networks: tuple[str, ...],
    file: str,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    prior: str,
    out: str,
) -> None:
    """Teach, judge, and tell."""
    pool = torch.load(file)
    for name in networks or tuple(NETWORKS):
        task = {"network": name, "clip": "rendered", "steps": steps, "seed": seed, "batch": batch}
        task |= {"rate": rate} | ({} if prior == "none" else {"prior": Path(prior).stem})
        if any(task.items() <= row.items() for row in _done(out)):
            continue
        fresh = begun(name, seed, prior)
        before = mean(judged(fresh.eval(), pool["judges"]))
        network, seconds = teach(fresh, pool["taught"], steps, batch, seed, rate)
        gains = judged(network, pool["judges"])
        row = {**task, "gain": mean(gains), "gains": gains, "before": before, "seconds": seconds}
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
        taught_alone = all("before" in row for row in rows)
        table = dict((_of_teaching if taught_alone else _of_all_clips)(rows, seeds))
        columns = _TAUGHT if taught_alone else _FITTED
        published.save(save, row="network", columns=columns, rows=table, seeds=seeds, records=rows)


def _grouped(
    rows: list[dict[str, Any]], *names: str
) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Rows by what they share; what one does not tell is empty."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name, "") for name in names), []).append(row)
    # Steps are numbers, or told in words.
    return sorted(groups.items(), key=lambda each: [(isinstance(n, str), n) for n in each[0]])


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


def _of_teaching(
    rows: list[dict[str, Any]], seeds: list[int]
) -> Iterator[tuple[str, dict[str, published.Cell]]]:
    """A row for each network, start and number of steps that all of the seeds have."""
    for (name, start, steps), same in _grouped(rows, "network", "prior", "steps"):
        by_seed = {row["seed"]: row for row in same}
        if [*sorted(by_seed)] == seeds:
            each = [by_seed[seed] for seed in seeds]
            gains = {"before, dB": "before", "gain, dB": "gain"}
            cells: dict[str, published.Cell] = {
                column: [row[key] for row in each] for column, key in gains.items()
            }
            cells["seconds"] = mean(row["seconds"] for row in each)
            yield f"{name}, from {start or 'nothing'}, {steps} steps", cells


if __name__ == "__main__":
    main()
