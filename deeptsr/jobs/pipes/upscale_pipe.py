"""One video in, its pictures out through a pipe, as they are made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from deeptsr import config, video
from deeptsr.config import Options
from deeptsr.errors import OptionError
from deeptsr.events import Done, Listener, Progress, Warned, ignore
from deeptsr.jobs.in_time import within_time_budget
from deeptsr.jobs.job import resolve_input, without_duplicates
from deeptsr.jobs.pipeline import fit_job, out_of_memory, read_for_fitting
from deeptsr.jobs.render import kept_in, render_job, retimed, space_job
from deeptsr.system import devices

__all__ = ["upscale_pipe"]


@out_of_memory()
def upscale_pipe(
    source: str | Path,
    output: video.ByteSink,
    options: Options | None = None,
    on_event: Listener = ignore,
) -> Done:
    """Raise the frame rate of a video, and hand its pictures on as they are made.

    They are those that :func:`deeptsr.upscale_file` encodes. Y4M is written where it can hold them,
    else NUT: for a variable rate, RGB and transparency.

    Args:
        source: a video, a GIF, or a folder of images.
        output: that takes bytes; what it raises is passed on.
        options: all settings; by default the preset that suits the device.
        on_event: listener for progress.

    Returns:
        What was made.

    Raises:
        InputError: when the input cannot be used.
        OptionError: when a setting or the device cannot be met.
        ResourceError: when memory runs out.
    """
    began = time.monotonic()
    options = config.given(options) or config.preset(devices.default_preset(devices.choose("auto")))
    if options.work_dir is not None:
        raise OptionError(
            f"work_dir is {options.work_dir} and the output is -, which nobody can go on with; "
            "leave it out, or write a file"
        )
    job, info = without_duplicates(*resolve_input(source, options))
    shown = job.schedule.shown
    alpha = info.keeps_alpha
    size = job.shown[1], job.shown[0]
    form = video.pipe_form(options.encode, size=size, timeline=shown, source=info, alpha=alpha)
    for note in (*info.notes, *form.notes):
        on_event(Warned(note))
    job = within_time_budget(job, began, on_event)
    on_event(job.planned())
    on_event(Progress(0.0, "read", "reading"))
    damage: list[str] = []

    def read(first: int) -> Iterator[torch.Tensor]:
        stored = video.read(info, options.start, options.end, skip=first, alpha=alpha)
        return (torch.from_numpy(frame.copy()) for frame in stored)

    frames = partial(video.read, info, options.start, options.end, notes=damage)
    with out_of_memory(), video.PipeWriter(output, form) as writer:
        excerpt, cuts = read_for_fitting(job, frames, on_event)
        for note in damage:
            on_event(Warned(note))
        job, fitted = fit_job(job, excerpt, on_event, None)
        space = kept_in(form.levels, space_job(job, excerpt, on_event, info), job)
        del excerpt
        rendered = render_job(job, fitted, space, read, cuts, on_event)
        for volume in retimed(job, rendered, cuts):
            writer.write(volume.cpu().numpy())
            del volume  # it is gone before the next one is made
    told = Done("-", len(shown), str(shown.rate), time.monotonic() - began)
    on_event(told)
    return told
