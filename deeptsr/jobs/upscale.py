"""One video in, one video out: settle, read, fit, climb, write."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from deeptsr import config, video
from deeptsr.analysis.shutter import FRAMES, open_share
from deeptsr.config import Options
from deeptsr.errors import OptionError
from deeptsr.events import Done, Event, Listener, Progress, Warned, ignore
from deeptsr.imaging.timeline import Timeline
from deeptsr.imaging.volume import as_volume
from deeptsr.jobs.job import Job, in_time, settle, settled_file, sounds, stretch_of
from deeptsr.jobs.pipeline import begun, climb_job, ends, exposed, fit_job, look, out_of_memory
from deeptsr.jobs.resources.memory import part_length
from deeptsr.jobs.work_folder import LOCK, WorkFolder, identity
from deeptsr.pyramid.reach import first_needed
from deeptsr.system import devices
from deeptsr.system.disk import Room
from deeptsr.system.humanize import size
from deeptsr.system.lock import locked
from deeptsr.system.ram import available

__all__ = ["upscale_array", "upscale_file"]


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
        (T * factor, H, W, C), float32 in [0, 1].

    Raises:
        InputError: when the frames cannot be used.
        DeviceError: when the device is not there.
        ResourceError: when memory runs out.
    """
    options = options or config.preset(devices.default_preset(devices.choose("auto")))
    clip = as_volume(frames)
    count, height, width, channels = clip.shape
    if options.fps is not None:
        raise OptionError(f"fps is {options.fps} and an array has no frame rate; choose a factor")
    if options.duplicates == "drop":
        raise OptionError("duplicates is 'drop' and an array has no times; expected 'keep'")
    if options.exposure == "auto":
        options = replace(options, exposure=open_share(clip[:FRAMES].expand(-1, -1, -1, 3)))
    job = settle(Timeline.constant(Fraction(1), count), height, width, options)
    job = in_time(job, time.monotonic(), on_event)
    clip = clip.expand(-1, -1, -1, 3)
    with out_of_memory():
        excerpt, cuts = look(job, lambda: (frame.numpy() for frame in clip), on_event)
        fitted = fit_job(job, excerpt, on_event, None)
        result = np.empty((count * job.options.factor, height, width, 3), np.float32)
        made = 0
        for volume in climb_job(job, fitted, iter(clip), cuts, on_event):
            result[made : made + len(volume)] = volume.cpu().numpy()
            made += len(volume)
    return result if channels == 3 else result.mean(axis=3, keepdims=True, dtype=np.float32)


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
    options = options or config.preset(devices.default_preset(devices.choose("auto")))
    target = video.destination_of(output)
    folder = target.beside(".deeptsr") if options.work_dir is None else Path(options.work_dir)
    done = WorkFolder.published(folder, target.path)
    lenient = replace(options, encode=replace(options.encode, overwrite=True)) if done else options
    job, info = settled_file(source, output, lenient)
    with _alone(target, options):
        # Another list of cuts is another run, under whatever name.
        cuts = job.options.scenes if job.cuts is None else repr(job.cuts)
        known = replace(job.options, scenes=cuts)
        who = identity(info.path, known, job.device) | {"output": _parts_of(output, job)}
        work = WorkFolder(folder, who, resume=options.resume)
        if done and not WorkFolder.published(folder, target.path):
            video.check_output(output, options.encode)  # it is another run's after all
            done = False
        if not done:
            _upscale(job, info, output, work, began, on_event)
        if options.work_dir is None:
            work.remove()
        else:
            work.remove_parts()
    shown = job.schedule.shown
    told = Done(str(output), len(shown), str(shown.rate), time.monotonic() - began)
    on_event(told)
    return told


def _done_before(job: Job, work: WorkFolder) -> float:
    """Share of the work that an earlier run did."""
    if work.stages < len(job.stages):
        return job.cost.fitting(work.stages, 0.0)
    return job.cost.climbing(video.frames_kept(work.path) / len(job.schedule.shown))


