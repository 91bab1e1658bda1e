"""Counts how often random rotors, of blades that nothing was taught on, turn the right way.

::

    python -m benchmarks.rotors --clips 20 --seeds 0,1,2
    ATEN_CPU_CAPABILITY=avx2 python -m benchmarks.rotors --first 1000
    python -m benchmarks.rotors --save benchmarks/results/rotors.json
    python -m benchmarks.rotors --exposure 0.5 --exposure 0.25

Three kinds of speed, as shares of the blades' distance a frame: steady below the aliasing limit
(0.15 to 0.45), crossing it (from 0.1 .. 0.35 to 0.6 .. 0.8), and steady beyond it (0.55 to 0.8).
The exposure is exact, in closed form; shapes, sizes and colours are random. Compared are x2 results
at 64 x 64 pixels. A frame is right when it turns by half to one and a half of the true angle.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, pstdev

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published  # noqa: E402
from benchmarks.direction import FORWARD, deviations  # noqa: E402
from deeptsr.config import preset  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.events import Event, SelfChecked  # noqa: E402
from deeptsr.imaging.exposure import Exposure, expose  # noqa: E402
from deeptsr.imaging.resample import interpolate_time, resize  # noqa: E402
from deeptsr.learning.self_check import self_check  # noqa: E402
from deeptsr.learning.stages import fit_stages  # noqa: E402
from deeptsr.pyramid.climb import climb  # noqa: E402
from deeptsr.pyramid.plan import plan  # noqa: E402
from deeptsr.system import devices  # noqa: E402
from examples.scenes.film import Plane  # noqa: E402
from examples.scenes.pictures import disc, texture  # noqa: E402
from examples.scenes.turning import Rotor, spokes  # noqa: E402

KINDS = ("below", "crossing", "beyond")
COLUMNS = {
    "frames the right way": ".0%",
    "gain over linear, dB": "+.2f",
    "wrong clips told as a guess": "",
}
_SIDE, _LEVEL, _FRAMES, _PARTS = 128, 64, 32, 4
_CLEAR = 0.2  # difference of blades from their wall, at least


@dataclass(frozen=True)
class Case:
    """A rotor as a slow camera sees it, and the truth."""

    clip: Tensor  # (T, H, W, 3)
    truth: Tensor  # (2 T, H, W, 3)
    angles: NDArray[np.float64]  # degrees between successive frames of the truth, (2 T - 1,)
    folds: int
    outer: float  # radius, pixels
    share: float  # of a frame's time that the shutter is open


def render(seed: int, kind: str, share: float = 1) -> Case:
    """A random rotor.

    Args:
        seed: of all that is random.
        kind: one of :data:`KINDS`.
        share: of a frame's time that the slow camera's shutter is open, 1, 1/2 or 1/4; the truth
            is as much as that leaves open of half of it, at most all.
    """
    rng = np.random.default_rng([seed, 77])
    folds = int(rng.integers(2, 9))
    period = 360 / folds
    if kind == "crossing":
        start, end = rng.uniform(0.1, 0.35), rng.uniform(0.6, 0.8)
    else:
        start = end = rng.uniform(0.15, 0.45) if kind == "below" else rng.uniform(0.55, 0.8)
    rotor = Rotor(folds, start * period, end * period, 0.09, rng.uniform(0.3, 0.46))
    inner, width = rng.uniform(0.03, 0.12), rng.uniform(0.12, 0.42) * period
    form = rng.integers(4)

    def half_width(r: Plane) -> Plane:
        far = np.clip(r / rotor.outer, 1e-3, 1.2)
        shapes = (
            np.ones_like(far),
            np.minimum(0.6 / np.maximum(far, 0.15), 1.1),
            np.sqrt(np.clip(4 * far * (1.05 - far), 0, None)),
            1.3 - far,
        )
        blade = np.minimum(width * shapes[form], 0.48 * period)
        shown: Plane = np.where((r > inner) & (r < rotor.outer), blade, 0.0)
        return shown

    if rng.random() < 0.7:
        low, high = rng.uniform(0.05, 0.3), rng.uniform(0.4, 0.9)
        wall = texture(_SIDE, rng, low=low, high=high)
    else:
        wall = np.full((_SIDE, _SIDE, 3), rng.uniform(0.1, 0.9), np.float32)
    color = rng.random(3).astype(np.float32)
    while abs(color.mean() - wall.mean()) < _CLEAR:
        color = rng.random(3).astype(np.float32)
    hub, hub_color = disc(_SIDE, inner * rng.uniform(1, 1.6))[..., None], rng.random(3)

    def paint(coverage: Plane) -> Plane:
        picture = wall + coverage[..., None] * (color - wall)
        painted: Plane = picture + hub * (hub_color - picture)
        return painted

    film = spokes(rotor, _SIDE, _FRAMES, half_width, paint)
    parts = [film(i / _PARTS, (i + 1) / _PARTS) for i in range(_FRAMES * _PARTS)]
    fine = np.stack(parts)
    sign = 1
    if rng.random() < 0.5:
        fine, sign = np.ascontiguousarray(fine[:, :, ::-1]), -1
    htr = resize(torch.from_numpy(fine).float(), (_LEVEL, _LEVEL)).clamp(0, 1)
    lit = min(1.0, 2 * share)
    middles = (np.arange(2 * _FRAMES) + lit / 2) / 2
    angles = sign * np.diff([rotor.angle(time, _FRAMES) for time in middles])
    clip, truth = expose(htr, _PARTS, share), expose(htr, _PARTS // 2, lit)
    return Case(clip, truth, angles, folds, rotor.outer * _LEVEL, share)


def measure(case: Case, name: str, seed: int) -> tuple[float, float, SelfChecked]:
    """Share of the frames that turn the right way, gain over linear in dB, and the self-check.

    The gain is that of the frames that the slow camera has not filmed just so.
    """
    shutter: Exposure = "full" if case.share == 1 else case.share
    settings, told = preset(name, factor=2, seed=seed, exposure=shutter), list[Event]()
    precision = devices.precision(case.clip.device)
    stages = plan(2, *case.clip.shape[1:3])
    fitted = fit_stages(case.clip, stages, settings, precision=precision, on_event=told.append)
    made = climb(fitted, case.clip, exposure=shutter, precision=precision).clamp(0, 1)
    away = deviations(
        made.numpy(), case.angles, folds=case.folds, radii=(0.3 * case.outer, 0.95 * case.outer)
    )
    right = float(np.mean(away <= FORWARD * np.abs(case.angles)))
    linear = interpolate_time(case.clip, 2, shutter).clamp(0, 1)
    new = slice(None) if case.share == 1 else slice(1, None, 2)  # others were filmed as they are
    gain = psnr(made[new], case.truth[new]) - psnr(linear[new], case.truth[new])
    return right, gain, self_check(fitted, case.clip, settings, precision)


@click.command(help="Count how often random rotors turn the right way.")
@click.option("--clips", default=20, show_default=True, help="Of each kind.")
@click.option("--first", default=0, show_default=True, help="Seed of the first clip.")
@click.option("--seeds", default="0", show_default=True, help="Of the fits, comma-separated.")
@click.option("--preset", "preset_name", default="fast", show_default=True)
@click.option(
    "--exposure",
    "shares",
    type=click.Choice(("1", "0.5", "0.25")),
    default=("1",),
    show_default=True,
    multiple=True,
    help="Share of a frame's time that the shutter is open; may be given often.",
)
@click.option("--threads", default=1, show_default=True)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also keep the figures, for benchmarks.document.",
)
def main(
    clips: int,
    first: int,
    seeds: str,
    preset_name: str,
    shares: tuple[str, ...],
    threads: int,
    save: Path | None,
) -> None:
    """Tell rates and their spread over the seeds."""
    torch.set_num_threads(threads)
    rows: dict[str, dict[str, published.Cell]] = {}
    fits = [int(seed) for seed in seeds.split(",")]
    for share, kind in product(shares, KINDS):
        rates, gains, wrong = [], [], []
        cases = [render(first + n, kind, float(share)) for n in range(clips)]
        for seed in fits:
            found = [measure(case, preset_name, seed) for case in cases]
            rates.append(mean(right for right, _, _ in found))
            gains.append(mean(gain for _, gain, _ in found))
            wrong += [check.confidence for right, _, check in found if right < 0.5]
        guesses = f"{wrong.count('guess')} of {len(wrong)}" if wrong else "none"
        name = kind if share == "1" else f"{kind}, open for {share} of the time"
        click.echo(
            f"{name}: {mean(rates):.0%} of the frames right (spread {pstdev(rates):.1%}), "
            f"{mean(gains):+.2f} dB over linear; of the clips that go wrong, told as a guess: "
            f"{guesses}"
        )
        rows[name] = dict(zip(COLUMNS, (rates, gains, guesses), strict=True))
    if save is not None:
        published.save(save, row="speed", columns=COLUMNS, rows=rows, seeds=fits)


if __name__ == "__main__":
    main()
