"""How long a run takes on this machine: a model, and the measurements that it needs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch

from deeptsr.config import Options
from deeptsr.imaging.exposure import of_step
from deeptsr.jobs.resources.cost import coding
from deeptsr.jobs.resources.looks import looks_of
from deeptsr.jobs.resources.memory import Clip, chunk_length
from deeptsr.learning.fit import Hooks, Regime, fit
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.learning.recipe import (
    averages,
    climbs,
    fitted_stage,
    has_network,
    network_of,
    steps_of_stage,
)
from deeptsr.networks import StepNetwork
from deeptsr.networks.chance import seeded
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import voxels
from deeptsr.pyramid.reach import Load, all_loads
from deeptsr.pyramid.stage import FittedStage

__all__ = ["Forecast", "Speeds", "Task", "measure", "operations_of_step"]

_PIECE = {"cpu": 4e10, "cuda": 4e12}  # operations of the climb that is measured
_SAMPLE = 0.5  # seconds of training steps that are measured, at least


@dataclass(frozen=True)
class Task:
    """What is to be done: the size of a clip, and where."""

    frames: int  # of the input
    height: int  # pixels
    width: int
    device: torch.device
    precision: torch.dtype


@dataclass(frozen=True)
class Speeds:
    """What was measured of one preset's network on one machine."""

    step: float  # seconds of a training step of the first stage
    climb: float  # voxels times operations a second
    pool: float  # seconds of laying out pairs, for a voxel of the clip that they are cut from


class Forecast:
    """How long a run of some settings takes.

    Args:
        task: see there.
        options: all settings; their steps and ensemble may differ from those that are asked for.
        speeds: of this network on this machine.
        excerpt: frames that fitting looks at.
    """

    def __init__(self, task: Task, options: Options, speeds: Speeds, excerpt: int) -> None:
        self._task, self._speeds = task, speeds
        self._stages, self._networks = _pyramid(task, options)
        self._excerpt = excerpt

    def fit(self, options: Options) -> tuple[float, ...]:
        """Seconds of fitting each stage."""
        return tuple(self._fit(options, number) for number in range(len(self._stages)))

    def climb(self, options: Options) -> float:
        """Seconds of reading, climbing and writing the whole video."""
        task = self._task
        chunk = min(task.frames, chunk_length(task.height, task.width, options))
        around = coding(Clip(task.frames, task.height, task.width), options.factor)
        return self._climbed(len(self._stages), chunk, task.frames, options) + around

    def total(self, options: Options) -> float:
        """Seconds of the whole run."""
        return sum(self.fit(options)) + self.climb(options)

    def _climbed(self, stages: int, chunk: int, total: int, options: Options) -> float:
        """Seconds of taking a clip up some stages, a chunk at a time."""
        pairs = zip(self._stages, self._networks, strict=True)
        fitted = tuple(
            fitted_stage(
                *(options, number, stage),
                network if has_network(options, number, stage) else None,
            )
            for number, (stage, network) in enumerate(pairs)
        )[:stages]
        turned = 1 + (of_step(options.exposure, 1) == "full")  # forwards and backwards

        def work(number: int, load: Load) -> float:
            times = 2 * turned if averages(options, number) else 1
            return times * self._work(number, load.seen) + self._work(number, load.trusted)

        works = (
            count * work(number, load)
            for count, loads in all_loads(fitted, chunk, total)
            for number, load in enumerate(loads)
            if fitted[number].network
        )
        return sum(works) / self._speeds.climb

    def _work(self, number: int, frames: float) -> float:
        """Operations of predicting so many frames of a stage."""
        task, stage, network = self._task, self._stages[number], self._networks[number]
        shape = (max(1, round(frames)), *stage.size(task.height, task.width))
        return (
            voxels(network, shape, task.device.type, task.precision) * network.streaming_operations
        )

    def _fit(self, options: Options, number: int) -> float:
        if not has_network(options, number, self._stages[number]):
            return 0.0
        network, first = self._networks[number], self._networks[0]
        steps = steps_of_stage(options, number)
        seconds = steps * self._speeds.step * network.operations / first.operations
        if number and not steps:
            return 0.0
        size, stage = (self._task.height, self._task.width), self._stages[number]
        looks = looks_of(options, number, stage, network, size, self._excerpt)
        seconds += 2 * looks.times * self._work(number, looks.frames) / self._speeds.climb
        seconds += looks.checks * self._work(number, looks.held) / self._speeds.climb
        pool = int(steps > 0)
        if number:
            seconds += self._climbed(number, looks.below, looks.below, options)
            pool = stage.factor_before + 1
        rows, columns = stage.size(*size)
        return seconds + pool * self._excerpt * rows * columns * self._speeds.pool


