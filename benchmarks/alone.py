"""The networks that are compared, and how well each does that is fitted on a clip alone."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
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
from deeptsr.learning.recipe import crop_frames
from deeptsr.learning.strategy.fitter import StageFitter
from deeptsr.networks import Compact, StepNetwork
from deeptsr.networks.chance import seeded
from deeptsr.networks.fusion import Fusion
from deeptsr.networks.recurrent import Recurrent
from deeptsr.pyramid.predict import predict
from deeptsr.system import devices
from examples.render_clips import render

__all__ = ["COLD", "NETWORKS", "SIZE", "fit_alone", "pair"]

SIZE = (16, 6)  # channels and blocks of `fast`
NETWORKS: dict[str, Callable[[], StepNetwork]] = {
    "compact": lambda: Compact(2, "full", *SIZE),
    "fusion": lambda: Fusion(2, "full", *SIZE),
    "fusion-early": lambda: Fusion(2, "full", *SIZE, weighted=False),
    "recurrent": lambda: Recurrent(2, "full", *SIZE),
    "recurrent-cold": lambda: Recurrent(2, "full", *SIZE),  # states of short crops start cold
    "recurrent-refocused": lambda: Recurrent(2, "full", *SIZE, refocused=True),
}
COLD = ("recurrent-cold",)
_CLIP, _EXCERPT = 64, 96  # pixels a side and LTR frames of a clip


def pair(clip: str) -> tuple[Tensor, Tensor]:
    """A rendered clip by its name, or the middle of a film: LTR and HTR volumes (T, H, W, C)."""
    if not Path(clip).is_file():
        rendered = render(clip, size=_CLIP, frames=_EXCERPT, factor=2)
        ltr, htr = (torch.from_numpy(np.round(volume * 255) / 255) for volume in rendered)
        return ltr, htr
    frames = list(itertools.islice(video.read(video.probe(clip)), 2 * _EXCERPT))
    film = torch.stack([torch.from_numpy(frame[..., :3]) for frame in frames])
    film = film[: len(film) // 2 * 2]
    share = max(1.0, min(film.shape[1:3]) / _CLIP)
    htr = resize(film, (round(film.shape[1] / share), round(film.shape[2] / share)))
    return expose(htr, 2), htr


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
    frames = options.pairs.frames
    if name not in COLD:
        frames = crop_frames(options, network, len(ltr))
    pairs = replace(options.pairs, shift=0.0, auto=False, frames=frames)
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
    linear = interpolate_time(ltr, 2).clamp(0, 1)
    gain = float(np.mean(psnr_frames(made, htr)) - np.mean(psnr_frames(linear, htr)))
    return {"gain": gain, "held out": held_out, "seconds": seconds, "predicting": predicting}
