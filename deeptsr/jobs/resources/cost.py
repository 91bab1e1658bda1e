"""Counts what a run will cost: operations, seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch.nn import functional

from deeptsr.config import Options
from deeptsr.imaging.exposure import of_step
from deeptsr.jobs.resources.looks import looks_of
from deeptsr.jobs.resources.memory import Clip, chunk_length
from deeptsr.jobs.resources.models import models_of
from deeptsr.learning.prior import prior_of
from deeptsr.learning.recipe import BEGUN, climbs, network_of, steps_of_stage, views_of
from deeptsr.learning.space.pretrain import SPACE
from deeptsr.learning.space.step import space_prior
from deeptsr.learning.strategy.shutter import LOOKED_AT, looked_at
from deeptsr.networks.space import STEP, SpaceNetwork
from deeptsr.pyramid.enlarge import doublings
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import voxels
from deeptsr.pyramid.reach import Load, all_loads
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system.devices import precision

__all__ = ["Cost", "coding", "estimate"]

_CARD = 3e13  # operations a second of a CUDA card: a guess
# Operations a second of a fit, and of a climb's networks, against those of bare convolutions,
# measured: means of one thread and of two; and what a pixel of the result takes beside them.
_FIT_SPEED, _CLIMB_SPEED = {torch.bfloat16: 0.63, torch.float32: 0.77}, 0.71
_BESIDE = 0.11e-6  # seconds, of a CPU
_SAMPLE, _RUNS = 0.1, 8  # seconds of convolutions that are measured, and runs at least: the first
# makes ready, and others may wait for what else the machine does
_BACKWARD = 3  # a training step costs three times its forward pass
_LENS = 7_000  # operations that enlarging a pixel takes as long as, measured
_CODEC = 15e6  # pixels a second and core that are read or encoded: a guess
_CODEC_CORES = 8
_START = 4.5  # seconds until the program works: torch is loaded, the input is read, convolutions
# that are met for the first time are made ready
_MARGINS = 2.2  # of a network in space: the pixels and frames around tiles that it looks at
_TURNED = 4  # views that are averaged: mirrored, backwards, and both
# Predictions that tell whose a place is: by each expert and the judge, and by the classifier.
_WITNESSES = 3.25


@dataclass(frozen=True)
class Cost:
    """Estimates for a whole run."""

    fit: tuple[float, ...]  # operations of fitting each stage
    climb: float  # operations of climbing all frames, weighed by its speed against the fit's
    seconds: float
    enlarging: float = 0.0  # seconds of these that enlarging takes,
    around: float = 0.0  # and the start of the program, reading and writing
    spared: tuple[float, ...] = ()  # operations of each fit that are left out if it ends when it
    # has begun, since it promises nothing,
    led: float = 0.0  # and those of the first that are if a specialist leads;
    joined: float = 0.0  # operations of the run that come to it where one takes part: he looks, too

    @property
    def climbing_seconds(self) -> float:
        """Seconds of these that climbing all frames takes."""
        return (self.seconds - self.around) * self.climb / self.total

    @property
    def total(self) -> float:
        """Operations of the whole run."""
        return sum(self.fit) + self.climb

    def without(self, stages: Iterable[int], *, special: bool = False, led: bool = False) -> float:
        """Seconds of the whole run, if nothing is learnt in some stages.

        Args:
            stages: counted from 0, whose fits end when they have begun.
            special: whether a specialist takes part.
            led: whether he leads, so that the first fit does not begin.
        """
        left_out = sum(self.led if led and not stage else self.spared[stage] for stage in stages)
        left_out -= self.joined * (special or led)
        return self.seconds - left_out / self.total * (self.seconds - self.around)

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
    fit, spared = list[float](), list[float]()
    climb = space
    size, kind = (clip.height, clip.width), precision(device)
    models = models_of(size, options, stages)
    works = [_Work(clip, options, each, n, device.type, kind) for n, each in enumerate(models)]
    chunk = min(clip.frames, chunk_length(clip.height, clip.width, options))
    for number, work in enumerate(works):
        fit.append(work.steps() + work.evidence(works[:number]))
        spared.append(work.steps() * (1 - BEGUN) + work.judged())
    led = joined = 0.0
    if models:
        led = fit[0] - works[0].evidence((), learns=False)
        fit[0] += works[0].shutter(size)
        smallest = climbs(options, *size)[-1][:1]
        if smallest[0].scale < stages[0].scale:  # what is known is looked at there before
            first = _Work(clip, options, models_of(size, options, smallest)[0], 0, *works[0].on)
            fit[0] += first.evidence((), learns=False)
        climb += _climbed(works, chunk, clip.frames)
        special = models_of(size, options, stages, special=True)
        for count, loads in all_loads(special, chunk, clip.frames):
            theirs = zip(works, special, loads, strict=True)
            joined += count * sum(work.led(model, load) for work, model, load in theirs)
    if device.type == "cpu":
        speed = _FIT_SPEED[kind] * _convolving(options.network.channels, kind)
        climb += speed * _BESIDE * clip.frames * clip.pixels * options.factor
    else:
        speed = _CARD
    around = _START + coding(clip, options.factor)
    return Cost(
        fit=tuple(fit),
        climb=climb,
        seconds=(sum(fit) + climb) / speed + around,
        enlarging=space / speed,
        around=around,
        spared=tuple(spared),
        led=led,
        joined=joined,
    )


class _Work:
    """Operations that a stage takes, weighed by their speed against a fit's."""

    def __init__(
        self,
        clip: Clip,
        options: Options,
        model: FittedStage,
        number: int,
        kind: str,
        precision: torch.dtype,
    ) -> None:
        self.model, self._options, self._number = model, options, number
        self.on, self._size = (kind, precision), model.stage.size(clip.height, clip.width)
        with torch.device("meta"):  # only its shapes are asked for: no memory, no random numbers
            self._network = network_of(options, model.stage, clip.height, clip.width)
        seen, size = min(clip.frames, options.pyramid.excerpt), (clip.height, clip.width)
        self._looks_of = partial(looks_of, options, number, model.stage, self._network, size, seen)

    def steps(self) -> float:
        """Of the optimiser."""
        pairs = self._options.pairs
        crops = pairs.batch * pairs.frames * pairs.crop**2
        count = steps_of_stage(self._options, self._number)
        return float(count * _BACKWARD * crops * self._network.operations)

    def evidence(self, below: Sequence[_Work], *, learns: bool = True) -> float:
        """Of looking at what is known and at what was learnt; ``below`` are the stages before."""
        looks = self._looks_of(learns=learns)
        operations = 2 * looks.times * self.predicted(looks.frames)
        operations += looks.checks * self.predicted(looks.held)
        return operations + (_climbed(below, looks.below, looks.below) if looks.below else 0.0)

    def shutter(self, size: tuple[int, int]) -> float:
        """Of asking two networks, of frames of that size, whether it closed: each works twice."""
        options = self._options
        if prior_of(options) is None or of_step(options.exposure, 1) != "full":
            return 0.0
        return sum(4 * self.predicted(LOOKED_AT, seen) for seen in looked_at(*size))

    def judged(self) -> float:
        """Of choosing how much of what a whole fit taught is kept."""
        looks = self._looks_of(learns=True)
        return 2 * looks.at_end * self.predicted(looks.frames)

    def climbed(self, load: Load) -> float:
        """Of climbing a chunk."""
        if self.model.network is None:
            return 0.0
        sizes = [self._size, *self.model.smaller(self._size)]
        return sum(
            self._views * self.predicted(load.seen, size) + self.predicted(load.trusted, size)
            for size in sizes
        )

    def led(self, model: FittedStage, load: Load) -> float:
        """Of climbing a chunk with a specialist who leads: what comes to that."""
        if model.at_once is not None:
            return _TURNED * self.predicted(load.seen / model.stage.factor_before)
        if not load.judged:
            return 0.0
        return self._views * self.predicted(load.seen) + _WITNESSES * self.predicted(load.judged)

    @property
    def _views(self) -> int:
        """Mirror images, and forwards and backwards where that may be."""
        if not self.model.ensemble or self.model.network is None:
            return 1
        return _TURNED if self.model.network.exposure == "full" else 2

    def predicted(self, frames: float, size: tuple[int, int] | None = None) -> float:
        """Of a prediction for so many frames of the stage's input, of its size or of another."""
        if not frames:
            return 0.0
        worked = voxels(self._network, (max(1, round(frames)), *(size or self._size)), *self.on)
        slower = _FIT_SPEED[self.on[1]] / _CLIMB_SPEED
        return worked * self._network.streaming_operations * slower


