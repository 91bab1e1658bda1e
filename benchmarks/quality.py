"""One table: deeptsr's presets beside the baselines, against a truth.

::

    python -m benchmarks.quality LTR.mkv HTR.mkv --presets fast,balanced
    python -m benchmarks.quality fan --presets fast

The factor follows from the two frame counts. Every preset runs in a process of its own, so that its
peak memory is its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import av
import click
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.direction import share_right  # noqa: E402
from deeptsr.evaluation.baselines import BASELINES, baseline  # noqa: E402
from deeptsr.evaluation.metrics import Tally  # noqa: E402
from examples.render_clips import CLIPS, ROTORS, render, rotation_truth  # noqa: E402

Bytes = NDArray[np.uint8]  # (T, H, W, 3)
Clip = NDArray[Any]  # the same, or in [0, 1]
Frames = Iterator[NDArray[Any]]  # one (H, W, 3) after the other, uint8 or in [0, 1]

# What a process of its own does: the arguments are the preset, the factor, the input, the output.
UPSCALE = """
import sys, time
import numpy as np
import deeptsr
name, factor, source, target = sys.argv[1:]
frames = np.load(source)
begin = time.perf_counter()
fine = deeptsr.upscale_array(frames, deeptsr.preset(name, factor=int(factor)))
seconds = time.perf_counter() - begin
np.save(target, np.asarray(fine, dtype=np.float32))
print(seconds)
"""


@dataclass(frozen=True)
class Row:
    """One method's figures."""

    method: str
    psnr_db: float  # mean over frames of the frame's PSNR
    ssim: float  # mean over frames
    seconds: float  # to make the frames, without reading, writing and scoring
    memory_mib: float | None  # peak resident memory of its process; None: it had none of its own
    right_direction: float | None  # share of frame pairs that turn as the truth does, for rotors
    profile_db: float  # temporal-profile PSNR: of the x-t slices, their mean


@dataclass(frozen=True)
class Pair:
    """What is compared: a clip, its truth, and the rotor to be watched."""

    ltr: Clip
    htr: Clip
    rotor: str | None

    @property
    def factor(self) -> int:
        """HTR frames an LTR frame."""
        return len(self.htr) // len(self.ltr)


def score(method: str, frames: Frames, pair: Pair) -> Row:
    """Compare frames with the truth as they come; the time that they take to come is measured."""
    seconds, tally, kept = 0.0, Tally(), []
    for truth in pair.htr:
        begin = time.perf_counter()
        frame = unit(next(frames))
        seconds += time.perf_counter() - begin
        tally.add(frame, unit(truth))
        if pair.rotor is not None:
            kept.append(frame)
    share = None
    if pair.rotor is not None:
        angles = rotation_truth(pair.rotor, len(pair.ltr), pair.factor)
        share = share_right(np.stack(kept), angles, folds=ROTORS[pair.rotor].folds)
    psnr_db, ssim = float(np.mean(tally.psnr)), float(np.mean(tally.ssim))
    return Row(method, psnr_db, ssim, seconds, None, share, tally.profile)


