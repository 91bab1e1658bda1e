"""Counts what a run will cost: operations, seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

import torch
from torch.nn import functional

from deeptsr.config import Options
from deeptsr.jobs.resources.memory import Clip
from deeptsr.learning.recipe import averages, has_network, network_of, steps_of_stage
from deeptsr.learning.space.pretrain import SPACE
from deeptsr.learning.space.step import space_prior
from deeptsr.networks.space import STEP, SpaceNetwork
from deeptsr.pyramid.enlarge import doublings
from deeptsr.pyramid.plan import Stage
from deeptsr.system.devices import precision

__all__ = ["Cost", "estimate"]

_CARD = 3e13  # operations a second of a CUDA card: a guess
_FIT_SPEED = 0.6  # of a fit against bare convolutions, operations a second, measured
_SAMPLE = 0.1  # seconds of convolutions that are measured
_BACKWARD = 3  # a training step costs three times its forward pass
_LENS = 5_000  # operations that enlarging a pixel takes as long as, measured
_MARGINS = 1.6  # of a network in space: the pixels and frames around tiles that it looks at
_CLIMB_OVERHEAD = 1.3  # of a climb against a fit, in time for the same operations, measured


@dataclass(frozen=True)
class Cost:
    """Estimates for a whole run."""

    fit: tuple[float, ...]  # operations of fitting each stage
    climb: float  # operations of climbing all frames, weighed by its speed against the fit's
    seconds: float
    enlarging: float = 0.0  # seconds of these that enlarging takes

    @property
    def total(self) -> float:
        """Operations of the whole run."""
        return sum(self.fit) + self.climb

    def fitting(self, stage: int, share: float) -> float:
        """Share of the run that is done when a ``share`` of a stage's steps is made."""
        return (sum(self.fit[:stage]) + share * self.fit[stage]) / self.total

    def climbing(self, share: float) -> float:
        """Share of the run that is done when a ``share`` of all frames is climbed."""
        return (sum(self.fit) + share * self.climb) / self.total


def estimate(stages: tuple[Stage, ...], clip: Clip, options: Options, device: torch.device) -> Cost:
    """Estimate a run's cost.

    Args:
        stages: the plan.
        clip: what is upscaled.
        options: all settings.
        device: that does the work.
    """
    frames, height, width = clip.frames, clip.height, clip.width
    space = _enlarging(clip, options)
    fit, climb = [], space
    pairs = options.pairs
    crops = pairs.batch * pairs.frames * pairs.crop**2
    for number, stage in enumerate(stages):
        with torch.device("meta"):  # only its shapes are asked for: no memory, no random numbers
            network = network_of(options, stage, height, width)
        fit.append(steps_of_stage(options, number) * _BACKWARD * crops * network.operations)
        rows, columns = stage.size(height, width)
        times = 5 if averages(options, number) else 2  # once more for the second result
        if has_network(options, number):
            voxels = frames * stage.factor_before * rows * columns
            climb += times * voxels * network.streaming_operations * _CLIMB_OVERHEAD
    if device.type == "cpu":
        speed = _FIT_SPEED * _convolving(options.network.channels, precision(device))
    else:
        speed = _CARD
    return Cost(tuple(fit), climb, (sum(fit) + climb) / speed, space / speed)


def _enlarging(clip: Clip, options: Options) -> float:
    """Operations of enlarging all frames, where their size grows."""
    if clip.made == (clip.height, clip.width):
        return 0.0
    pixels = clip.frames * clip.pixels
    operations = float(_LENS * clip.frames * options.factor * clip.made[0] * clip.made[1])
    if space_prior(options.space_prior) is not None:
        times = doublings((clip.height, clip.width), clip.made)
        layers = sum(STEP ** (2 * n) for n in range(times))
        with torch.device("meta"):
            network = SpaceNetwork(SPACE.channels, SPACE.blocks)
        operations += _MARGINS * pixels * layers * network.operations
    return operations


@cache
def _convolving(channels: int, precision: torch.dtype) -> float:
    """Operations a second of the processor's convolutions, measured."""
    # Two clips are taken: for one, torch takes plain loops in float32.
    clips = torch.ones(2, channels, 8, 32, 32).to(precision, memory_format=torch.channels_last_3d)
    weight = torch.ones(channels, channels, 3, 3, 3, dtype=precision)
    seconds: list[float] = []
    with torch.no_grad():
        while len(seconds) < 2 or sum(seconds) < _SAMPLE:
            began = time.perf_counter()
            functional.conv3d(clips, weight, padding=1)
            seconds.append(time.perf_counter() - began)
    return 2 * clips[:, 0].numel() * weight.numel() / min(seconds)
