"""How long runs take, told before the work and taken: a table for docs/measurements.md.

::

    python -m benchmarks.forecast --save benchmarks/results/forecast.json
    python -m benchmarks.forecast --clip ball --clip fan --threads 1,2 --precision bfloat16
    python -m benchmarks.forecast --clip ball --size 256 --factor 4 --scale 2

Each run is the whole program on a rendered clip, in a process of its own: it tells how long it will
take, and then takes it; where what is known suits the video, so that nothing is learnt from it, the
time is told anew as soon as that is seen. Beside the seconds by the wall stand those that the
processor worked, by which a run is judged on a machine that does other things: with one thread the
two are the same where it does nothing else, and with more the wall counts, as not all work is
shared. ``float32`` runs with ``ATEN_CPU_CAPABILITY=avx2``, as
on a processor without AVX512. A run is added to what ``--save`` has already, if the machine is the
same.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published  # noqa: E402
from examples.render_clips import CLIPS, render, save  # noqa: E402

COLUMNS = {
    "told, s": ".0f",
    "told anew, s": ".0f",
    "processor, s": ".0f",
    "by the wall, s": ".0f",
    "last told / processor": ".2f",
    "last told / wall": ".2f",
}
PRECISIONS = ("bfloat16", "float32")


@dataclass(frozen=True)
class Taken:
    """What a run told, and took."""

    told: float  # seconds
    anew: float | None  # seconds of the whole run, where it was told again
    processor: float  # seconds, of all threads
    wall: float  # seconds

    def cells(self, threads: int) -> dict[str, published.Cell]:
        """The row of the table: the processor's seconds are shared out among the threads."""
        work = self.processor / threads
        last = self.told if self.anew is None else self.anew
        cells = (self.told, self.anew, work, self.wall, last / work, last / self.wall)
        return dict(zip(COLUMNS, cells, strict=True))


def run(source: Path, words: tuple[str, ...], threads: int, precision: str) -> Taken:
    """Run the program on a file, in a process of its own.

    Args:
        source: the input.
        words: for ``deeptsr upscale``, beside input and output.
        threads: of the processor.
        precision: one of :data:`PRECISIONS`.

    Raises:
        click.ClickException: when it fails.
    """
    extra = {"OMP_NUM_THREADS": str(threads)}
    if precision == "float32":
        extra["ATEN_CPU_CAPABILITY"] = "avx2"
    output = source.with_name("out.mkv")
    command = [sys.executable, "-m", "cli", "upscale", str(source), "-o", str(output), *words]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*command, "--overwrite", "--json"],
        env={**os.environ, **extra},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command)} failed: {done.stderr.strip()}")
    told: dict[str, list[float]] = {"Planned": [], "TimeCorrected": []}
    for event in map(json.loads, done.stdout.splitlines()):
        if event["event"] in told:
            told[event["event"]].append(event["seconds"])
    anew = told["TimeCorrected"][-1] if told["TimeCorrected"] else None
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(told["Planned"][0], anew, worked, wall)


def machine() -> str:
    """Of this run; threads and precision stand in the rows."""
    first, *_, last = published.about_this_run()["machine"].split(", ")
    return f"{first}, {last}"


def keep(path: Path, rows: dict[str, dict[str, published.Cell]]) -> None:
    """Write the rows of all runs."""
    published.save(path, row="run", columns=COLUMNS, rows=rows, seeds=[0], machine=machine())


@click.command(help="Tell how long runs take, told before the work and taken.")
@click.option("--clip", "names", multiple=True, type=click.Choice(list(CLIPS)), help="All if none.")
@click.option("--size", default=128, show_default=True, help="Side of the clips, pixels.")
@click.option("--frames", default=24, show_default=True, help="Of the input.")
@click.option("--factor", default=8, show_default=True)
@click.option("--scale", default=1, show_default=True, help="Of the frames.")
@click.option("--preset", "preset_name", default="fast", show_default=True)
@click.option("--threads", default="1", show_default=True, help="Comma-separated.")
@click.option("--precision", "precisions", multiple=True, type=click.Choice(PRECISIONS))
@click.option(
    "--save",
    "kept_in",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also keep the figures, for benchmarks.document.",
)
def main(
    names: tuple[str, ...],
    size: int,
    frames: int,
    factor: int,
    scale: int,
    preset_name: str,
    threads: str,
    precisions: tuple[str, ...],
    kept_in: Path | None,
) -> None:
    """Run, and print a row for each run."""
    rows = published.kept(kept_in, machine())
    words = (
        "--factor",
        str(factor),
        "--scale",
        str(scale),
        "--preset",
        preset_name,
        "--device",
        "cpu",
    )
    for name in names or tuple(CLIPS):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / f"{name}.mkv"
            save(source, render(name, size=size, frames=frames, factor=max(2, factor))[0], 30)
            for count in map(int, threads.split(",")):
                for precision in precisions or PRECISIONS:
                    taken = run(source, words, count, precision)
                    what = f"{name}, {preset_name}, {size} x {size}, {frames} frames, x{factor}"
                    what += f", scale {scale}" * (scale > 1)
                    plural = "s" * (count != 1)
                    row = f"{what}; {precision}, {count} thread{plural}"
                    rows[row] = taken.cells(count)
                    told = (f"{k} {v:.2f}" for k, v in rows[row].items() if v is not None)
                    click.echo(f"{row}: {', '.join(told)}")
                    if kept_in is not None:
                        keep(kept_in, rows)


if __name__ == "__main__":
    main()