def _pyramid(task: Task, options: Options) -> tuple[tuple[Stage, ...], tuple[StepNetwork, ...]]:
    stages = climbs(options, task.height, task.width)[0]
    with torch.device("meta"):  # only shapes are asked for
        networks = tuple(_build(options, stage, task) for stage in stages)
    return stages, networks


def _build(options: Options, stage: Stage, task: Task) -> StepNetwork:
    return network_of(options, stage, task.height, task.width)


def operations_of_step(task: Task, options: Options) -> float:
    """Operations of a training step of the first stage, up to a factor that all networks share."""
    pairs = options.pairs
    return _pyramid(task, options)[1][0].operations * pairs.batch * pairs.frames * pairs.crop**2


def measure(task: Task, options: Options, excerpt: int) -> Speeds:
    """Measure the real networks' training step and climb on a small piece, for about a second.

    Args:
        task: see there.
        options: all settings.
        excerpt: frames that fitting will look at.
    """
    stages, shapes = _pyramid(task, options)
    generator = torch.Generator().manual_seed(0)
    with seeded(0):
        networks = tuple(_build(options, s, task).to(task.device) for s in stages)

    rows, columns = stages[0].size(task.height, task.width)
    clip = torch.rand(excerpt, rows, columns, 3, generator=generator).to(task.device)
    longest = max(3, min(options.pairs.frames, excerpt * 7 // 8 // stages[0].step))
    pairs = replace(options.pairs, frames=longest)
    began = time.monotonic()
    source = PairSource([clip], pairs, stages[0].step, of_step(options.exposure, 1))
    _wait(task.device)
    pool = (time.monotonic() - began) / clip[..., 0].numel()
    on_device = torch.Generator(task.device).manual_seed(0)
    moments: list[float] = []

    def on_step(step: int) -> None:
        _wait(task.device)
        moments.append(time.monotonic())

    def enough() -> bool:  # the first step warms up
        return len(moments) > 2 and moments[-1] - moments[0] > _SAMPLE

    regime = Regime(options.fit, steps=1000, precision=task.precision)
    hooks = Hooks(on_step, enough)
    fit(networks[0], source, regime, on_device, lambda network: 0.0, hooks)
    step = (moments[-1] - moments[0]) / (len(moments) - 1)

    fitted = tuple(FittedStage(s, n.eval()) for s, n in zip(stages, networks, strict=True))
    height, width, frames = task.height, task.width, min(task.frames, 4)

    def work() -> float:
        piece = ((frames * s.factor_before, *s.size(height, width)) for s in stages)
        done = (
            voxels(n, shape, task.device.type, task.precision) * n.streaming_operations
            for n, shape in zip(shapes, piece, strict=True)
        )
        return 2 * sum(done)  # it is restored again

    while work() > _PIECE[task.device.type] and min(height, width) > 32:
        height, width = (height + 1) // 2, (width + 1) // 2
    clip = torch.rand(frames, height, width, 3, generator=generator).to(task.device)
    taken = []
    for _ in range(2):  # the first one warms up
        began = time.monotonic()
        climb(fitted, clip, exposure=options.exposure, precision=task.precision)
        _wait(task.device)
        taken.append(time.monotonic() - began)
    return Speeds(step, work() / taken[-1], pool)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
