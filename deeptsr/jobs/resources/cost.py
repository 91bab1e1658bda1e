"""Counts what a run will cost: operations, seconds."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch.nn import functional

from deeptsr.config import Options
from deeptsr.jobs.resources.looks import looks_of
from deeptsr.jobs.resources.memory import Clip
from deeptsr.learning.recipe import averages, has_network, network_of, steps_of_stage, verifies
from deeptsr.learning.space.pretrain import SPACE
from deeptsr.learning.space.step import space_prior
from deeptsr.networks.space import STEP, SpaceNetwork
from deeptsr.pyramid.enlarge import doublings
from deeptsr.pyramid.plan import Stage
from deeptsr.system.devices import precision

__all__ = ["Cost", "coding", "estimate"]

_CARD = 3e13  # operations a second of a CUDA card: a guess
_FIT_SPEED = 0.6  # of a fit against bare convolutions, operations a second, measured
_SAMPLE = 0.1  # seconds of convolutions that are measured
_BACKWARD = 3  # a training step costs three times its forward pass
_LENS = 5_000  # operations that enlarging a pixel takes as long as, measured
_TURNED = 4  # predictions of what is averaged over mirror images and reversed time
_CODEC = 15e6  # pixels a second and core that are read or encoded: a guess
_CODEC_CORES = 8
_START = 3.0  # seconds until the program works: torch is loaded, the input is read
_MARGINS = 1.6  # of a network in space: the pixels and frames around tiles that it looks at
_CLIMB_OVERHEAD = 1.3  # of a climb against a fit, in time for the same operations, measured


@dataclass(frozen=True)
class Cost:
    """Estimates for a whole run."""

    fit: tuple[float, ...]  # operations of fitting each stage
    climb: float  # operations of climbing all frames, weighed by its speed against the fit's
    seconds: float
    enlarging: float = 0.0  # seconds of these that enlarging takes,
    around: float = 0.0  # and the start of the program, reading and writing

    @property
    def climbing_seconds(self) -> float:
        """Seconds of these that climbing all frames takes."""
        return (self.seconds - self.around) * self.climb / self.total

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
    space = _enlarging(clip, options)
    fit, climb = [], space
    works = [_Work(clip, options, stage, number) for number, stage in enumerate(stages)]
    for number, work in enumerate(works):
        fit.append(work.steps() + work.evidence(works[:number]))
        climb += work.climbed(clip.frames)
    if device.type == "cpu":
        speed = _FIT_SPEED * _convolving(options.network.channels, precision(device))
    else:
        speed = _CARD
    around = _START + coding(clip, options.factor)
    return Cost(tuple(fit), climb, (sum(fit) + climb) / speed + around, space / speed, around)


class _Work:
    """Operations that a stage takes, weighed by their speed against a fit's."""

    def __init__(self, clip: Clip, options: Options, stage: Stage, number: int) -> None:
        self._options, self._number, self._stage = options, number, stage
        self._pixels = math.prod(stage.size(clip.height, clip.width))
        with torch.device("meta"):  # only its shapes are asked for: no memory, no random numbers
            self._network = network_of(options, stage, clip.height, clip.width)
        seen = min(clip.frames, options.pyramid.excerpt)
        size = clip.height, clip.width
        self._looks = looks_of(options, number, stage, self._network, size, seen)

    def steps(self) -> float:
        """Of the optimiser."""
        pairs = self._options.pairs
        crops = pairs.batch * pairs.frames * pairs.crop**2
        count = steps_of_stage(self._options, self._number)
        return float(count * _BACKWARD * crops * self._network.operations)

    def climbed(self, frames: int) -> float:
        """Of climbing so many frames of the input."""
        options, number = self._options, self._number
        if not has_network(options, number):
            return 0.0
        again = options.pyramid.ensemble or verifies(options)  # filmed again, and restored
        times = (_TURNED if averages(options, number) else 1) + again
        return times * self._predicted(frames * self._stage.factor_before)

    def evidence(self, below: Sequence[_Work]) -> float:
        """Of looking at what is known and at what was learnt; ``below`` are the stages before."""
        looks = self._looks
        found = 2 * looks.times * self._predicted(looks.frames)
        found += looks.checks * self._predicted(looks.held)
        return found + sum(work.climbed(looks.below) for work in below)

    def _predicted(self, frames: float) -> float:
        """Of a prediction for so many frames of the stage's input."""
        return frames * self._pixels * self._network.streaming_operations * _CLIMB_OVERHEAD


def coding(clip: Clip, factor: int) -> float:
    """Seconds of reading a video, for the fit and for the climb, and of writing the result.

    Args:
        clip: what is upscaled.
        factor: frames of the output for each of the input.
    """
    pixels = clip.frames * (2 * clip.pixels + factor * clip.made[0] * clip.made[1])
    return pixels / (_CODEC * min(_CODEC_CORES, os.cpu_count() or 1))


def _enlarging(clip: Clip, options: Options) -> float:
    """Operations of enlarging all frames, where their size grows."""
    if clip.made == (clip.height, clip.width):
        return 0.0
    pixels = clip.frames * clip.pixels
    found = float(_LENS * clip.frames * options.factor * clip.made[0] * clip.made[1])
    if space_prior(options.space_prior) is not None:
        times = doublings((clip.height, clip.width), clip.made)
        layers = sum(STEP ** (2 * n) for n in range(times))
        with torch.device("meta"):
            network = SpaceNetwork(SPACE.channels, SPACE.blocks)
        found += _MARGINS * pixels * layers * network.operations
    return found


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
