"""Cuts a job such that it ends within its time budget."""

from __future__ import annotations

from dataclasses import replace

from deeptsr.events import Listener, Warned
from deeptsr.jobs.job import Job
from deeptsr.jobs.resources import time_budget
from deeptsr.learning.checkpoints import Checkpoints
from deeptsr.learning.recipe import climbs

__all__ = ["within_time_budget"]


def within_time_budget(
    job: Job, began: float, on_event: Listener, checkpoints: Checkpoints | None = None
) -> Job:
    """Cut a job such that it ends within its time budget, if it has one."""
    budget = job.options.time_budget
    if budget is None:
        return job
    if not job.stages:
        if job.cost.seconds <= budget:
            return job
        on_event(Warned("detail is left out, to keep the time budget"))
        return replace(job, options=replace(job.options, space_prior="none"))
    task = time_budget.Task(job.frames, *job.size, job.device, job.precision)
    length = min(job.frames, job.options.pyramid.excerpt)
    began -= job.cost.enlarging  # as if that time had passed: it is not for the climb
    options, watch = time_budget.within(task, job.options, length, began, on_event, checkpoints)
    job = replace(job, options=options, watch=watch)
    stages, *smaller = climbs(options, *job.size)
    job = replace(job.with_stages(stages), smaller=tuple(smaller))
    return replace(job, cost=replace(job.cost, seconds=watch.seconds))
