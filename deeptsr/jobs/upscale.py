"""One video in, one video out: resolve, read, fit, climb, write."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from deeptsr import config, video
from deeptsr.config import Options
from deeptsr.events import Done, Listener, Progress, Warned, ignore
from deeptsr.jobs.in_time import within_time_budget
from deeptsr.jobs.job import (
    Job,
    keeps_sound,
    resolve_file,
    stretch_of,
)
from deeptsr.jobs.model.array_job import array_job
from deeptsr.jobs.pipeline import fit_job, going_on, out_of_memory, read_for_fitting
from deeptsr.jobs.render import kept_in, part_ends, render_job, resume_at, retimed, space_job
from deeptsr.jobs.resources.memory import part_length
from deeptsr.jobs.resources.progress import from_share
from deeptsr.jobs.work_folder import WorkFolder, held, identity, is_unchanged
from deeptsr.learning.space.step import space_prior
from deeptsr.pyramid.enlarge import SpaceStep
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system import devices, ram
from deeptsr.system.disk import DiskSpace
from deeptsr.system.humanize import size

__all__ = ["upscale_array", "upscale_file"]


@out_of_memory()
def upscale_array(
    frames: Any, options: Options | None = None, on_event: Listener = ignore
) -> npt.NDArray[np.float32]:
    """Raise the frame rate of a clip that is held in memory.

    Args:
        frames: (T, H, W, C), C = 1 or 3, unsigned integers of 8 or 16 bits or floats in [0, 1]; a
            numpy array or a tensor. At least 4 frames of 16 x 16 pixels.
        options: all settings; by default the preset that suits the device.
        on_event: listener for progress.

    Returns:
        (T * factor, H * scale, W * scale, C), float32 in [0, 1].

    Raises:
        InputError: when the frames cannot be used.
        DeviceError: when the device is not there.
        ResourceError: when memory runs out.
    """
    on_event = from_share(0.0, on_event)
    job, clip, gray = array_job(frames, options, on_event)
    excerpt, cuts = read_for_fitting(job, lambda: (frame.numpy() for frame in clip), on_event)
    job, fitted = fit_job(job, excerpt, on_event, None)
    space = space_job(job, excerpt, on_event)
    result = np.empty((len(job.schedule.shown), *job.shown, 3), np.float32)
    filled = 0
    volumes = render_job(job, fitted, space, lambda n: iter(clip[n:]), cuts, on_event)
    for volume in retimed(job, volumes, cuts):
        result[filled : filled + len(volume)] = volume.cpu().numpy()
        filled += len(volume)
    return result.mean(axis=3, keepdims=True, dtype=np.float32) if gray else result


@out_of_memory()
def upscale_file(
    source: str | Path,
    output: str | Path,
    options: Options | None = None,
    on_event: Listener = ignore,
) -> Done:
    """Raise the frame rate of a video file.

    Args:
        source: a video, a GIF, or a folder of images.
        output: a video file, or a folder for PNGs. It appears under its name only when whole.
        options: all settings; by default the preset that suits the device.
        on_event: listener for progress.

    Returns:
        What was made.

    Raises:
        InputError: when the input cannot be used.
        OptionError: when a setting, the output or the device cannot be met.
        ResourceError: when memory or disk runs out.
    """
    began = time.monotonic()
    options = config.given(options) or config.preset(devices.default_preset(devices.choose("auto")))
    target = video.destination_of(output)
    folder = target.beside(".deeptsr") if options.work_dir is None else Path(options.work_dir)
    done = WorkFolder.published(folder, target.path)
    job, info = resolve_file(source, output, options, ours=done)
    with held(target.path, options, on_event):
        who = identity(info.path, job.options, job.device, job.cuts)
        who["output"] = _parts_of(output, job)
        work = WorkFolder(folder, who, resume=options.resume)
        if done and not WorkFolder.published(folder, target.path):
            video.check_output(output, options.encode)  # it is another run's after all
            done = False
        if done:
            video.remove_replaced(target)
        else:
            _upscale(job, info, output, work, began, on_event)
            if not is_unchanged(info.path, who):
                on_event(
                    Warned(
                        f"{info.path} changed while it was worked on: the result may be of both; "
                        "run again"
                    )
                )
        if options.work_dir is None:
            work.remove()
        else:
            work.remove_parts()
    shown = job.schedule.shown
    told = Done(str(output), len(shown), str(shown.rate), time.monotonic() - began)
    on_event(told)
    return told


def _upscale(
    job: Job,
    info: video.VideoInfo,
    output: str | Path,
    work: WorkFolder,
    began: float,
    on_event: Listener,
) -> None:
    """Do the work of :func:`upscale_file`."""
    _tell_what_is_known(job, info, work, on_event)
    job = within_time_budget(job, began, on_event, work)
    planned = job.planned()
    on_event(planned)
    _warn_of_little_memory(job, planned.memory_bytes, on_event)
    disk = DiskSpace(work.path, video.destination_of(output).path.parent, job.bulk, on_event)
    on_event = going_on(job, work.stages, video.frames_kept(work.path), on_event)
    on_event(Progress(0.0, "read", "reading"))
    with out_of_memory():
        excerpt, cuts = _read_for_fitting(job, info, on_event)
        job, fitted = fit_job(job, excerpt, on_event, work)
        space = space_job(job, excerpt, on_event, info)
        del excerpt
        gc.collect()  # a frame of torch's is in a circle, and holds all that a fit has looked at
        devices.release()
        with _writer(job, info, output, work) as writer:
            space = kept_in(writer.levels, space, job)
            _render(job, info, (fitted, space), cuts, writer, disk, on_event)
            on_event(Progress(1.0, "finish", "finishing the file"))
            writer.finish(on_whole=work.publishing)
            for note in writer.notes:
                if note not in info.notes:  # which were told
                    on_event(Warned(note))


def _tell_what_is_known(
    job: Job, info: video.VideoInfo, work: WorkFolder, on_event: Listener
) -> None:
    for note in info.notes:
        on_event(Warned(note))
    if info.has_audio and not keeps_sound(job.options):
        on_event(Warned("the sound is left out of slow motion; `slow_audio` stretches it along"))
    if work.note:
        on_event(Warned(work.note))


def _warn_of_little_memory(job: Job, needed: int, on_event: Listener) -> None:
    free = ram.free()
    if job.device.type == "cpu" and free is not None and needed > free:
        on_event(
            Warned(
                f"about {size(needed)} of memory are needed, and {size(free)} are free: close "
                "other programs, or give a bound with `memory`"
            )
        )


def _read_for_fitting(
    job: Job, info: video.VideoInfo, on_event: Listener
) -> tuple[torch.Tensor, tuple[int, ...]]:
    """The excerpt and the cuts; what is broken in the input is told."""
    damage: list[str] = []
    frames = partial(video.read, info, job.options.start, job.options.end, notes=damage)
    excerpt, cuts = read_for_fitting(job, frames, on_event)
    for note in damage:
        on_event(Warned(note))
    return excerpt, cuts


def _writer(
    job: Job, info: video.VideoInfo, output: str | Path, work: WorkFolder
) -> video.VideoWriter:
    """Open the output, with what an earlier run finished of it."""
    options = job.options
    return video.VideoWriter(
        output,
        size=(job.shown[1], job.shown[0]),
        timeline=job.schedule.shown,
        source=info,
        settings=options.encode,
        audio=keeps_sound(options),
        audio_range=stretch_of(info, options),
        audio_slow=job.schedule.stretch,
        scratch=work.path,
        alpha=info.keeps_alpha,
    )


def _render(
    job: Job,
    info: video.VideoInfo,
    steps: tuple[tuple[FittedStage, ...], SpaceStep | None],
    cuts: tuple[int, ...],
    writer: video.VideoWriter,
    disk: DiskSpace,
    on_event: Listener,
) -> None:
    """Render the frames that the output lacks, and write them, part by part."""

    def read(first: int) -> Iterator[torch.Tensor]:
        chosen = job.options.start, job.options.end
        stored = video.read(info, *chosen, skip=first, alpha=info.keeps_alpha)
        return (torch.from_numpy(frame.copy()) for frame in stored)

    start = resume_at(job, cuts, writer.count)
    rendered = render_job(job, *steps, read, cuts, on_event, start)
    stops = part_ends(job, cuts)
    for volume in retimed(job, rendered, cuts, start, writer.count):
        writer.write(volume.cpu().numpy())
        del volume  # it is gone before the next one is made
        if writer.count in stops:
            writer.cut()
            sizes = writer.part_sizes
            disk.check(writer.count, len(job.schedule.shown), sum(sizes), max(sizes))


def _parts_of(output: str | Path, job: Job) -> dict[str, Any]:
    """What must agree for finished parts of an output to be of use, beside the fit."""
    encode = asdict(job.options.encode)
    del encode["overwrite"]
    space = {}
    if job.enlarges:
        prior = space_prior(job.options.space_prior)
        digest = prior.digest if prior else None
        space = {"size": list(job.shown), "camera": job.options.camera, "space prior": digest}
    return (
        encode
        | space
        | ({"frames": len(job.schedule.shown)} if job.schedule.opened else {})
        | {
            "path": os.path.abspath(output),
            "frames in a part": part_length(*job.size, job.options),
            "encoders": video.versions(),
        }
    )
