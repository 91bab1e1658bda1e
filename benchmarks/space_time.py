"""Larger frames at a higher rate against the truth: what each order, and each part, is worth.

::

    python -m benchmarks.space_time --rendered 1 4 --film fast.mkv --start 0 --crop 192x256+64+128

Frames of a fast camera are shrunk, exposed and rounded to 8 bits: the input. It is climbed (without
steps of its own) and enlarged in every order; gains are over linear and bicubic interpolation, dB.
The last columns tell what is left to find: the climbed frames with detail that the network finds in
the *true* frames, and with the true detail itself, which no step in space can pass.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.space import rounded
from deeptsr import video
from deeptsr.config import Options, preset
from deeptsr.evaluation.metrics import psnr
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.imaging.resample import interpolate_time
from deeptsr.jobs.upscale import upscale_array
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.space.step import space_prior, space_step
from deeptsr.networks.space import STEP
from deeptsr.pyramid.enlarge import SpaceStep, enlarged

_FIRST = 3 * 10**9  # seed of the rendered clips: none that was ever taught
_SIDE = 144  # pixels of a rendered clip
_VIEWS = 2  # that the network in space has of the frames
COLUMNS = (
    *("linear, bicubic dB", "x8, bicubic", "x8, agrees", "detail of the frames carried"),
    *("detail of all climbed frames", "space first", "space first, agrees"),
    *("detail of the true frames", "true detail", "climbed dB"),
)


def measured(truth: Tensor, options: Options) -> list[float]:
    """The figures of a row, in the order of :data:`COLUMNS`.

    Args:
        truth: what a fast camera of many pixels sees, (T * factor, H, W, 3), H and W even.
        options: of the climb.
    """
    factor, size = options.factor, (truth.shape[1], truth.shape[2])
    small = (size[0] // STEP, size[1] // STEP)
    fine = shrink(truth, small)
    given = rounded(expose(fine, factor, "full"))
    climbed = _climbed(given, options)
    step = space_step(given, size, prior=space_prior("auto"), views=_VIEWS)
    plain = SpaceStep(size)
    begun, seen = plain.plain(climbed), plain.plain(fine)
    first = _climbed(_larger(step, given, given, 1), options)
    made = [
        enlarge(climbed, size),
        begun,
        _larger(step, climbed, given, factor),
        begun + _details(step, climbed),
        first,
        agree(first, climbed),
        begun + _details(step, fine),
        begun + truth - seen,
    ]
    usual = psnr(enlarge(interpolate_time(given, factor, "full"), size).clamp(0, 1), truth)
    gains = [psnr(each.clamp(0, 1), truth) - usual for each in made]
    return [usual, *gains, psnr(climbed, fine)]


def _climbed(frames: Tensor, options: Options) -> Tensor:
    return torch.from_numpy(upscale_array(frames.clamp(0, 1).numpy(), options))


def _larger(step: SpaceStep, frames: Tensor, given: Tensor, factor: int) -> Tensor:
    return torch.cat(list(enlarged(step, [frames], iter(given), len(given), factor)))


def _details(step: SpaceStep, frames: Tensor) -> Tensor:
    """What a step adds to all frames of a clip, which stands still at its ends; 0 if nothing."""
    if step.network is None:
        return torch.zeros(1)
    reach = step.network.reach[0]
    around = torch.arange(-reach, len(frames) + reach).clamp(0, len(frames) - 1)
    return step.details(frames[around])


def clips(given: argparse.Namespace) -> Iterator[tuple[str, Tensor]]:
    """Names and volumes (T, H, W, 3) of what is measured on."""
    count = given.frames * given.factor
    if given.film:
        info = video.probe(given.film)
        frames = itertools.islice(video.read(info, skip=given.start), count)
        clip = torch.stack([torch.from_numpy(frame[..., :3]) for frame in frames])
        height, width, top, left = given.crop
        yield "film", clip[:, top : top + height, left : left + width].contiguous()
    for number in given.rendered:
        clip = render(_FIRST + number, size=_SIDE, frames=count).frames.float()
        yield f"rendered {number}", clip


def _crop(text: str) -> list[int]:
    """Height, width, top and left of HEIGHTxWIDTH+TOP+LEFT."""
    size, top, left = text.split("+")
    return [*map(int, size.split("x")), int(top), int(left)]


def main() -> None:
    """Parse the command line and run what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rendered", type=int, nargs="*", default=[], help="numbers of clips")
    parser.add_argument("--film", help="of a fast camera")
    parser.add_argument("--start", type=int, default=0, help="first frame of the film")
    parser.add_argument("--crop", type=_crop, default=[192, 256, 0, 0], help="of the film")
    parser.add_argument("--frames", type=int, default=8, help="of the input")
    parser.add_argument("--factor", type=int, default=8)
    given = parser.parse_args()
    torch.set_num_threads(1)
    options = preset("fast", factor=given.factor, device="cpu")
    without = replace(options.fit, steps=1, adapt_steps=0, finetune_steps=0)
    print(f"| clip | {' | '.join(COLUMNS)} |\n|{'---|' * (1 + len(COLUMNS))}", flush=True)
    for name, clip in clips(given):
        usual, *gains, climbed = measured(clip, replace(options, fit=without))
        told = " | ".join(f"{gain:+.2f}" for gain in gains)
        print(f"| {name} | {usual:.2f} | {told} | {climbed:.2f} |", flush=True)


if __name__ == "__main__":
    main()
