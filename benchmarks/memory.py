"""Peak memory of a run against the length of the clip: it must be flat.

``python -m benchmarks.memory --frames 100 1000 10000`` prints a row of a table for each length.
Settings are tiny: it is memory that is looked at, not quality. A process of its own makes each run.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from deeptsr.config import FitSettings, NetworkSettings, Options, PairSettings, PyramidSettings
from deeptsr.jobs.probe import plan_file
from deeptsr.jobs.upscale import upscale_file

OPTIONS = Options(
    factor=2,
    device="cpu",
    pairs=PairSettings(within=1, across=0, shift=0, crop=16, frames=3, batch=2, scales=(0.5,)),
    network=NetworkSettings(channels=4, blocks=1),
    fit=FitSettings(steps=4, adapt_steps=4, finetune_steps=2, checks=1),
    pyramid=PyramidSettings(coarsest=Fraction(1), ensemble=False),
)


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


def run(source: str, output: str, memory: int | None, voxels: int, scale: int) -> None:
    """Upscale, and print frames, seconds, and estimated and measured peak memory in MiB."""
    pyramid = replace(OPTIONS.pyramid, voxels=voxels)
    options = replace(OPTIONS, memory=memory, pyramid=pyramid, scale=scale)
    planned = plan_file(source, output, options)
    began = time.monotonic()
    upscale_file(source, output, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.monotonic() - began
    told = planned.memory_bytes / 2**20
    print(f"| {planned.frames_in} | {seconds:.0f} | {told:.0f} | {peak:.0f} |", flush=True)


def main() -> None:
    """Parse the command line and run what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--size", default="160x96")
    parser.add_argument("--voxels", type=int, default=4_000_000, help="of a chunk's result")
    parser.add_argument("--scale", type=int, default=1, help="of the frames")
    parser.add_argument("--memory", type=int, help="bound in bytes")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run(given.child[0], given.child[1], given.memory, given.voxels, given.scale)
        return
    print("| frames | seconds | planned, MiB | peak, MiB |\n|---|---|---|---|", flush=True)
    bound = ["--voxels", str(given.voxels), "--scale", str(given.scale)]
    bound += ["--memory", str(given.memory)] if given.memory else []
    for frames in given.frames:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "in.mkv"
            make(source, frames, given.size)
            output = str(Path(folder) / "out.mp4")
            child = ["-m", "benchmarks.memory", "--child", str(source), output, *bound]
            subprocess.run([sys.executable, *child], check=True)


if __name__ == "__main__":
    main()
