"""How fast each preset fits and climbs on this machine, beside what the machine can do at all.

::

    python -m benchmarks.speed                       two minutes on 2 cores
    python -m benchmarks.speed --device cuda --full  whole frames, also of 1280 x 720

The ceiling is the best that a plain convolution or matrix product of the same type reaches in the
same run. Operations are those of a network (``StepNetwork.operations``, ``streaming_operations``),
once for each pixel of the clip: what tiles compute twice, and all else, counts as time lost. A step
of the fit is three times its forward pass.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from deeptsr.config import PRESETS, Options, preset  # noqa: E402
from deeptsr.learning.fit import Hooks, Regime, fit  # noqa: E402
from deeptsr.learning.pairs.pool import PairSource  # noqa: E402
from deeptsr.learning.recipe import fold_of  # noqa: E402
from deeptsr.networks import StepNetwork, build  # noqa: E402
from deeptsr.pyramid.plan import Stage  # noqa: E402
from deeptsr.pyramid.predict import predict  # noqa: E402
from deeptsr.system import devices  # noqa: E402

SIZES = ((320, 180), (640, 360), (1280, 720))
_BACKWARD = 3  # a step costs three times its forward pass
_WARM = 6  # steps of a fit that are not timed: a card records one of them
_RUNS = 3  # of which the fastest counts


@dataclass(frozen=True)
class Row:
    """One measurement."""

    preset: str
    work: str
    seconds: float  # of a step, or of an output frame
    rate: float  # steps, or output frames, a second
    crops: float | None  # a second, of the fit
    giga: float  # floating-point operations of a step, or of an output frame, 1e9
    speed: float  # of these a second, 1e9
    share: float  # of the ceiling


class Clock:
    """Seconds of work: of this process's threads on a CPU, as other work may share it."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._threads = device, torch.get_num_threads()

    def __call__(self) -> float:
        """Now, all work that was given being done."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            return time.perf_counter()
        return time.process_time() / self._threads

    def best(self, work: Callable[[], object], least: float) -> float:
        """Seconds of a piece of work at its fastest, after one to warm up."""
        work()
        found = []
        for _ in range(_RUNS):
            count, spent, began = 0, 0.0, self()
            while not count or spent < least:
                work()
                count, spent = count + 1, self() - began
            found.append(spent / count)
        return min(found)


def ceiling(device: torch.device, dtype: torch.dtype, least: float) -> dict[str, float]:
    """Operations a second of the fastest plain convolution and of a matrix product, 1e9."""
    clock, found = Clock(device), {}
    large = device.type == "cuda"
    side = 8192 if large else 1024
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    found["matmul"] = 2 * side**3 / clock.best(lambda: one @ other, least) / 1e9
    found["conv3d"] = 0.0
    for channels in (32, 64, 128):
        shape = (16, 256, 256) if large else (8, 64, 64)
        layer = torch.nn.Conv3d(channels, channels, 3, padding=1, bias=False).to(device, dtype)
        layer = layer.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        x = torch.randn(1, channels, *shape, device=device, dtype=dtype)
        x = x.to(memory_format=torch.channels_last_3d)
        with torch.no_grad():
            seconds = clock.best(partial(layer, x), least)
        speed = 2 * layer.weight.numel() * x[0, 0].numel() / seconds / 1e9
        found["conv3d"] = max(found["conv3d"], speed)
    return found


def fit_steps(
    name: str, device: torch.device, dtype: torch.dtype, steps: int, top: float
) -> Row:  # fmt: skip
    """Time the steps of a fit, with the drawing of pairs and the mean of the weights."""
    options = preset(name)
    pairs, settings = options.pairs, replace(options.fit, checks=1)  # none stops it early
    network = _network(options, 1, device)
    generator = torch.Generator(device).manual_seed(0)
    clip = torch.rand(24, 64, 96, 3, generator=generator, device=device)
    source = PairSource([clip], pairs, network.factor)
    clock, moments = Clock(device), list[float]()
    warm = _WARM if device.type == "cuda" else 1

    def on_step(step: int) -> None:
        if step in (warm, warm + steps):
            moments.append(clock())

    regime = Regime(settings, steps=warm + steps, precision=dtype)
    fit(network, source, regime, generator, lambda candidate: 0.0, Hooks(on_step))
    seconds = (moments[1] - moments[0]) / steps
    voxels = pairs.batch * pairs.frames * pairs.crop**2
    giga = _BACKWARD * voxels * network.operations / 1e9
    return _row(name, "fit, a step", seconds, giga, top, pairs.batch)


def climb_frames(
    name: str,
    size: tuple[int, int],
    frames: int,
    device: torch.device,
    dtype: torch.dtype,
    top: float,
    limit: float,
) -> Row | None:
    """Time one prediction of x2 at a size, by output frame; None where it takes too long."""
    width, height = size
    network = _network(preset(name), fold_of(Stage(Fraction(1), 2, 1), height, width), device)
    made = frames * network.factor
    giga = network.streaming_operations * height * width / network.factor / 1e9
    if made * giga / top > limit:
        return None
    clip = torch.rand(frames, height, width, 3, device=device)
    seconds = Clock(device).best(lambda: predict(network, clip, precision=dtype), 0.0)
    work = f"climb {width} x {height}, {frames} frames"
    return _row(name, work, seconds / made, giga, top, None)


def measure(
    device: torch.device, names: list[str], frames: int, steps: int, limit: float, least: float
) -> tuple[dict[str, float], list[Row]]:
    """Measure the ceiling, then each preset.

    Args:
        device: that works.
        names: of presets.
        frames: LTR frames that are climbed; the fast preset climbs twice as many, too.
        steps: of each fit.
        limit: seconds that a climb may take at the ceiling's speed; slower ones are left out.
        least: seconds that each measurement of the ceiling takes.
    """
    dtype = devices.precision(device)
    found = ceiling(device, dtype, least)
    top, rows = max(found.values()), list[Row]()
    for name in names:
        click.echo(name, err=True)
        rows.append(fit_steps(name, device, dtype, steps, top))
        runs = [(size, frames) for size in SIZES]
        if name == "fast":
            runs.insert(1, (SIZES[0], 2 * frames))
        for size, count in runs:
            row = climb_frames(name, size, count, device, dtype, top, limit)
            rows += [row] if row else []
    return found, rows


def table(found: dict[str, float], rows: list[Row], place: str) -> Table:
    """Lay the rows out for people."""
    best = ", ".join(f"{name} {speed:.0f}" for name, speed in found.items())
    grid = Table(title=f"{place}; ceiling, GFLOP/s: {best}")
    grid.add_column("preset")
    grid.add_column("work")
    for title in ("a second", "crops a second", "GFLOP", "GFLOP/s", "of the ceiling"):
        grid.add_column(title, justify="right")
    for row in rows:
        crops = "" if row.crops is None else f"{row.crops:.0f}"
        grid.add_row(
            row.preset, row.work, f"{row.rate:.2f}", crops, f"{row.giga:.1f}", f"{row.speed:.0f}",
            f"{row.share:.0%}",
        )  # fmt: skip
    return grid


def _network(options: Options, fold: int, device: torch.device) -> StepNetwork:
    torch.manual_seed(0)
    network = build(options.network, 2, fold=fold).to(device)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    return network.eval()


def _row(
    name: str, work: str, seconds: float, giga: float, top: float, batch: int | None
) -> Row:  # fmt: skip
    speed = giga / seconds
    crops = None if batch is None else batch / seconds
    return Row(name, work, seconds, 1 / seconds, crops, giga, speed, speed / top)


@click.command(help="Measure fits and climbs beside the machine's ceiling.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--presets", default=",".join(PRESETS), show_default=True, help="Comma-separated.")
@click.option("--frames", default=16, show_default=True, help="LTR frames that are climbed.")
@click.option("--steps", default=3, show_default=True, help="Of each fit.")
@click.option("--limit", default=1.5, show_default=True, help="Seconds of a climb, at the ceiling.")
@click.option("--full", is_flag=True, help="Leave nothing out: more frames, no limit.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(
    device: str, presets: str, frames: int, steps: int, limit: float, full: bool, as_json: bool
) -> None:
    """Measure, then show all together."""
    place = devices.choose(device)
    if full:
        frames, steps, limit = max(frames, 32), max(steps, 20), float("inf")
    found, rows = measure(place, presets.split(","), frames, steps, limit, 0.3)
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else "CPU"
    where = f"torch {torch.__version__}, {name}, {torch.get_num_threads()} threads"
    if as_json:
        told = {"machine": where, "precision": str(devices.precision(place)), "ceiling": found}
        click.echo(json.dumps({**told, "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        Console().print(table(found, rows, f"{where}, {devices.precision(place)}"))
        click.echo(
            "A second of a CPU is that of the process's own work: other work is not counted."
        )


if __name__ == "__main__":
    main()
