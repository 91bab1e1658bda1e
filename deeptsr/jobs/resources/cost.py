"""Counts what a run will cost: operations, seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch.nn import functional

from deeptsr.config import Options
from deeptsr.learning.recipe import averages, has_network, network_of, steps_of_stage
from deeptsr.pyramid.plan import Stage
from deeptsr.system.devices import precision

__all__ = ["Cost", "estimate"]

_CARD = 3e13  # operations a second of a CUDA card: a guess
_FIT_SPEED = 0.6  # of a fit against bare convolutions, operations a second, measured
_SAMPLE = 0.1  # seconds of convolutions that are measured
_BACKWARD = 3  # a training step costs three times its forward pass
_CLIMB_OVERHEAD = 1.3  # of a climb against a fit, in time for the same operations, measured


@dataclass(frozen=True)
class Cost:
    """Estimates for a whole run."""

    fit: tuple[float, ...]  # operations of fitting each stage
    climb: float  # operations of climbing all frames, weighed by its speed against the fit's
    seconds: float
    alone: Cost | None = None  # where it comes to pairs from the same dimension alone, if other

    @property
    def total(self) -> float:
        """Operations of the whole run."""
        return sum(self.fit) + self.climb

    def fitting(self, stage: int, share: float, alone: bool = False) -> float:
        """Share of the run that is done when a ``share`` of a stage's steps is made."""
        if alone and self.alone:
            return self.alone.fitting(stage, share)
        return (sum(self.fit[:stage]) + share * self.fit[stage]) / self.total

    def climbing(self, share: float) -> float:
        """Share of the run that is done when a ``share`` of all frames is climbed."""
        return (sum(self.fit) + share * self.climb) / self.total


def estimate(
    stages: tuple[Stage, ...],
    frames: int,
    height: int,
    width: int,
    options: Options,
    device: torch.device,
) -> Cost:
    """Estimate a run's cost.

    Args:
        stages: the plan.
        frames: of the input.
        height: of the input, pixels.
        width: of the input, pixels.
        options: all settings.
        device: that does the work.
    """
    fit, climb = [], 0.0
    pairs, alone = options.pairs, None
    if pairs.if_alone:
        settled = replace(options, pairs=pairs.if_alone)
        alone = estimate(stages, frames, height, width, settled, device)
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
    return Cost(tuple(fit), climb, (sum(fit) + climb) / speed, alone)


@cache
def _convolving(channels: int, precision: torch.dtype) -> float:
    """Operations a second of the processor's convolutions, measured."""
    # Two clips: for one, torch takes plain loops in float32.
    clips = torch.ones(2, channels, 8, 32, 32).to(precision, memory_format=torch.channels_last_3d)
    weight = torch.ones(channels, channels, 3, 3, 3, dtype=precision)
    seconds: list[float] = []
    with torch.no_grad():
        while len(seconds) < 2 or sum(seconds) < _SAMPLE:
            began = time.perf_counter()
            functional.conv3d(clips, weight, padding=1)
            seconds.append(time.perf_counter() - began)
    return 2 * clips[:, 0].numel() * weight.numel() / min(seconds)
