"""How much memory a run takes, and the lengths of chunk and excerpt that keep it within a bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import torch

from deeptsr.config import Options, Settings
from deeptsr.errors import ResourceError
from deeptsr.jobs.resources.models import models_of, models_of_all
from deeptsr.learning.pairs.pool import pool_bytes
from deeptsr.learning.prior import prior_of
from deeptsr.learning.recipe import (
    JUDGED,
    fitted_frames,
    steps_of_stage,
)
from deeptsr.learning.space.pretrain import SPACE
from deeptsr.networks import StepNetwork
from deeptsr.networks.space import STEP, SpaceNetwork
from deeptsr.pyramid.enlarge import doublings, slab_of, tile_of
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import in_one, tile_shape
from deeptsr.pyramid.reach import loads, margin
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system.humanize import size
from deeptsr.system.ram import total

__all__ = ["Clip", "bounded", "chunk_length", "part_length", "peak"]

_PIXEL = 3 * 4  # bytes
_PART = 120  # output frames of a part, at least: each begins with a key frame
_SPARED = 8  # groups of LTR frames that an excerpt has at least, where the input has them
_PAYS = 1.33  # times the frames around it that a chunk is long, where memory allows
_MODEST = 990_000_000  # bytes that a run may take without a word
_LEAST_EXCERPT = 32  # frames, unless memory is short
_LOOKED_AT = 48_000_000  # pixels x frames of an excerpt, at most, where it is longer
_SHARE = 0.8  # of the machine's memory that a run keeps to where nothing is said
# What follows was measured: see docs/trials.md.
_BASE = 450_000_000  # bytes: Python, torch, what it loads on first use, holes in the heap
_CODED = 320  # bytes a pixel of a frame: what the decoder and the encoder hold
_AT_WORK = 6  # slabs of a hidden layer that a prediction holds, beside a frame of each layer
_TRAINING = 1.5  # times those of all layers that a training step holds
_LARGE_FRAMES = 8  # large frames that are held while one is made
_OPERATORS = 200  # numbers a row and column that scaling takes
_TILES = 2.5  # times a hidden layer of a tile that finding detail takes
_RETIMED = 12  # frames that exposing anew holds, at most, beside a chunk's result
_HERE = "cpu", torch.float32  # device and precision that tiles are counted for
_RESIZING = 1.6  # times its result that a back-projection holds beside what it is given


@dataclass(frozen=True)
class Clip:
    """What is upscaled."""

    frames: int
    height: int  # pixels
    width: int
    large: tuple[int, int] | None = None  # height and width of the result, where it is larger
    retimed: bool = False  # whether what is climbed is exposed anew, at other moments

    @property
    def shown(self) -> tuple[int, int]:
        """Height and width of the result, pixels."""
        return self.large or (self.height, self.width)

    @property
    def pixels(self) -> int:
        """Of a frame."""
        return self.height * self.width


def chunk_length(height: int, width: int, options: Options) -> int:
    """LTR frames of that size that are climbed at once."""
    return max(1, options.pyramid.voxels // (height * width * options.factor))


def part_length(height: int, width: int, options: Options) -> int:
    """LTR frames of that size whose results make a part of the output: whole chunks."""
    chunk = chunk_length(height, width, options)
    return chunk * math.ceil(_PART / (chunk * options.factor))


def bounded(
    clip: Clip, options: Settings, stages: tuple[Stage, ...], device: torch.device
) -> Settings:
    """Choose the lengths of chunk and excerpt that the memory has room for.

    Args:
        clip: what is upscaled.
        options: all settings. Without a bound, a CPU's run keeps to most of the memory that this
            process may use; where even the least takes more than all of it, it is refused.
        stages: the plan.
        device: that does the work.

    Returns:
        The settings with what the memory has room for of ``pyramid.voxels`` and
        ``pyramid.excerpt``.

    Raises:
        ResourceError: when the bound leaves no room for the smallest.
    """
    bound = options.memory
    machine = total() if device.type == "cpu" else None
    limit = bound or (_SHARE * machine if machine else math.inf)
    every = models_of_all((clip.height, clip.width), options, stages)

    def with_chunk(frames: int) -> Settings:
        voxels = min(options.pyramid.voxels, frames * options.factor * clip.pixels)
        return replace(options, pyramid=replace(options.pyramid, voxels=voxels))

    def with_excerpt(frames: int) -> Settings:
        return replace(options, pyramid=replace(options.pyramid, excerpt=frames))

    step = stages[0].step if stages else 1
    wanted = max(_LEAST_EXCERPT, min(options.pyramid.voxels, _LOOKED_AT) // clip.pixels)
    wanted = max(2 * step, min(options.pyramid.excerpt, wanted))
    least = min(wanted, _SPARED * step)
    longest = min(clip.frames, chunk_length(clip.height, clip.width, options))

    def fitting(excerpt: int) -> float:
        return max(_fitting(clip, with_excerpt(excerpt), each) for each in every)

    def climbing(chunk: int) -> float:
        return max(_climbing(clip, with_chunk(chunk), each) for each in every)

    # What the fit takes anyway is free; more than that only saves looking at a chunk's surroundings
    # again, and chunks that are many times longer than those save little. (What tells the places of
    # a specialist looks further, but once.) Rather somewhat slower than more than modest.
    modest = max(_MODEST, fitting(wanted))
    models = models_of((clip.height, clip.width), options, stages)
    around = min(longest, margin(models)) if models else longest
    useful = around if climbing(around) <= modest else min(longest, round(_PAYS * around))
    pays = _most(useful, longest, lambda n: climbing(n) <= modest)
    chunk = _most(1, pays, lambda n: climbing(n) <= limit)
    options = with_chunk(chunk) if chunk < longest else options
    options = with_excerpt(_most(least, wanted, lambda n: fitting(n) <= limit))
    needed = peak(clip, options, stages)
    if bound is not None and needed > bound:
        raise ResourceError(
            f"memory is {size(bound)} and even the smallest chunk of {clip.width} x {clip.height} "
            f"pixels needs about {size(needed)}; expected at least that; allow more, or scale the "
            "video down first"
        )
    if bound is None and machine is not None and needed > machine:
        raise ResourceError(
            f"even the smallest chunk of {clip.width} x {clip.height} pixels needs about "
            f"{size(needed)} of memory, and this process may use {size(machine)}; expected at "
            "least that; scale the video down first, or say that it may try: `memory` "
            f"{size(needed)}"
        )
    return options


def peak(clip: Clip, options: Options, stages: tuple[Stage, ...]) -> int:
    """Bytes that a run takes at most, about."""
    every = models_of_all((clip.height, clip.width), options, stages)
    return round(max(work(clip, options, each) for work in (_fitting, _climbing) for each in every))


def _most(least: int, most: int, fits: Callable[[int], bool]) -> int:
    """The largest number that fits, or the least."""
    low, high = least, most + 1  # low is taken to fit, high is not asked for
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _result(clip: Clip, options: Options) -> int:
    """Bytes of a chunk's result."""
    chunk = min(clip.frames, chunk_length(clip.height, clip.width, options))
    return chunk * options.factor * clip.pixels * _PIXEL


