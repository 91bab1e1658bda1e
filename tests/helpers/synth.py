"""Clips whose motion is known, tiny settings and networks at work, for the tests of the method."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeptsr.config import FitSettings, NetworkSettings, Options, PairSettings, PyramidSettings
from deeptsr.networks import Classifier, StepNetwork

PAIRS = PairSettings(
    within=1,
    across=0,
    shift=0,
    auto=False,
    crop=16,
    frames=3,
    batch=2,
    scales=(0.5,),
    longest_jump=2,
    contrast=0.8,
)
NETWORK = NetworkSettings(channels=4, blocks=1)
FIT = FitSettings(
    steps=3,
    adapt_steps=1,
    finetune_steps=1,
    warmup=0,
    checks=1,
    learning_rate=1e-2,  # so that a few steps change what can be seen
)


def tiny(factor: int = 2, **changes: Any) -> Options:
    """Settings for a run of a few optimiser steps, from full size."""
    options = Options(
        factor=factor,
        device="cpu",
        pairs=PAIRS,
        network=NETWORK,
        fit=FIT,
        pyramid=PyramidSettings(coarsest=Fraction(1)),
    )
    return replace(options, **changes)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gap(one: Tensor, other: Tensor) -> float:
    """The largest difference anywhere; shapes must agree."""
    assert one.shape == other.shape
    return float((one - other).detach().abs().max())


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Numbers that float16 holds exactly, each as good as unique, in [0, 1]."""
    return torch.rand(shape, generator=generator(seed)).half().float()


def pan(frames: int, height: int, width: int, speed: float = 2.0, seed: int = 0) -> Tensor:
    """A texture that moves along x by ``speed`` pixels a frame, the shutter open all the time."""
    rng = np.random.default_rng(seed)
    x = np.arange(width)[None, None, :, None]
    y = np.arange(height)[None, :, None, None]
    time = np.arange(frames)[:, None, None, None] + 0.5
    total = np.zeros((frames, height, width, 3))
    for period in (8, 11, 16, 23):
        phase = rng.uniform(0, 2 * np.pi, (1, 1, 1, 3))
        tilt = rng.uniform(-0.5, 0.5)
        blur = np.sinc(speed / period)  # the mean of a sine over the way of one frame
        total += blur * np.sin(2 * np.pi * (x - speed * time + tilt * y) / period + phase)
    return torch.from_numpy((0.5 + 0.12 * total).clip(0, 1)).float()


def still(frames: int, height: int, width: int, seed: int = 0) -> Tensor:
    """A textured picture that does not move."""
    return pan(1, height, width, seed=seed).repeat(frames, 1, 1, 1)


def certain(odds):
    """A classifier that says the same of every place: these log odds."""
    classifier = Classifier().eval()
    classifier.tell.bias.data.fill_(odds)
    return classifier


def wake(network: StepNetwork, seed: int = 0) -> StepNetwork:
    """Give every weight a random value, so that no layer is silent."""
    random = generator(seed)
    for parameter in network.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else len(parameter)
        nn.init.normal_(parameter, std=fan_in**-0.5, generator=random)
    return network.eval()
