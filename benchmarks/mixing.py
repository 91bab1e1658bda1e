"""Checks that no output frame holds anything of another scene than its own.

    python -m benchmarks.mixing VIDEO [--height 96] [--factor 4]

The video, made small, is upscaled by settings that take a minute, with its cuts found and, for
comparison, with none. Each output frame beside a cut is taken apart: its difference to the input
frame of its own moment is projected onto the difference between the two frames at the cut. The
share is near 0 where nothing crosses the cut, and far from it where frames are interpolated across
it. The cuts to look at are those of FFmpeg's scdet, not our own.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
import numpy as np

from deeptsr.config import EncodeSettings, Options, preset
from deeptsr.events import Event, Surveyed
from deeptsr.jobs.upscale import upscale_file
from deeptsr.video import probe, read

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def small(video: str, height: int, target: Path) -> None:
    """Make a video small, without loss of its own."""
    scale = f"scale=-2:{height}"
    command = [FFMPEG, "-v", "error", "-i", video, "-vf", scale, "-an", "-c:v", "ffv1"]
    subprocess.run([*command, "-pix_fmt", "bgr0", target], check=True)


def cuts_of(video: Path, rate: Fraction) -> list[int]:
    """List the first frames of scenes, 0 excepted, as FFmpeg finds them."""
    command = [FFMPEG, "-i", video, "-vf", "scdet=threshold=8", "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return [round(float(t) * rate) for t in re.findall(r"lavfi.scd.time: ([\d.]+)", told)]


def shares(source: Path, result: Path, cuts: list[int], factor: int) -> list[float]:
    """How much of the other scene is in the output frames of the two frames at each cut."""
    given, made = list(read(probe(source))), list(read(probe(result)))
    assert len(made) == factor * len(given)
    found = []
    for cut in cuts:
        for own, other in ((cut - 1, cut), (cut, cut - 1)):
            across = given[other] - given[own]
            for frame in made[own * factor : (own + 1) * factor]:
                found.append(float(((frame - given[own]) * across).sum() / (across**2).sum()))
    return found


def settings(factor: int) -> Options:
    """Settings that take a minute: what is asked here does not depend on the fit's quality."""
    fast = preset("fast", factor=factor, encode=EncodeSettings(codec="ffv1", pix_fmt="bgr0"))
    pairs = replace(fast.pairs, within=1.0, across=0.0, shift=0.0, auto=False)
    fit = replace(fast.fit, steps=30, adapt_steps=30, finetune_steps=10)
    pyramid = replace(fast.pyramid, ensemble=False, excerpt=32)
    return replace(fast, pairs=pairs, fit=fit, pyramid=pyramid)


def main() -> None:
    """Run the check, and print what it finds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("video")
    parser.add_argument("--height", type=int, default=96)
    parser.add_argument("--factor", type=int, default=4)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        source = Path(folder, "small.mkv")
        small(asked.video, asked.height, source)
        info = probe(source)
        cuts = cuts_of(source, info.rate)
        print(f"{info.frames} frames of {info.width} x {info.height}; FFmpeg's cuts {cuts}")
        for scenes in ("auto", "off"):
            result = Path(folder, f"{scenes}.mkv")
            told: list[Event] = []
            upscale_file(
                source, result, replace(settings(asked.factor), scenes=scenes), told.append
            )
            ours = [list(event.cuts) for event in told if isinstance(event, Surveyed)]
            found = np.abs(shares(source, result, cuts, asked.factor))
            print(
                f"scenes {scenes} {ours}: share of the other scene, over {found.size} output "
                f"frames: at most {found.max():.4f}, mean {found.mean():.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
