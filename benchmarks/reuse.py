"""What a fit of one clip is worth on its twins: time, and dB beside a fit of their own.

::

    python -m benchmarks.reuse --save benchmarks/results/reuse.json
    python -m benchmarks.reuse --clip water --rotors 2 --seeds 0,1,2

The clips are the rendered ones at a quarter of their size, where the first stage of a run works, at
x2. Each is taken with its own fit, with that of the same clip turned by a quarter of a circle, and
with that of the same scene drawn with other textures: by several seeds, as its own fit, too, comes
out otherwise with each. Twins' results stand beside the mean of its own. The time is the CPU's, up
to the self-check, which all have. ``--rotors`` adds random ones (``benchmarks.rotors``), whose twin
is the turned one. What ``--save`` has already is not done again, if the machine is the same, nor
are single runs that ``--runs`` has, which are to be of the same code.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import click
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published, rotors  # noqa: E402
from deeptsr.config import Options, preset  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.events import Event, SelfChecked, StageFitted  # noqa: E402
from deeptsr.imaging.exposure import expose  # noqa: E402
from deeptsr.imaging.resample import resize  # noqa: E402
from deeptsr.jobs.upscale import upscale_array  # noqa: E402
from examples.render_clips import CLIPS, render  # noqa: E402

COLUMNS = {
    "learnt": ".0%",
    "own fit, s": ".1f",
    "taken over, s": ".1f",
    "saved": ".0%",
    "own, dB": ".2f",
    "of its turned twin": "+.2f",
    "of its re-seeded twin": "+.2f",
}
FACTOR, SIZE, LEVEL = 2, 256, 64  # sides of the scene as rendered, and as compared


@dataclass(frozen=True)
class Footage:
    """What a slow camera saw, and what happened."""

    clip: Tensor  # (T, H, W, 3)
    truth: Tensor  # (2 T, H, W, 3)


Source = Callable[[], tuple[Footage, Footage | None]]


@dataclass(frozen=True)
class Run:
    """What came of a run."""

    seconds: float  # of the CPU, up to the self-check
    psnr_db: float
    learnt: float  # share of what the video taught that was kept; 0 where nothing was fitted


class Done:
    """The runs on a clip, each kept as it ends, so that what is interrupted goes on.

    Args:
        place: a file of all clips, a JSON object a line; None: nothing is kept.
        clip: its name.
    """

    def __init__(self, place: Path | None, clip: str) -> None:
        self._place, self._clip = place, clip
        lines = place.read_text(encoding="utf-8").splitlines() if place and place.exists() else []
        found = [json.loads(line) for line in lines]
        self._runs = {_key(each): Run(**each["run"]) for each in found if each["clip"] == clip}

    def once(self, fit: str, seed: int, make: Callable[[], Run]) -> Run:
        """Find a run, or make it.

        Args:
            fit: whose the fit is: "own", "turned" or "reseeded".
            seed: of the fit.
            make: the run.
        """
        told = {"clip": self._clip, "fit": fit, "seed": seed}
        if _key(told) not in self._runs:
            self._runs[_key(told)] = made = make()
            if self._place is not None:
                with self._place.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**told, "run": asdict(made)}) + "\n")
        return self._runs[_key(told)]


def _key(told: dict[str, Any]) -> tuple[str, int]:
    return told["fit"], told["seed"]


def run(footage: Footage, options: Options) -> Run:
    """Upscale a clip, and compare it with the truth."""
    began, checked, learnt = time.process_time(), list[float](), [0.0]

    def listen(event: Event) -> None:
        if isinstance(event, SelfChecked):
            checked.append(time.process_time() - began)
        if isinstance(event, StageFitted):
            learnt.append(event.learned)

    made = torch.from_numpy(upscale_array(footage.clip, options, listen))
    return Run(checked[0], psnr(made, footage.truth), learnt[-1])


def turned(footage: Footage) -> Footage:
    """The same scene, turned by a quarter of a circle."""

    def turn(volume: Tensor) -> Tensor:
        return volume.transpose(1, 2).flip(1).contiguous()  # (T, W, H, C)

    return Footage(turn(footage.clip), turn(footage.truth))


def of_suite(name: str, seed: int, frames: int | None = None) -> Footage:
    """A rendered clip; another seed draws the same scene with other textures."""
    _, fine = render(name, size=SIZE, frames=frames, factor=FACTOR, seed=seed)
    truth = resize(torch.from_numpy(fine), (LEVEL, LEVEL)).clamp(0, 1)
    return Footage(expose(truth, FACTOR), truth)


def row(
    own: list[Run], of_turned: list[Run], of_reseeded: list[Run] | None
) -> dict[str, published.Cell]:
    """The row of a clip: results of twins' fits are told beside the mean of its own, by seed."""
    seconds = max(_seconds(runs) for runs in (of_turned, of_reseeded) if runs is not None)
    usual = mean(each.psnr_db for each in own)

    def beside(runs: list[Run]) -> published.Cell:
        return [each.psnr_db - usual for each in runs]

    cells: tuple[published.Cell, ...] = (
        [each.learnt for each in own],
        _seconds(own),
        seconds,
        1 - seconds / _seconds(own),
        [each.psnr_db for each in own],
        beside(of_turned),
        None if of_reseeded is None else beside(of_reseeded),
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _seconds(runs: list[Run]) -> float:
    return mean(each.seconds for each in runs)


def measure(
    footage: Footage,
    reseeded: Footage | None,
    all_options: list[Options],
    folder: Path,
    done: Done,
) -> dict[str, published.Cell]:
    """Fit twins, and take their fits over.

    Args:
        footage: of the clip.
        reseeded: the same with other textures; None: there is none.
        all_options: of the runs, one for each seed.
        folder: where fits are kept.
        done: what need not be done again.
    """

    def lent(twin: Footage, options: Options) -> Run:
        fit = str(folder / f"{len(list(folder.iterdir()))}.safetensors")
        run(twin, replace(options, save_fit=fit))
        return run(footage, replace(options, fit_file=fit))

    def each(fit: str, make: Callable[[Options], Run]) -> list[Run]:
        return [done.once(fit, options.seed, partial(make, options)) for options in all_options]

    own = each("own", partial(run, footage))
    second = None if reseeded is None else each("reseeded", partial(lent, reseeded))
    return row(own, each("turned", partial(lent, turned(footage))), second)


def _suite(name: str) -> tuple[Footage, Footage | None]:
    return of_suite(name, 0), of_suite(name, 1)


def _rotor(seed: int, kind: str) -> tuple[Footage, Footage | None]:
    case = rotors.render(seed, kind)
    return Footage(case.clip, case.truth), None


def sources(names: tuple[str, ...], count: int, kind: str) -> dict[str, Source]:
    """What makes each clip that is asked for, and its re-seeded twin, by name.

    Args:
        names: of rendered clips.
        count: of random rotors.
        kind: of their speed.
    """
    found: dict[str, Source] = {name: partial(_suite, name) for name in names}
    return found | {f"rotor {n}": partial(_rotor, n, kind) for n in range(count)}


@click.command(help="Measure what a fit is worth on the twins of its clip.")
@click.option("--clip", "names", multiple=True, type=click.Choice(list(CLIPS)), help="All if none.")
@click.option("--rotors", "count", default=0, show_default=True, help="Random ones, too.")
@click.option("--kind", default="below", show_default=True, help="Of speed: see benchmarks.rotors.")
@click.option("--preset", "preset_name", default="fast", show_default=True)
@click.option("--seeds", default="0", show_default=True, help="Of the fits, comma-separated.")
@click.option("--threads", default=1, show_default=True)
@click.option(
    "--save",
    "kept_in",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also keep the figures, for benchmarks.document.",
)
@click.option(
    "--runs",
    "runs_in",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep each single run in this file, and take from it what it has.",
)
def main(
    names: tuple[str, ...],
    count: int,
    kind: str,
    preset_name: str,
    seeds: str,
    threads: int,
    kept_in: Path | None,
    runs_in: Path | None,
) -> None:
    """Print a row for each clip."""
    torch.set_num_threads(threads)
    options = preset(preset_name, factor=FACTOR, device="cpu")
    options = replace(options, pyramid=replace(options.pyramid, coarsest=Fraction(1)))
    numbers = [int(seed) for seed in seeds.split(",")]
    each_seed = [replace(options, seed=seed) for seed in numbers]
    rows = published.kept(kept_in)
    for name, source in sources(names or tuple(CLIPS), count, kind).items():
        if name in rows:
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows[name] = measure(*source(), each_seed, Path(folder), Done(runs_in, name))
        told = (f"{k} {published.shown(rows[name][k], form)}" for k, form in COLUMNS.items())
        click.echo(f"{name}: {', '.join(told)}")
        if kept_in is not None:
            published.save(kept_in, row="clip", columns=COLUMNS, rows=rows, seeds=numbers)


if __name__ == "__main__":
    main()
