"""At which speed and which exposure a fan's rotation is no longer found, as curves.

::

    python -m benchmarks.breakdown --speeds 24,32,40 --exposures 1,0.5 --results breakdown.jsonl
    python -m benchmarks.breakdown --draw docs/method/breakdown.png

A fan of five blades, 72 degrees apart, seems to turn backwards from 36 degrees a frame on. Compared
are x2 results of the first stage, at a quarter of the size. Results are lines of a file, added to;
what is there is not done again.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.direction import EVEN, FORWARD, deviations  # noqa: E402
from benchmarks.results import Record, complete, read  # noqa: E402
from deeptsr import config  # noqa: E402
from deeptsr.evaluation.metrics import psnr  # noqa: E402
from deeptsr.imaging.exposure import expose, nearest  # noqa: E402
from deeptsr.imaging.resample import interpolate_time, resize  # noqa: E402
from deeptsr.learning.stages import fit_stages  # noqa: E402
from deeptsr.pyramid.climb import climb  # noqa: E402
from deeptsr.pyramid.plan import plan  # noqa: E402
from deeptsr.system import devices  # noqa: E402
from examples.scenes.turning import ROTORS, fan  # noqa: E402

SPEEDS = "20,28,32,36,40,44,48,54,60,66"
EXPOSURES = "1,0.5,0.25"
_FRAMES, _SIZE, _LEVEL = 48, 256, 64  # LTR frames; pixels as rendered, and as compared
_PARTS = 4  # HTR frames that an LTR frame is rendered from
_FACTOR = 2


def render(speed: float, exposure: float) -> tuple[Tensor, Tensor]:
    """A fan as a camera sees it that opens its shutter for a share of the time, and the truth.

    Args:
        speed: degrees a frame.
        exposure: share of the time, in quarters.

    Returns:
        (T, H, W, 3), and (2 T, H, W, 3) of a shutter that never closes.
    """
    rotor = replace(ROTORS["fan"], start_speed=speed, end_speed=speed)
    film = fan(rotor, _SIZE, _FRAMES, np.random.default_rng(0))
    count = _FRAMES * _PARTS
    parts = np.stack([film(n / _PARTS, (n + 1) / _PARTS) for n in range(count)])
    htr = resize(torch.from_numpy(parts).float(), (_LEVEL, _LEVEL)).clamp(0, 1)
    groups = htr.view(_FRAMES, _PARTS, *htr.shape[1:])
    return groups[:, : round(exposure * _PARTS)].mean(1), expose(htr, _PARTS // _FACTOR)


def measure(speed: float, exposure: float, preset: str, seed: int, device: str) -> Record:
    """Fit, climb, and compare; the figures of a line of the results."""
    place = devices.choose(device)
    clip, truth = (part.to(place) for part in render(speed, exposure))
    precision = devices.precision(place)
    told = nearest(exposure, (_FACTOR,))
    settings = config.preset(preset, factor=_FACTOR, seed=seed, exposure=told)
    stages = plan(_FACTOR, *clip.shape[1:3])
    fitted = fit_stages(clip, stages, settings, precision=precision)
    made = climb(fitted, clip, exposure=told, precision=precision).clamp(0, 1)
    linear = interpolate_time(clip, _FACTOR, told)
    # With a short exposure the others are the input's own frames.
    unknown = slice(None) if told == "full" else slice(1, None, _FACTOR)
    gain = psnr(made[unknown], truth[unknown]) - psnr(linear[unknown], truth[unknown])
    angle = speed / _FACTOR
    away = deviations(made.cpu().numpy(), angle, folds=ROTORS["fan"].folds)
    forward, even = (float((away <= share * angle).mean()) for share in (FORWARD, EVEN))
    return {"forward": forward, "even": even, "gain_db": gain}


def draw(records: list[Record], target: Path) -> None:
    """Draw the shares that turn right, a curve for each exposure."""
    import matplotlib.pyplot as plt  # noqa: PLC0415, measuring needs none

    figure, axes = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
    axes.axvspan(36, 72, color="#fed7d7", alpha=0.5, lw=0)
    axes.text(70, 103, "seems to turn backwards", color="#c53030", fontsize=8, ha="right")
    named = {1: ("full", "#2b6cb0"), 0.5: ("half", "#2f855a"), 0.25: ("a quarter", "#b7791f")}
    for exposure, (told, colour) in named.items():
        found: dict[float, list[float]] = {}
        for record in records:
            if record["exposure"] == exposure:
                found.setdefault(record["speed"], []).append(100 * record["forward"])
        speeds = sorted(found)
        axes.plot(speeds, [np.mean(found[s]) for s in speeds], "o-", color=colour, ms=4, label=told)
    axes.set(ylim=(-4, 110), xlim=(18, 72), yticks=(0, 50, 100))
    axes.set_xlabel("turns, degrees a frame", fontsize=9)
    axes.set_ylabel("turns the right way, % of frames", fontsize=9)
    axes.legend(title="shutter open", fontsize=8, title_fontsize=8, frameon=False, loc="lower left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=110)


@click.command(help="Measure how fast a fan may turn, or draw what was measured.")
@click.option("--speeds", default=SPEEDS, show_default=True, help="Degrees a frame.")
@click.option("--exposures", default=EXPOSURES, show_default=True, help="Shares, in quarters.")
@click.option("--preset", "preset_name", default="fast", show_default=True)
@click.option("--seeds", default="0", show_default=True, help="Comma-separated.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--threads", default=1, show_default=True)
@click.option(
    "--results", type=click.Path(path_type=Path), default="breakdown.jsonl", show_default=True
)
@click.option("--draw", "target", type=click.Path(path_type=Path), help="Picture of the results.")
def main(
    speeds: str,
    exposures: str,
    preset_name: str,
    seeds: str,
    device: str,
    threads: int,
    results: Path,
    target: Path | None,
) -> None:
    """Measure what is missing, or draw all that is there."""
    if target:
        draw(read(results), target)
        return
    torch.set_num_threads(threads)
    wanted = [
        {"preset": preset_name, "exposure": exposure, "speed": speed, "seed": seed}
        for exposure in map(float, exposures.split(","))
        for speed in map(float, speeds.split(","))
        for seed in map(int, seeds.split(","))
    ]
    for _, record in complete(results, wanted, lambda given: measure(**given, device=device)):
        click.echo(
            f"{record['speed']:g} degrees, {record['exposure']:g} open, seed {record['seed']}: "
            f"{record['forward']:.1%} forward, {record['even']:.1%} even, "
            f"{record['gain_db']:+.2f} dB"
        )


if __name__ == "__main__":
    main()
