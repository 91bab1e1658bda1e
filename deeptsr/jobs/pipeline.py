"""Does a job up to the result's first frame: looks at the frames, and fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from deeptsr.analysis.excerpt import Frames, read_excerpt
from deeptsr.errors import ResourceError
from deeptsr.events import (
    Event,
    FitReused,
    Listener,
    Progress,
    StageFitted,
    TimeCorrected,
    Warned,
)
from deeptsr.jobs.job import Job
from deeptsr.jobs.resources.fit_files import keep_fit
from deeptsr.jobs.resources.progress import from_share
from deeptsr.learning.checkpoints import Checkpoints
from deeptsr.learning.recipe import steps_of_stage
from deeptsr.learning.saved_fit import saved_fit_of
from deeptsr.learning.self_check import self_check
from deeptsr.learning.stages import bring_nearer, fit_stages
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system.devices import ran_out

__all__ = ["fit_job", "going_on", "out_of_memory", "read_for_fitting"]

_SPARED = 8  # groups of LTR frames, of which some can be spared to judge a fit
_KNOWN = "learns nothing from this video, as what is known suits it"
_NO_GAIN = 0.05  # dB: what the self-check calls nothing


def read_for_fitting(
    job: Job, frames: Frames, on_event: Listener
) -> tuple[Tensor, tuple[int, ...]]:
    """Read the frames to fit on, and the first frames of scenes."""
    step = job.stages[0].step if job.stages else 1
    pictures, cuts = read_excerpt(
        frames,
        job.frames,
        job.cuts,
        job.options.pyramid.excerpt,
        (job.least, _SPARED * step),
        on_event,
    )
    excerpt = np.empty((len(pictures), *pictures[0].shape), np.float32)
    for place in reversed(range(len(pictures))):
        excerpt[place] = pictures.pop()  # each is gone when it is copied
    return torch.from_numpy(excerpt), cuts


def fit_job(
    job: Job, excerpt: Tensor, on_event: Listener, checkpoints: Checkpoints | None
) -> tuple[Job, tuple[FittedStage, ...]]:
    """Fit all stages on the excerpt, or take a fit that is given, and check them on it.

    Returns:
        The job, whose climb may begin smaller than was planned, and its stages.
    """
    if not job.stages:
        return job, ()
    on_event(Progress(0.0, "fit", f"stage 1 of {len(job.stages)}: looking at the video"))
    given = saved_fit_of(job.options)
    if given is not None:
        fitted = given.fitted(job.options, job.stages, job.size, job.device)
        labels = tuple(stage.label for stage in job.stages)
        networks = sum(stage.network is not None for stage in fitted)
        on_event(FitReused(str(job.options.fit_file), labels, networks))
        if len(excerpt) < job.least:
            return job, fitted
        clip = excerpt.to(job.device)
        fitted = bring_nearer(
            *(fitted, clip, job.options),
            precision=job.precision,
            on_event=_corrected(lambda: job, on_event),
            fraction=job.cost.fitting,
        )
        return job, _checked(job, fitted, clip, on_event)
    if len(excerpt) < job.least:
        on_event(
            Warned(
                f"no scene has more than {len(excerpt)} frames; expected at least {job.least} in "
                "one to learn from: this is plain interpolation; `scenes` off takes all as one"
            )
        )
        return job, tuple(FittedStage(stage, None) for stage in job.stages)
    clip, watch, begun = excerpt.to(job.device), job.watch, job

    def begin_smaller(stages: tuple[Stage, ...]) -> None:
        nonlocal begun
        known, begun = begun.stages[0], job.with_stages(stages)
        if stages[0] != known:
            scale, seconds = stages[0].scale, begun.cost.seconds
            on_event(TimeCorrected(1, seconds, f"begins at {scale} of the size"))

    def fraction(stage: int, share: float) -> float:
        if watch:
            watch.at(stage, share)
        return begun.cost.fitting(stage, share)

    fitted = fit_stages(
        clip,
        job.stages,
        job.options,
        precision=job.precision,
        on_event=_corrected(lambda: begun, on_event),
        fraction=fraction,
        checkpoints=checkpoints,
        enough=watch.enough if watch else lambda: False,
        smaller=job.smaller,
        on_smaller=begin_smaller,
    )
    if watch and watch.cut:
        on_event(
            Warned(
                "this machine is slower than it was at the start: fitting ended early, to keep "
                "the time budget"
            )
        )
    keep_fit(fitted, job.options, job.size, on_event)
    return begun, _checked(begun, fitted, clip, on_event)


def _corrected(current: Callable[[], Job], on_event: Listener) -> Listener:
    """Tell the time anew where a stage learns nothing, and makes few of its steps or none."""
    without, special, led = list[int](), False, False

    def listen(event: Event) -> None:
        nonlocal special, led
        on_event(event)
        if not isinstance(event, StageFitted) or event.learned:
            return
        job = current()
        if job.watch and job.watch.cut:  # it had no time to learn
            return
        number = event.stage - 1
        if event.steps < steps_of_stage(job.options, number):
            without.append(number)
            special = special or event.special
            led = led or (event.special and not event.steps)
            seconds = job.cost.without(without, special=special, led=led)
            on_event(TimeCorrected(event.stage, seconds, _KNOWN))

    return listen


def _checked(
    job: Job, fitted: tuple[FittedStage, ...], clip: Tensor, on_event: Listener
) -> tuple[FittedStage, ...]:
    """Say how good a fit is; return what there is time for of it."""
    check = self_check(fitted, clip, job.options, job.precision)
    on_event(check)
    if check.closes:
        on_event(
            Warned(
                "the shutter looks as if it closed between the frames, and the result takes it for "
                "open: what moves fast may go the wrong way; try `exposure` auto, or say for what "
                "share of a frame's time it was open"
            )
        )
    elif check.confidence == "guess":
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


def going_on(job: Job, stages: int, frames: int, on_event: Listener) -> Listener:
    """Tell of progress from where an earlier run ended, with so many stages, or frames written."""
    share = job.cost.climbing(frames / len(job.schedule.shown))
    if stages < len(job.stages):
        share = job.cost.fitting(stages, 0.0)
    return from_share(share, on_event)


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