def _climbing(clip: Clip, options: Options, models: tuple[FittedStage, ...]) -> float:
    """Bytes while the video is climbed and written."""
    chunk = min(clip.frames, chunk_length(clip.height, clip.width, options))
    if not models:  # frames pass one by one
        return _BASE + _CODED * clip.shown[0] * clip.shown[1] + _enlarging(clip)
    climb, pixels = _climb(clip, models, chunk, Fraction(1)), clip.shown[0] * clip.shown[1]
    if clip.retimed:  # a chunk's result, with what is held of the one before, as one
        again = 2.0 * _result(clip, options) if clip.shown == (clip.height, clip.width) else 0.0
        climb = max(climb, again) + _RETIMED * pixels * _PIXEL
    return _BASE + _CODED * pixels + climb + _enlarging(clip)


def _enlarging(clip: Clip) -> float:
    """Bytes that enlarging takes beside the climb: a few frames of the video, and large ones."""
    if clip.shown == (clip.height, clip.width):
        return 0.0
    network = SpaceNetwork(SPACE.channels, SPACE.blocks)
    times = doublings((clip.height, clip.width), clip.shown)
    slab = slab_of(clip.shown)
    seen = slab + 2 * network.reach[0] * times
    large = max(clip.shown[0] * clip.shown[1], STEP ** (2 * times) * clip.pixels)
    tile = (tile_of(network, seen) + 2 * network.reach[1]) ** 2 * seen * network.width
    frames = 4 * seen * clip.pixels + (_LARGE_FRAMES + 3 * slab) * large
    return _TILES * tile * 4 + _OPERATORS * sum(clip.shown) * 4 + float(frames * _PIXEL)


