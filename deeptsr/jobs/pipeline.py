"""Does a job: looks at the frames, fits, climbs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deeptsr.analysis.excerpt import Frames, read_excerpt
from deeptsr.errors import ResourceError
from deeptsr.events import FitKept, FitReused, Listener, Progress, Warned
from deeptsr.imaging.exposure import of_step
from deeptsr.imaging.retime import needed, ready, retime
from deeptsr.jobs.job import Job
from deeptsr.jobs.resources.memory import chunk_length, part_length
from deeptsr.learning.checkpoints import Checkpoints
from deeptsr.learning.saved_fit import SavedFit, saved_fit_of
from deeptsr.learning.self_check import self_check
from deeptsr.learning.stages import fit_stages
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream
from deeptsr.system.devices import ran_out, release
from deeptsr.system.files import write_whole

__all__ = [
    "climb_job",
    "fit_job",
    "out_of_memory",
    "part_ends",
    "read_for_fitting",
    "resume_at",
    "retimed",
]

_SPARED = 8  # groups of LTR frames, of which some can be spared to judge a fit
_NO_GAIN = 0.05  # dB: what the self-check calls nothing


def read_for_fitting(
    job: Job, frames: Frames, on_event: Listener
) -> tuple[Tensor, tuple[int, ...]]:
    """Read the frames to fit on, and the first frames of scenes."""
    step = job.stages[0].step
    pictures, cuts = read_excerpt(
        frames, job.frames, job.cuts, job.excerpt, (job.least, _SPARED * step), on_event
    )
    excerpt = np.empty((len(pictures), *pictures[0].shape), np.float32)
    for place in reversed(range(len(pictures))):
        excerpt[place] = pictures.pop()  # each is gone when it is copied
    return torch.from_numpy(excerpt), cuts


def fit_job(
    job: Job, excerpt: Tensor, on_event: Listener, checkpoints: Checkpoints | None
) -> tuple[FittedStage, ...]:
    """Fit all stages on the excerpt, or take a fit that is given, and check them on it."""
    given = saved_fit_of(job.options)
    if given is not None:
        fitted = given.fitted(job.options, job.stages, job.size, job.device)
        labels = tuple(stage.label for stage in job.stages)
        networks = sum(stage.network is not None for stage in fitted)
        on_event(FitReused(str(job.options.fit_file), labels, networks))
        short = len(excerpt) < job.least
        return fitted if short else _checked(job, fitted, excerpt.to(job.device), on_event)
    if len(excerpt) < job.least:
        on_event(
            Warned(
                f"no scene has more than {len(excerpt)} frames; expected at least {job.least} in "
                "one to learn from: this is plain interpolation; `scenes` off takes all as one"
            )
        )
        return tuple(FittedStage(stage, None) for stage in job.stages)
    clip, watch = excerpt.to(job.device), job.watch

    def fraction(stage: int, share: float) -> float:
        if watch:
            watch.at(stage, share)
        return job.cost.fitting(stage, share)

    fitted = fit_stages(
        clip,
        job.stages,
        job.options,
        precision=job.precision,
        on_event=on_event,
        fraction=fraction,
        checkpoints=checkpoints,
        enough=watch.enough if watch else lambda: False,
    )
    if watch and watch.cut:
        on_event(
            Warned(
                "this machine is slower than it was at the start: fitting ended early, to keep "
                "the time budget"
            )
        )
    if job.options.save_fit is not None:
        _keep(fitted, job, Path(job.options.save_fit), on_event)
    return _checked(job, fitted, clip, on_event)


def _keep(fitted: tuple[FittedStage, ...], job: Job, path: Path, on_event: Listener) -> None:
    """Write what was fitted into the file that the user gave for it."""
    content = SavedFit.of(fitted, job.options, job.size).bytes()
    if path.is_file() and not job.options.encode.overwrite:
        if path.read_bytes() != content:
            on_event(
                Warned(f"{path} holds another fit, and is left as it is: this one is not kept")
            )
            return
    else:
        replace = job.options.encode.overwrite
        write_whole(path, lambda place: place.write_bytes(content), replace=replace)
    on_event(FitKept(str(path), len(content)))


def _checked(
    job: Job, fitted: tuple[FittedStage, ...], clip: Tensor, on_event: Listener
) -> tuple[FittedStage, ...]:
    """Say how good a fit is; return what there is time for of it."""
    check = self_check(fitted, clip, job.options, job.precision)
    on_event(check)
    if check.confidence == "guess":
        on_event(
            Warned(
                "the result disagrees with itself where this video moves: what moves fast may go "
                "the wrong way; look at it, or try a preset that takes longer"
            )
        )
    if check.gain_db < _NO_GAIN:
        on_event(
            Warned(
                f"the self-check found no gain over linear interpolation ({check.gain_db:+.2f} dB) "
                "on this video's own frames: it may be static, too short, or too unlike itself"
            )
        )
    watch = job.watch
    if watch and watch.late() and job.options.pyramid.ensemble:
        on_event(Warned("the ensemble is left out, to keep the time budget"))
        fitted = tuple(replace(stage, ensemble=False) for stage in fitted)
    return fitted


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
    total = job.frames * factor
    chunk = chunk_length(height, width, job.options)
    on_device = (frame.to(job.device) for frame in frames)
    made, said = start * factor, False

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
        made += len(volume)
        yield volume.clamp_(0, 1)
        del volume  # it is gone before the next one is made
        release()
        share = job.cost.climbing(made / total)
        on_event(Progress(share, "render", f"rendering, frame {made} of {total}"))


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


def resume_at(job: Job, cuts: tuple[int, ...], made: int) -> int:
    """Return the input frame from which on to climb for the output's frames from ``made`` on."""
    plan, factor = job.schedule, job.options.factor
    if plan.opened is None:
        return made // factor
    chunk = chunk_length(*job.size, job.options)
    frame = needed(plan.fine, plan.opened, made) // factor
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


@contextmanager
def out_of_memory() -> Iterator[None]:
    """Tell of memory that ran out as the user can mend it."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        raise ResourceError(
            "memory ran out; expected as much as the plan says; close other "
            "programs, allow less with `memory`, or scale the video down first"
        ) from error