def _from(share: float, on_event: Listener) -> Listener:
    """Tell of progress from a share of the work on: the bar begins where the last one ended."""

    def listen(event: Event) -> None:
        if isinstance(event, Progress):
            event = replace(event, fraction=max(share, event.fraction))
        on_event(event)

    return listen


@contextmanager
def _alone(target: video.Destination, options: Options) -> Iterator[None]:
    """Keep other runs away from the output, and from a work folder of the user's own."""
    with ExitStack() as stack:
        stack.enter_context(locked(target.beside(".lock"), f"the output {target.path}"))
        if options.work_dir is not None:
            folder = Path(options.work_dir)
            with suppress(OSError):  # which is told where the folder is opened
                folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(folder / LOCK, f"the work folder {folder}"))
        yield


def _upscale(
    job: Job,
    info: video.VideoInfo,
    output: str | Path,
    work: WorkFolder,
    began: float,
    on_event: Listener,
) -> None:
    """Do the work of :func:`upscale_file`."""
    options = job.options
    for note in info.notes:
        on_event(Warned(note))
    if info.has_audio and not sounds(options):
        on_event(Warned("the sound is left out of slow motion; `slow_audio` stretches it along"))
    if work.note:
        on_event(Warned(work.note))
    job = in_time(job, began, on_event, work)
    planned = job.planned()
    on_event(planned)
    free = available()
    if job.device.type == "cpu" and free is not None and planned.memory_bytes > free:
        on_event(
            Warned(
                f"about {size(planned.memory_bytes)} of memory are needed, and {size(free)} are "
                "free: close other programs, or give a bound with `memory`"
            )
        )
    place = video.destination_of(output).path.parent
    room = Room(work.path, place, job.bulk, on_event)
    on_event = _from(_done_before(job, work), on_event)
    on_event(Progress(0.0, "read", "reading"))
    with out_of_memory():
        damage: list[str] = []
        read = partial(video.read, info, options.start, options.end)
        excerpt, cuts = look(job, partial(read, notes=damage), on_event)
        for note in damage:
            on_event(Warned(note))
        fitted = fit_job(job, excerpt, on_event, work)
        del excerpt
        shown = job.schedule.shown
        count = len(shown)
        with video.VideoWriter(
            output,
            size=(info.width, info.height),
            timeline=shown,
            source=info,
            settings=options.encode,
            audio=sounds(options),
            audio_range=stretch_of(info, options),
            audio_slow=job.schedule.stretch,
            scratch=work.path,
            alpha=info.keeps_alpha,
        ) as writer:
            start = begun(job, cuts, writer.count)
            skip = first_needed(fitted, start, cuts)
            stored = read(skip=skip, alpha=info.keeps_alpha)
            frames = (torch.from_numpy(frame.copy()) for frame in stored)
            climbed, stops = climb_job(job, fitted, frames, cuts, on_event, start), ends(job, cuts)
            for volume in exposed(job, climbed, cuts, start, writer.count):
                writer.write(volume.cpu().numpy())
                del volume  # it is gone before the next one is made
                if writer.count in stops:
                    writer.cut()
                    sizes = writer.part_sizes
                    room.check(writer.count, count, sum(sizes), max(sizes))
            on_event(Progress(1.0, "finish", "finishing the file"))
            writer.finish(on_whole=work.publishing)
            for note in writer.notes:
                if note not in info.notes:  # which were told
                    on_event(Warned(note))


def _parts_of(output: str | Path, job: Job) -> dict[str, Any]:
    """What must agree for finished parts of an output to be of use, beside the fit."""
    encode = asdict(job.options.encode)
    del encode["overwrite"]
    return encode | {
        "path": os.path.abspath(output),
        "frames in a part": part_length(*job.size, job.options),
        "encoders": video.versions(),
    }
