"""Counts what a run will cost: operations, seconds, memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from deeptsr.config import Options
from deeptsr.devices import precision
from deeptsr.networks import build
from deeptsr.plan import Stage
from deeptsr.stages import fold_of, steps_of_stage

__all__ = ["Cost", "affordable", "chunk_length", "estimate", "part_length"]

# Nominal speeds, operations a second: for the CPU from runs of the compact network; the card's is
# a guess.
_SPEED = {"cpu": 2e11, "cuda": 3e13}
_BFLOAT16_GAIN = 2.2  # on a CPU that multiplies bfloat16, measured
_BACKWARD = 3  # a training step costs three times its forward pass
_CLIMB_OVERHEAD = 1.5  # passes over memory beside the convolutions, in time against them
_COPIES = 7  # of a chunk's result that are held at once, a cautious guess
_VOXEL = 3 * 4  # bytes of a pixel
_PART = 120  # output frames of a part, at least: each begins with a key frame
_BASE_MEMORY = 700_000_000  # bytes: torch itself, and the decoder and the encoder


@dataclass(frozen=True)
class Cost:
    """Estimates for a whole run."""

    fit: tuple[float, ...]  # operations of fitting each stage
    climb: float  # operations of climbing all frames, weighed by its speed against the fit's
    seconds: float
    memory: int  # bytes

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


def chunk_length(height: int, width: int, options: Options) -> int:
    """LTR frames of that size that are climbed at once."""
    return max(1, affordable(options) // (height * width * options.factor))


def affordable(options: Options) -> int:
    """Pixels x frames of a chunk's result that the settings and the memory allow."""
    if options.memory is None:
        return options.pyramid.voxels
    room = (options.memory - _BASE_MEMORY) // (_COPIES * _VOXEL)
    return max(0, min(options.pyramid.voxels, room))


def part_length(height: int, width: int, options: Options) -> int:
    """LTR frames of that size whose results make a part of the output: whole chunks."""
    chunk = chunk_length(height, width, options)
    return chunk * math.ceil(_PART / (chunk * options.factor))


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
    pairs = options.pairs
    voxels = pairs.batch * pairs.frames * pairs.crop**2
    for number, stage in enumerate(stages):
        fold = fold_of(stage, height, width)
        with torch.device("meta"):  # only its shapes are asked for: no memory, no random numbers
            network = build(options.network, stage.step, options.exposure, fold)
        fit.append(steps_of_stage(options, number) * _BACKWARD * voxels * network.operations)
        rows, columns = stage.size(height, width)
        climb += frames * stage.done * rows * columns * network.operations * _CLIMB_OVERHEAD
    climb *= 5 if options.pyramid.ensemble else 2  # once more for the second result
    speed = _SPEED[device.type]
    if device.type == "cpu" and precision(device) == torch.bfloat16:
        speed *= _BFLOAT16_GAIN
    result = (
        min(frames, chunk_length(height, width, options)) * options.factor * height * width * _VOXEL
    )
    return Cost(tuple(fit), climb, (sum(fit) + climb) / speed, _BASE_MEMORY + _COPIES * result)