def _climb(clip: Clip, models: tuple[FittedStage, ...], chunk: int, scale: Fraction) -> float:
    """Bytes that the climb of a chunk takes, up to some size."""

    def pixel_bytes(at: Fraction) -> int:
        rows, columns = Stage(at, 1, 1).size(clip.height, clip.width)
        return rows * columns * _PIXEL

    works = loads(models, chunk, clip.frames)
    ahead = works[0].ltr
    held: dict[Fraction, float] = {}
    most, coarse, done = 0.0, 0.0, 1
    for model, work in zip(models, works, strict=True):
        stage, network = model.stage, model.network
        frame = pixel_bytes(stage.scale)
        held.setdefault(stage.scale, (work.ltr + ahead) / 2 * frame)  # it reads on as far as all
        fine, made = work.fine * frame, work.seen * stage.step * frame
        if stage.factor_before > 1:  # else the video itself is the fine one
            most = max(most, coarse + work.ltr * frame + _RESIZING * fine)
        if network is None:
            more = 0.0  # it is interpolated in small pieces
        else:
            at = stage.size(clip.height, clip.width)
            tile = _tile(network, (work.seen, *at))
            # What the later camera films is held where tiles are averaged with what they film.
            films = model.restores and not model.compares and not in_one(network, at, *_HERE)
            later = work.seen * frame if films else 0
            again = (work.trusted + 2) * stage.step * frame if model.compares else 0
            # What the specialist makes, with its mirror image.
            takes = model.special or model.at_once
            theirs = 2 * work.trusted * stage.step * frame if takes else 0
            more = tile + max(later + again, theirs)
            # Before that, two networks' results of the frames that tell who takes which place.
            most = max(most, fine + tile + 2 * work.judged * stage.step * frame)
        most = max(most, fine + made + more)
        coarse, done = made, stage.factor_before * stage.step
    result = min(chunk, clip.frames) * done * pixel_bytes(scale)
    held.setdefault(scale, (chunk + ahead) / 2 * pixel_bytes(scale))
    if models[-1].stage.scale < scale:
        most = max(most, coarse + _RESIZING * result + result / done)
    return sum(held.values()) + max(most, coarse)


def _fitting(clip: Clip, options: Options, models: tuple[FittedStage, ...]) -> float:
    """Bytes while the networks are fitted and checked."""
    if not models:
        return _BASE + 2 * min(clip.frames, options.pyramid.excerpt) * clip.pixels * _PIXEL
    excerpt = min(clip.frames, options.pyramid.excerpt)
    given = excerpt * clip.pixels * _PIXEL
    pairs, voxels = options.pairs, options.pyramid.voxels
    most, known = float(given), prior_of(options) is not None or options.fit_file is not None
    for number, model in enumerate(models):
        stage, network = model.stage, model.network
        steps = steps_of_stage(options, number)
        if network is None or (number and not steps and known):  # it goes on with what is known
            continue
        rows, columns = stage.size(clip.height, clip.width)
        seen = min(excerpt, fitted_frames(stage, (rows, columns)))
        pixels = seen * stage.factor_before * rows * columns
        result = pixels * _PIXEL
        crops = pairs.batch * pairs.frames * pairs.crop**2
        step = _TRAINING * _layers(network) * crops * network.width * 4
        beside = 0.0  # the clip of this size
        if number:
            slow = max(1, round(seen * clip.pixels * (stage.scale / stage.factor_before) ** 2))
            beside = pool_bytes(slow, pairs) + slow * _PIXEL
            chunk = max(1, voxels * seen // pixels)
            below = Clip(seen, clip.height, clip.width)
            climb = _climb(below, models[:number], chunk, stage.scale)
            most = max(most, given + result + climb)
        pool = pool_bytes(pixels, pairs) + beside
        tile = _tile(network, (seen * stage.factor_before, rows, columns))
        agreeing = stage.step * min(max(8 * rows * columns, JUDGED), pixels)
        most = max(most, given + result + 4 * agreeing * _PIXEL + tile)  # what it says of itself
        if steps or not known:
            most = max(most, given + result + pool + max(step, tile))
    checked = max(2 * models[0].stage.step, excerpt // 8)
    most = max(most, given * 1.5 + _RESIZING * checked * clip.pixels * _PIXEL)
    return _BASE + most


def _tile(network: StepNetwork, shape: tuple[int, int, int]) -> float:
    """Bytes that predicting a tile of a clip takes beside the clip and the result."""
    pixels, slab, slabs = tile_shape(network, shape, *_HERE)
    hidden = (_layers(network) + _AT_WORK * slab) * network.width
    # Of each slab that streams behind another: the input, what is made of it, interpolation.
    colours = 3 * 2 * (1 + network.factor) * min(3.0, slabs) * slab
    return 4 * pixels * (hidden + colours)


def _layers(network: StepNetwork) -> int:
    return sum(parameter.ndim > 1 for parameter in network.parameters())