def _climbed(works: Sequence[_Work], chunk: int, total: int) -> float:
    """Operations of climbing a clip of ``total`` frames, a chunk at a time."""
    return sum(
        count * sum(work.climbed(load) for work, load in zip(works, loads, strict=True))
        for count, loads in all_loads(tuple(work.model for work in works), chunk, total)
    )


def coding(clip: Clip, factor: int) -> float:
    """Seconds of reading a video, for the fit and for the climb, and of writing the result.

    Args:
        clip: what is upscaled.
        factor: frames of the output for each of the input.
    """
    pixels = clip.frames * (2 * clip.pixels + factor * clip.shown[0] * clip.shown[1])
    return pixels / (_CODEC * min(_CODEC_CORES, os.cpu_count() or 1))


def _enlarging(clip: Clip, options: Options) -> float:
    """Operations of enlarging all frames, where their size grows."""
    if clip.shown == (clip.height, clip.width):
        return 0.0
    pixels = clip.frames * clip.pixels
    operations = float(_LENS * clip.frames * options.factor * clip.shown[0] * clip.shown[1])
    if space_prior(options.space_prior) is not None:
        times = doublings((clip.height, clip.width), clip.shown)
        layers = sum(STEP ** (2 * n) for n in range(times))
        with torch.device("meta"):
            network = SpaceNetwork(SPACE.channels, SPACE.blocks)
        operations += views_of(options) * _MARGINS * pixels * layers * network.operations
    return operations


@cache
def _convolving(channels: int, precision: torch.dtype) -> float:
    """Operations a second of the processor's convolutions, measured."""
    # Two clips are taken: for one, torch takes plain loops in float32.
    clips = torch.ones(2, channels, 8, 32, 32).to(precision, memory_format=torch.channels_last_3d)
    weight = torch.ones(channels, channels, 3, 3, 3, dtype=precision)
    seconds: list[float] = []
    with torch.no_grad():
        while len(seconds) < _RUNS or sum(seconds) < _SAMPLE:
            began = time.perf_counter()
            functional.conv3d(clips, weight, padding=1)
            seconds.append(time.perf_counter() - began)
    return 2 * clips[:, 0].numel() * weight.numel() / min(seconds)
