"""Makes the frames of a result: climbs, enlarges, and brings them to their times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deeptsr import video
from deeptsr.analysis.noise import noise_of
from deeptsr.events import Listener, Progress, Warned
from deeptsr.imaging.exposure import of_step
from deeptsr.imaging.retime import needed, ready, retime
from deeptsr.jobs.job import Job
from deeptsr.jobs.resources.memory import chunk_length, part_length
from deeptsr.jobs.resources.progress import without_progress
from deeptsr.learning.recipe import views_of
from deeptsr.learning.space.step import Spoil, space_prior, space_step
from deeptsr.pyramid.enlarge import SpaceStep, enlarged, first_read
from deeptsr.pyramid.reach import first_needed
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream
from deeptsr.system.devices import release

__all__ = ["climb_job", "kept_in", "part_ends", "render_job", "resume_at", "retimed", "space_job"]

_CODED = 10  # frames that tell how a codec has spoilt an input


def space_job(
    job: Job, excerpt: Tensor, on_event: Listener, source: video.VideoInfo | None = None
) -> SpaceStep | None:
    """Choose on the excerpt how the frames are enlarged; None: they are not.

    Neither what a codec has left nor what a sensor has added is to be sharpened.

    Args:
        job: what is done.
        excerpt: volume (T, h, w, C).
        on_event: told what was found.
        source: whose codec may have spoilt the frames; None: none has.
    """
    if not job.enlarges:
        return None
    prior = space_prior(job.options.space_prior)
    clip, camera = excerpt.to(job.device), job.options.camera
    # On a CPU its convolutions are faster in float32 (measured).
    precision = job.precision if job.device.type == "cuda" else torch.float32
    spoil = None if source is None else _spoiler(excerpt, source)
    views = views_of(job.options)
    return space_step(
        *(clip, job.shown, camera, prior),
        precision=precision,
        views=views,
        spoil=spoil,
        noise=noise_of(clip[..., :3]),
        on_event=on_event,
    )


def _spoiler(excerpt: Tensor, source: video.VideoInfo) -> Spoil | None:
    """Does to smaller frames what the codec has done to those of an input."""
    first = max(0, (len(excerpt) - _CODED) // 2)
    there = _in_bytes(excerpt[first : first + _CODED])
    crf = video.crf_like(there, source.codec, video.picture_bytes(source))
    if crf is None:
        return None

    def spoil(volume: Tensor) -> Tensor:
        coded = video.compressed(_in_bytes(volume), crf)[:, : volume.shape[1], : volume.shape[2]]
        return torch.from_numpy(coded).to(volume) / 255

    return spoil


def _in_bytes(volume: Tensor) -> npt.NDArray[np.uint8]:
    """Frames in 8 bits (T, h, w, 3), to even sides, as codecs want them."""
    whole = (volume[..., :3] * 255).round().clamp(0, 255).byte().cpu().numpy()
    padding = [(0, 0), *((0, side % 2) for side in whole.shape[1:3]), (0, 0)]
    return np.pad(whole, padding, "edge")


def kept_in(levels: int | None, step: SpaceStep | None, job: Job) -> SpaceStep | None:
    """A step that rounds to what is kept of colours: see :attr:`SpaceStep.levels`.

    Where frames are blended to come at other times, there is no use in it.
    """
    if step is None or job.schedule.opened is not None:
        return step
    return replace(step, levels=levels)


def render_job(
    job: Job,
    fitted: tuple[FittedStage, ...],
    step: SpaceStep | None,
    read: Callable[[int], Iterator[Tensor]],
    cuts: tuple[int, ...],
    on_event: Listener,
    start: int = 0,
) -> Iterator[Tensor]:
    """Yield the result from an input frame on, in its final size, clipped to [0, 1].

    Args:
        job: what is done.
        fitted: the stages of the climb.
        step: how frames are enlarged, one by one; None: they are not.
        read: yields the frames of the input from one on, (H, W, C) each.
        cuts: first frames of scenes, 0 excepted.
        on_event: told how far it has come.
        start: the input frame.
    """
    needed = first_needed(fitted, start, cuts) if fitted else start
    if step is None:
        yield from climb_job(job, fitted, read(needed), cuts, on_event, start)
        return
    told = without_progress(on_event)
    volumes = climb_job(job, fitted, read(needed), cuts, told, start)
    frames = (frame.to(job.device) for frame in read(first_read(step, job.size, start, cuts)))
    factor, exposure = job.options.factor, job.options.exposure
    made = enlarged(
        step, volumes, frames, job.frames, factor, exposure=exposure, start=start, cuts=cuts
    )
    for number, volume in enumerate(made, start * factor + 1):
        yield volume
        if number % factor == 0:
            _tell_rendered(job, number, on_event)


def climb_job(
    job: Job,
    fitted: tuple[FittedStage, ...],
    frames: Iterator[Tensor],
    cuts: tuple[int, ...],
    on_event: Listener,
    start: int = 0,
) -> Iterator[Tensor]:
    """Yield the result from an input frame on, in order, clipped to [0, 1]."""
    height, width = job.size
    factor, settings = job.options.factor, job.options.pyramid
    chunk = chunk_length(height, width, job.options)
    on_device = (frame.to(job.device) for frame in frames)
    count, said = start * factor, False
    if not fitted:
        for frame in on_device:
            yield frame[None]
        return

    def warn(chunk: int | None = None) -> None:
        nonlocal said
        smaller = chunk or any(stage.network and stage.network.tile for stage in fitted)
        if smaller and not said:
            said = True
            on_event(
                Warned(
                    f"memory ran out on {job.device}: it goes on with smaller pieces, to the same "
                    "result, and more slowly"
                )
            )

    for volume in stream(
        fitted,
        on_device,
        job.frames,
        chunk,
        start=start,
        exposure=job.options.exposure,
        rounds=settings.rounds,
        precision=job.precision,
        cuts=cuts,
        on_halved=warn,
    ):
        warn()
        count += len(volume)
        yield volume.clamp_(0, 1)
        del volume  # it is gone before the next one is made
        release()
        _tell_rendered(job, count, on_event)


def _tell_rendered(job: Job, count: int, on_event: Listener) -> None:
    total = job.frames * job.options.factor
    share = job.cost.climbing(count / total)
    on_event(Progress(share, "render", f"rendering, frame {count} of {total}"))


def retimed(
    job: Job, volumes: Iterator[Tensor], cuts: tuple[int, ...], start: int = 0, made: int = 0
) -> Iterator[Tensor]:
    """Yield the output's frames from ``made`` on, of those climbed from frame ``start`` on."""
    fine, opened, factor = job.schedule.fine, job.schedule.opened, job.options.factor
    if opened is None:
        return volumes
    apart = [cut * factor for cut in cuts]
    exposure, first = of_step(job.options.exposure, factor), start * factor
    return retime(volumes, fine, opened, exposure, first=first, made=made, cuts=apart)


def resume_at(job: Job, cuts: tuple[int, ...], count: int) -> int:
    """Return the input frame from which on to climb for the output's frames from ``count`` on."""
    plan, factor = job.schedule, job.options.factor
    if plan.opened is None:
        return count // factor
    chunk = chunk_length(*job.size, job.options)
    frame = needed(plan.fine, plan.opened, count) // factor
    scene = max((cut for cut in cuts if cut <= frame), default=0)
    return scene + (frame - scene) // chunk * chunk


def part_ends(job: Job, cuts: tuple[int, ...]) -> set[int]:
    """Return how many frames of the output there are at the end of each part."""
    plan, factor = job.schedule, job.options.factor
    chunk, part = (length(*job.size, job.options) for length in (chunk_length, part_length))
    ends = [0]
    for start, stop in pairwise((0, *cuts, job.frames)):
        for end in (*range(start + chunk, stop, chunk), stop):
            ends += [end] if end - ends[-1] >= part else []
    known = [end * factor for end in ends if 0 < end < job.frames]
    if plan.opened is None:
        return set(known)
    exposure = of_step(job.options.exposure, factor)
    return {ready(plan.fine, plan.opened, end, exposure) for end in known}
