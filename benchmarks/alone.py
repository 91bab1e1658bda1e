"""The networks that are compared, and how well each does on a clip: fitted, or as it is."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

from deeptsr import video
from deeptsr.config import NetworkSettings, preset
from deeptsr.evaluation.metrics import psnr_frames
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.learning.prior import prior_of, starts
from deeptsr.learning.recipe import fitted_stage, has_network, network_of
from deeptsr.learning.strategy.fitter import StageFitter
from deeptsr.networks import Compact, StepNetwork
from deeptsr.networks.chance import seeded
from deeptsr.networks.fusion import Fusion
from deeptsr.networks.recurrent import Recurrent
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import plan
from deeptsr.pyramid.predict import predict
from deeptsr.system import devices
from examples.render_clips import render

__all__ = ["NETWORKS", "SIZE", "climb_alone", "fit_alone", "pair"]

SIZE = (16, 6)  # channels and blocks of `fast`


NETWORKS: dict[str, Callable[[], StepNetwork]] = {
    "compact": lambda: Compact(2, "full", *SIZE),
    "fusion": lambda: Fusion(2, "full", *SIZE),
    "fusion-early": lambda: Fusion(2, "full", *SIZE, weighted=False),
    "recurrent": lambda: Recurrent(2, "full", *SIZE),
    "recurrent-refocused": lambda: Recurrent(2, "full", *SIZE, refocused=True),
}
_CLIP, _EXCERPT = 64, 96  # pixels a side and LTR frames of a clip
_CLIMBED = 24  # of one that is climbed by more than a step


def pair(clip: str, factor: int = 2) -> tuple[Tensor, Tensor]:
    """A rendered clip by its name, or the start of a film: LTR and HTR volumes (T, H, W, C)."""
    frames = _EXCERPT if factor == 2 else _CLIMBED
    if not Path(clip).is_file():
        rendered = render(clip, size=_CLIP, frames=frames, factor=factor)
        ltr, htr = (torch.from_numpy(np.round(volume * 255) / 255) for volume in rendered)
        return ltr, htr
    read = list(itertools.islice(video.read(video.probe(clip)), factor * frames))
    film = torch.stack([torch.from_numpy(frame[..., :3]) for frame in read])
    film = film[: len(film) // factor * factor]
    share = max(1.0, min(film.shape[1:3]) / _CLIP)
    htr = resize(film, (round(film.shape[1] / share), round(film.shape[2] / share)))
    return expose(htr, factor), htr


def fit_alone(name: str, clip: str, steps: int, seed: int, prior: str = "none") -> dict[str, Any]:
    """Fit a network on a clip as `fast` does its first stage: of a prior, from what knows all."""
    ltr, htr = pair(clip)
    kind = {"network": NetworkSettings(name.partition("-")[0], *SIZE)}
    options = preset("fast", factor=2, device="cpu", seed=seed, prior=prior, **kind)
    place = torch.device("cpu")
    precision = devices.precision(place)
    with seeded(seed):
        network = NETWORKS[name]()
    known = starts(prior_of(options), network).get("any")
    if known:
        network.load_state_dict(known)
    elif prior != "none":
        raise click.UsageError(f"{prior} has no prior for {name}")
    pairs = replace(options.pairs, shift=0.0, auto=False)
    options = replace(options, pairs=pairs, fit=replace(options.fit, steps=max(1, steps)))
    began = time.process_time()
    fitter = StageFitter(
        options, len(ltr), 0, precision, lambda step: None, place, None, lambda: False
    )
    held_out = None
    if steps:
        held_out = fitter.fit(network, [ltr], steps, known=known is not None).score
    seconds = time.process_time() - began
    began = time.process_time()
    made = predict(network.eval(), ltr, precision=precision).clamp(0, 1)
    predicting = time.process_time() - began
    gain = _gain(made, ltr, htr)
    return {"gain": gain, "held out": held_out, "seconds": seconds, "predicting": predicting}


def climb_alone(kind: str, clip: str, factor: int, name: str, prior: str) -> dict[str, Any]:
    """Climb as a preset does, with what a prior knows of things of all kinds; nothing is fitted.

    Args:
        kind: of the network.
        clip: see :func:`pair`.
        factor: a power of two.
        name: of the preset.
        prior: "auto" or a file.
    """
    ltr, htr = pair(clip, factor)
    network = NetworkSettings(kind, *SIZE)
    options = preset(name, factor=factor, device="cpu", prior=prior, network=network)
    precision = devices.precision(ltr.device)
    height, width = ltr.shape[1:3]
    fitted = []
    for number, stage in enumerate(plan(factor, height, width, options.pyramid.coarsest)):
        step = network_of(options, stage, height, width).eval()
        step.load_state_dict(starts(prior_of(options), step)["any"])
        with_it = step if has_network(options, number, stage) else None
        fitted.append(fitted_stage(options, number, stage, with_it))
    began = time.process_time()
    made = climb(tuple(fitted), ltr, precision=precision, scale=Fraction(1)).clamp(0, 1)
    return {"gain": _gain(made, ltr, htr), "seconds": time.process_time() - began}


def _gain(made: Tensor, ltr: Tensor, htr: Tensor) -> float:
    linear = interpolate_time(ltr, len(htr) // len(ltr)).clamp(0, 1)
    return float(np.mean(psnr_frames(made, htr)) - np.mean(psnr_frames(linear, htr)))
