"""Larger frames against the truth: PSNR over bicubic interpolation, clip by clip.

::

    python -m benchmarks.space --rendered 6 film.mp4
    python -m benchmarks.space --rendered 8 --first 100
    python -m benchmarks.space film.mp4 --start 20 --frames 8 --scale 4 --prior none

Frames are shrunk by the camera, made noisy (``--noise 5``), rounded to 8 bits or coded (``--crf
23``), and enlarged again: by bicubic interpolation, such that they agree with the camera, and with
the detail that the prior finds, as much of both as is believed. All of these are rounded to 8 bits,
as a file holds them. The last column films the result again: its PSNR against the input.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deeptsr import video
from deeptsr.analysis.noise import noise_of
from deeptsr.evaluation.metrics import psnr
from deeptsr.events import Sharpened
from deeptsr.imaging.lens import enlarge, shrink
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.space.step import space_prior, space_step
from deeptsr.pyramid.enlarge import SpaceStep, enlarged

_FIRST = 3 * 10**9  # seed of the rendered clips: none that was ever taught
_SIDE = 144  # pixels of a rendered clip
_COLUMNS = (
    *("clip", "bicubic dB", "agrees", "as it is done", "agreement", "share", "told dB"),
    "filmed again dB",
)


def clips(given: argparse.Namespace) -> Iterator[tuple[str, Tensor]]:
    """Names and volumes (T, H, W, 3) of what is measured on, of sides that the scale divides."""
    for path in given.videos:
        info = video.probe(path)
        frames = itertools.islice(video.read(info, skip=given.start), given.frames)
        yield path.rpartition("/")[2], torch.stack([torch.from_numpy(f[..., :3]) for f in frames])
    for number in range(given.first, given.first + given.rendered):
        clip = render(_FIRST + number, size=_SIDE, frames=given.frames)
        yield f"rendered {number}", clip.frames.float()


def measured(
    truth: Tensor,
    scale: Fraction,
    camera: str,
    prior: str,
    crf: int | None,
    views: int = 1,
    noise: float = 0.0,
) -> list[float]:
    """The figures of a row, but its name."""
    size = (truth.shape[1], truth.shape[2])
    small = (round(size[0] / scale), round(size[1] / scale))
    coarse = grainy(shrink(truth, small, camera), noise)
    spoil = None if crf is None else partial(coded, crf=crf)
    coarse = rounded(coarse) if spoil is None else spoil(coarse)
    told: list[Sharpened] = []
    found = space_prior(prior)
    listen: Any = told.append
    how: Any = {
        "views": views,
        "spoil": spoil,
        "noise": noise_of(coarse),
        "on_event": listen,
    }
    step = space_step(coarse, size, camera, found, **how)
    step = replace(step, levels=255)
    made = torch.cat(list(enlarged(step, [coarse], iter(coarse), len(coarse))))
    plain = SpaceStep(size, camera).plain(coarse)
    usual = psnr(rounded(enlarge(coarse, size)), truth)
    again = psnr(shrink(rounded(made), small, camera), coarse)
    gains = [psnr(rounded(each), truth) - usual for each in (plain, made)]
    share = told[0].share * (told[0].outcome == "sharpened")
    return [usual, *gains, told[0].agreement, share, told[0].gain_db, again]


def rounded(volume: Tensor) -> Tensor:
    """As a file of 8 bits holds it."""
    return (volume.clamp(0, 1) * 255).round() / 255


def grainy(volume: Tensor, noise: float) -> Tensor:
    """As a sensor has it whose noise has a standard deviation, in [0, 1]."""
    random = torch.Generator().manual_seed(0)
    return volume + noise * torch.randn(volume.shape, generator=random) if noise else volume


def coded(volume: Tensor, crf: int) -> Tensor:
    """As libx264 leaves it."""
    whole = (volume.clamp(0, 1) * 255).round().byte().numpy()
    even = np.pad(whole, [(0, 0), *((0, side % 2) for side in whole.shape[1:3]), (0, 0)], "edge")
    made = video.compressed(even, crf)[:, : volume.shape[1], : volume.shape[2]]
    return torch.from_numpy(made).float() / 255


def main() -> None:
    """Parse the command line and run what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="*")
    parser.add_argument("--rendered", type=int, default=0, help="clips, beside the videos")
    parser.add_argument("--first", type=int, default=0, help="number of the first of these clips")
    parser.add_argument("--start", type=int, default=0, help="first frame of a video")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--scale", type=Fraction, default=Fraction(2))
    parser.add_argument("--crf", type=int, help="of libx264, which codes what is enlarged")
    parser.add_argument("--noise", type=float, default=0, help="of a sensor, levels of 255")
    parser.add_argument("--camera", default="bicubic")
    parser.add_argument("--prior", default="auto")
    parser.add_argument("--views", type=int, default=2, help="that the network has of the frames")
    given = parser.parse_args()
    print(f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}", flush=True)
    rows = []
    for name, clip in clips(given):
        whole = [n - n % given.scale.numerator for n in clip.shape[1:3]]
        truth = clip[:, : whole[0], : whole[1]].contiguous()
        how = (given.camera, given.prior, given.crf, given.views, given.noise / 255)
        rows.append(measured(truth, given.scale, *how))
        usual, plain, ours, agreement, share, told, again = rows[-1]
        print(
            f"| {name} | {usual:.2f} | {plain:+.2f} | {ours:+.2f} | {agreement:.2f} | {share:.2f} "
            f"| {told:+.2f} | {again:.1f} |",
            flush=True,
        )
    gains = [row[2] for row in rows]
    print(f"mean {sum(gains) / len(gains):+.2f} dB, least {min(gains):+.2f} dB")


if __name__ == "__main__":
    main()
