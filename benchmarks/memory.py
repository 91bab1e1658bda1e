r"""Peak memory of whole runs, told before the work and taken.

::

    python -m benchmarks.memory --frames 100 1000 10000                  # against the length: flat
    python -m benchmarks.memory --size 320x180 --factor 4 --frames 200 --preset fast \
        --save benchmarks/results/memory.json

Without ``--preset`` the settings are tiny: it is memory that is looked at, not quality. With one,
its networks and chunks are the real ones, and only its steps are few. A process of its own makes
each run. A run is added to what ``--save`` has already, if the machine is the same.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks import published  # noqa: E402
from deeptsr.config import (  # noqa: E402
    FitSettings,
    NetworkSettings,
    Options,
    PairSettings,
    PyramidSettings,
    preset,
)
from deeptsr.jobs.probe import plan_file  # noqa: E402
from deeptsr.jobs.upscale import upscale_file  # noqa: E402

TINY = Options(
    device="cpu",
    pairs=PairSettings(within=1, across=0, shift=0, crop=16, frames=3, batch=2, scales=(0.5,)),
    network=NetworkSettings(channels=4, blocks=1),
    fit=FitSettings(steps=4, adapt_steps=4, finetune_steps=2, checks=1),
    pyramid=PyramidSettings(coarsest=Fraction(1), ensemble=False, voxels=4_000_000),
)
STEPS = 4  # of a preset's fit
COLUMNS = {"seconds": ".0f", "planned, MiB": ".0f", "peak, MiB": ".0f"}


def make(path: Path, frames: int, size: str) -> None:
    """Write a moving test picture with so many frames."""
    picture = f"testsrc2=s={size}:r=25"
    subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", picture),
            *("-frames:v", str(frames), "-c:v", "libx264", "-preset", "ultrafast", str(path)),
        ],
        check=True,
    )


def settings(given: argparse.Namespace) -> Options:
    """What a run is made with."""
    options = replace(TINY, factor=given.factor)
    if given.preset is not None:
        options = preset(given.preset, factor=given.factor, device="cpu")
        some = min(STEPS, options.fit.finetune_steps)
        fit = replace(options.fit, steps=STEPS, adapt_steps=STEPS, finetune_steps=some)
        options = replace(options, fit=fit)
    if given.voxels is not None:
        options = replace(options, pyramid=replace(options.pyramid, voxels=given.voxels))
    return replace(options, memory=given.memory, scale=given.scale)


def run(source: str, output: str, options: Options) -> dict[str, float]:
    """Upscale, and return seconds, and estimated and measured peak memory in MiB."""
    planned = plan_file(source, output, options)
    began = time.monotonic()
    upscale_file(source, output, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.monotonic() - began
    return dict(zip(COLUMNS, (seconds, planned.memory_bytes / 2**20, peak), strict=True))


def main() -> None:
    """Parse the command line and run what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--size", default="160x96")
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--preset", help="with its networks and chunks, and few steps")
    parser.add_argument("--voxels", type=int, help="of a chunk's result")
    parser.add_argument("--scale", type=int, default=1, help="of the frames")
    parser.add_argument("--memory", type=int, help="bound in bytes")
    parser.add_argument("--save", type=Path, help="also keep the figures, for benchmarks.document")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        source, output = given.child
        print(json.dumps(run(source, output, settings(given))))
        return
    rows = published.kept(given.save)
    heads = " | ".join(["run", *COLUMNS])
    print(f"| {heads} |\n|{'---|' * (1 + len(COLUMNS))}", flush=True)
    for frames in given.frames:
        with tempfile.TemporaryDirectory() as folder:
            clip, made = Path(folder) / "in.mkv", Path(folder) / "out.mp4"
            make(clip, frames, given.size)
            child = ["-m", "benchmarks.memory", *sys.argv[1:], "--child", str(clip), str(made)]
            done = subprocess.run(
                [sys.executable, *child], check=True, capture_output=True, text=True, cwd=ROOT
            )
        scale = f", scale {given.scale}" if given.scale > 1 else ""
        row = f"{given.preset or 'tiny'}, {given.size}, {frames} frames, x{given.factor}{scale}"
        rows[row] = json.loads(done.stdout)
        told = " | ".join(f"{cell:.0f}" for cell in rows[row].values())
        print(f"| {row} | {told} |", flush=True)
        if given.save is not None:
            published.save(given.save, row="run", columns=COLUMNS, rows=rows, seeds=[0])


if __name__ == "__main__":
    main()