def run_preset(name: str, pair: Pair) -> Row:
    """Upscale with a preset of deeptsr, in a process of its own, and score the result."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "ltr.npy"), Path(folder, "fine.npy")
        np.save(source, pair.ltr)
        command = [sys.executable, "-c", UPSCALE, name, str(pair.factor), str(source), str(target)]
        with tempfile.TemporaryFile("w+") as talk:
            process = subprocess.Popen(command, cwd=ROOT, stdout=talk, stderr=subprocess.STDOUT)
            # wait4, since the usage of all children together would keep the largest of them.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            talk.seek(0)
            lines = talk.read().splitlines()
        if process.returncode:
            tail = "\n".join(lines[-5:])
            raise click.ClickException(f"preset {name} ended with {process.returncode}:\n{tail}")
        row = score(f"deeptsr {name}", iter(np.load(target, mmap_mode="r")), pair)
    kib = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)  # bytes there, KiB elsewhere
    return replace(row, seconds=float(lines[-1]), memory_mib=kib / 1024)


def load(ltr: str, htr: str | None, factor: int, frames: int | None, size: int) -> Pair:
    """Render a clip by its name, or read two video files.

    Raises:
        click.UsageError: if the two do not belong together.
    """
    if htr is None:
        if ltr not in CLIPS:
            raise click.UsageError(
                f"got {ltr!r} alone; expected LTR and HTR files, or one of {', '.join(CLIPS)}"
            )
        clips = render(ltr, size=size, frames=frames, factor=factor)
        coarse, fine = (np.rint(clip * 255).astype(np.uint8) for clip in clips)
        return Pair(coarse, fine, ltr if ltr in ROTORS else None)
    coarse, fine = _read(ltr), _read(htr)
    if coarse.shape[1:] != fine.shape[1:] or len(fine) % len(coarse) or len(fine) <= len(coarse):
        raise click.UsageError(
            f"got clips of shapes {coarse.shape} and {fine.shape}; expected the same picture size, "
            "and a whole number of at least 2 HTR frames for each LTR frame"
        )
    return Pair(coarse, fine, None)


def table(rows: list[Row]) -> Table:
    """Lay the rows out for people."""
    base = next(row.psnr_db for row in rows if row.method == "linear")
    grid = Table()
    grid.add_column("method", no_wrap=True)
    for title in ("PSNR dB", "over linear", "SSIM", "x-t dB", "seconds", "peak MiB", "direction"):
        grid.add_column(title, justify="right")
    for row in rows:
        grid.add_row(
            row.method,
            f"{row.psnr_db:.2f}",
            f"{row.psnr_db - base:+.2f}",
            f"{row.ssim:.4f}",
            f"{row.profile_db:.2f}",
            f"{row.seconds:.1f}",
            "" if row.memory_mib is None else f"{row.memory_mib:.0f}",
            "" if row.right_direction is None else f"{row.right_direction:.1%}",
        )
    return grid


def _read(path: str) -> Bytes:
    """All frames of a video as 8-bit RGB."""
    try:
        with av.open(path) as container:
            return np.stack(
                [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            )
    except (OSError, ValueError, IndexError) as error:
        raise click.UsageError(f"cannot read {path}: {error}") from error


def unit(frame: NDArray[Any]) -> NDArray[np.float32]:
    """Bring frames of 8 bits, or in [0, 1], to float32 in [0, 1]."""
    scale = 255 if frame.dtype == np.uint8 else 1
    return frame.astype(np.float32) / np.float32(scale)


@click.command(help="Compare deeptsr with the baselines. LTR alone is the name of a rendered clip.")
@click.argument("ltr")
@click.argument("htr", required=False)
@click.option("--presets", default="fast", show_default=True, help="Comma-separated; may be empty.")
@click.option("--factor", default=8, show_default=True, help="Of a rendered clip.")
@click.option("--frames", type=int, help="LTR frames of a rendered clip.")
@click.option("--size", default=256, show_default=True, help="Side of a rendered clip, pixels.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list instead of a table.")
def main(ltr: str, htr: str | None, presets: str, as_json: bool, **clip: Any) -> None:
    """Score every method, then show them together."""
    # Frame by frame there is little to share out, and threads that wait for each other on a busy
    # machine cost more than they bring. The presets' own processes are not touched by this.
    torch.set_num_threads(1)
    pair = load(ltr, htr, **clip)
    rows = []
    for name in BASELINES:
        click.echo(name, err=True)
        rows.append(score(name, baseline(name, map(unit, pair.ltr), pair.factor), pair))
    for name in filter(None, presets.split(",")):
        click.echo(f"deeptsr {name}", err=True)
        rows.append(run_preset(name, pair))
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        Console().print(table(rows))


if __name__ == "__main__":
    main()
