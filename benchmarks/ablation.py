"""What each part of the method is worth: configurations beside each other, over a suite of clips.

::

    python -m benchmarks.ablation --quick
    python -m benchmarks.ablation fan pan LTR.mkv:HTR.mkv --config auto --config no-verify
    python -m benchmarks.ablation pan --config auto --config wide:network.channels=64 --factor 8
    python -m benchmarks.ablation --crf 18 --crf 23 --crf 28 --config auto
    python -m benchmarks.ablation --table --results ablation.jsonl --save kept.json

Each result is a line of the results file as soon as it is there, and what is there is not done
again. ``--level 1/4`` compares at a quarter of the size, where the first stage of a run works: the
paper's own ablation does (section 5.1), as what follows a fit does not blur the comparison there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

import deeptsr  # noqa: E402
from benchmarks import published  # noqa: E402
from benchmarks.configs import BUILT_IN, Config, parse  # noqa: E402
from benchmarks.quality import Pair, load, score, unit  # noqa: E402
from benchmarks.results import Record, complete, read  # noqa: E402
from benchmarks.tables import BASE, gains, tables  # noqa: E402
from deeptsr.config import Options, preset  # noqa: E402
from deeptsr.evaluation.baselines import baseline  # noqa: E402
from deeptsr.events import Event, StageFitted  # noqa: E402
from deeptsr.imaging.resample import resize  # noqa: E402
from deeptsr.video import compressed  # noqa: E402
from examples.render_clips import CLIPS  # noqa: E402

QUICK_CLIPS = ("fan", "pan", "falling", "fire", "shake", "slow")
QUICK_CONFIGS = ("within", "across", "both", "auto")
FULL = {"level": "1", "factor": 8, "effort": 1.0}
QUICK = {"level": "1/4", "factor": 2, "effort": 0.5}


@dataclass(frozen=True)
class Task:
    """One result to be had; a line of the results begins with it."""

    clip: str  # a rendered clip's name, or LTR:HTR
    config: str
    changes: str
    preset: str
    factor: int  # of a rendered clip
    frames: int | None  # LTR frames of a rendered clip; None: its own length
    size: int  # side of a rendered clip, pixels
    level: str  # size of the frames that are compared, as a share
    crf: int | None  # at which the input was encoded; None: it was not
    effort: float  # share of the preset's steps
    seed: int

    def options(self, factor: int) -> Options:
        """The settings of a run."""
        given = preset(self.preset, factor=factor, seed=self.seed)
        fit = given.fit
        steps = {
            name: max(min(1, most), round(self.effort * most))
            for name in ("steps", "adapt_steps", "finetune_steps")
            for most in [getattr(fit, name)]
        }
        pyramid = given.pyramid
        if self.level != "1":  # the clip is as small as the first stage already
            pyramid = replace(pyramid, coarsest=Fraction(1))
        given = replace(given, fit=replace(fit, **steps), pyramid=pyramid)
        return Config(self.config, self.changes).options(given)


@lru_cache(maxsize=1)
def clip(
    name: str, factor: int, frames: int | None, size: int, level: str, crf: int | None
) -> Pair:
    """Load a clip and its truth, encode the clip, and shrink both."""
    ltr_file, _, htr_file = name.partition(":")
    pair = load(ltr_file, htr_file or None, factor, frames, size)
    ltr, htr = pair.ltr, pair.htr
    if crf is not None:
        ltr = compressed(ltr, crf)
    if level != "1":
        shape = [round(n * Fraction(level)) for n in ltr.shape[1:3]]
        ltr, htr = (
            np.concatenate(
                [
                    resize(torch.from_numpy(unit(part)), (shape[0], shape[1])).clamp(0, 1).numpy()
                    for part in np.array_split(whole, -(-len(whole) // 48))
                ]
            )
            for whole in (ltr, htr)
        )
    return Pair(ltr, htr, pair.rotor)


def measure(task: Task) -> Record:
    """Do a task; the figures of its line."""
    pair = clip(task.clip, task.factor, task.frames, task.size, task.level, task.crf)
    if task.config in BASE:
        row = score(task.config, baseline(task.config, map(unit, pair.ltr), pair.factor), pair)
        return asdict(row) | {"fits": []}
    told: list[Event] = []
    begin = time.perf_counter()
    made = deeptsr.upscale_array(pair.ltr, task.options(pair.factor), told.append)
    seconds = time.perf_counter() - begin
    row = replace(score(task.config, iter(made), pair), seconds=seconds)
    fits = [
        {"stage": e.label, "mix": e.mix, "held_out_db": e.gain_db, "outcome": e.outcome}
        for e in told
        if isinstance(e, StageFitted)
    ]
    return asdict(row) | {"fits": fits}


def tasks(
    clips: tuple[str, ...], configs: list[Config], crfs: tuple[int, ...], seeds: str, **shared: Any
) -> list[Task]:
    """All that is asked for, clip by clip, the baselines first."""
    found = []
    plain = shared | {"preset": "", "effort": 1.0, "seed": 0, "changes": ""}
    for name in clips:
        for crf in crfs or (None,):
            found += [Task(clip=name, crf=crf, config=base, **plain) for base in BASE]
            found += [
                Task(name, c.name, c.changes, crf=crf, seed=seed, **shared)
                for c in configs
                for seed in map(int, seeds.split(","))
            ]
    return found


def run(wanted: list[Task], results: Path, tell: Callable[[str], None]) -> None:
    """Do what the results lack, and add each result as it comes."""
    asked = [asdict(task) for task in wanted]
    for number, record in complete(results, asked, lambda given: measure(Task(**given))):
        crf = "" if record["crf"] is None else f" at crf {record['crf']}"
        tell(
            f"{number + 1} of {len(wanted)}: {record['clip']}{crf}, {record['config']}, "
            f"seed {record['seed']}: {record['psnr_db']:.2f} dB in {record['seconds']:.0f} s"
        )


@click.command(help="Compare configurations on CLIPS: names of rendered clips, or LTR:HTR files.")
@click.argument("clips", nargs=-1)
@click.option(
    "--config",
    "configs",
    multiple=True,
    help=f"NAME:FIELD=VALUE,... or one of {', '.join(BUILT_IN)}; may be given often.",
)
@click.option("--quick/--full", default=True, help="What holds where no option says otherwise.")
@click.option("--preset", "preset_name", default="fast", show_default=True)
@click.option("--factor", type=int, help="Of a rendered clip.  [default: 2, full 8]")
@click.option("--frames", type=int, help="LTR frames of a rendered clip.  [default: its own]")
@click.option("--size", default=256, show_default=True, help="Side of a rendered clip, pixels.")
@click.option("--level", help="Share of the size that is compared.  [default: 1/4, full 1]")
@click.option("--effort", type=float, help="Share of the preset's steps.  [default: 0.5, full 1]")
@click.option(
    "--crf", "crfs", type=int, multiple=True, help="Encode the input; may be given often."
)
@click.option("--seeds", default="0", show_default=True, help="Comma-separated.")
@click.option("--threads", default=1, show_default=True)
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("ablation.jsonl"),
    show_default=True,
    help="File of the results, added to.",
)
@click.option("--table", is_flag=True, help="Only lay out the results that are there.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also keep the gains, for benchmarks.document.",
)
def main(
    clips: tuple[str, ...],
    configs: tuple[str, ...],
    quick: bool,
    preset_name: str,
    crfs: tuple[int, ...],
    seeds: str,
    threads: int,
    results: Path,
    table: bool,
    save: Path | None,
    **shared: Any,
) -> None:
    """Measure what is missing, then lay out all results."""
    if not table:
        torch.set_num_threads(threads)
        defaults = QUICK if quick else FULL
        shared |= {name: value for name, value in defaults.items() if shared[name] is None}
        chosen = configs or (QUICK_CONFIGS if quick else tuple(BUILT_IN))
        wanted = tasks(
            clips or (QUICK_CLIPS if quick else tuple(CLIPS)),
            [parse(c) for c in chosen],
            crfs,
            seeds,
            preset=preset_name,
            **shared,
        )
        for task in wanted:
            if task.config not in BASE:
                task.options(task.factor)  # a mistake is told before the work
        run(wanted, results, lambda line: click.echo(line, err=True))
    click.echo(tables(read(results)))
    if save is not None:
        found = read(results)
        published.save(save, row="clip", mean=True, **gains(found), records=found)


if __name__ == "__main__":
    main()
