"""Examines this machine: the answer of ``deeptsr doctor``."""

from __future__ import annotations

import platform
import shutil
from dataclasses import replace
from pathlib import Path

import torch

import deeptsr
from deeptsr import video
from deeptsr.config import PRESETS, preset
from deeptsr.events import Examined, Listener, Progress, ignore
from deeptsr.jobs.doctor import processor
from deeptsr.jobs.doctor.advice import advice
from deeptsr.jobs.doctor.machine import cards, disk_speed, hidden_card, priors
from deeptsr.jobs.resources.forecast import Forecast, Speeds, Task, measure, operations_of_step
from deeptsr.jobs.resources.memory import Clip, bounded
from deeptsr.learning.recipe import climbs
from deeptsr.system import devices, ram

__all__ = ["examine"]

_RATE, _SECONDS = 30, 10
_HEIGHT, _WIDTH = 720, 1280


def examine(
    folder: str | Path = ".", device: str = "auto", on_event: Listener = ignore
) -> Examined:
    """Look at this machine, and measure how fast it is, for a few seconds.

    Args:
        folder: where outputs would go: some megabytes are written there, and removed.
        device: that would do the work.
        on_event: listener for progress.

    Returns:
        What was found.

    Raises:
        DeviceError: when the device is not there.
        OutputError: when the folder cannot be written.
        ResourceError: when its disk is full.
    """
    chosen = devices.choose(device)
    load = processor.load()  # before the measurements, which are work
    on_event(Progress(0.0, "examine", "measuring the disk"))
    speed = disk_speed(Path(folder))
    task = Task(_RATE * _SECONDS, _HEIGHT, _WIDTH, chosen, devices.precision(chosen))
    there = video.encoders()
    machine = Examined(
        versions=(
            ("deeptsr", deeptsr.__version__),
            ("Python", platform.python_version()),
            ("torch", torch.__version__),
            ("codecs", video.versions()),
        ),
        processor=processor.name(),
        features=processor.features(),
        cores=processor.cores(),
        threads=torch.get_num_threads(),
        memory_bytes=ram.total(),
        free_bytes=ram.free(),
        cards=cards(),
        device=str(chosen),
        precision=str(task.precision).removeprefix("torch."),
        encoders=tuple(name for name, here in there.items() if here),
        missing=tuple(name for name, here in there.items() if not here),
        priors=priors(),
        folder=str(folder),
        disk_speed=speed,
        disk_free=shutil.disk_usage(folder).free,
        clip=f"{_SECONDS} s of {_WIDTH} x {_HEIGHT} at {_RATE} frames a second, x8",
        times=_times(task, on_event),
    )
    told = advice(machine, hidden_card=hidden_card(), load=load)
    machine = replace(machine, advice=told)
    on_event(machine)
    return machine


def _times(task: Task, on_event: Listener) -> tuple[tuple[str, float], ...]:
    """Seconds that the clip takes with each preset."""
    on_event(Progress(0.1, "examine", "measuring the networks"))
    speeds: Speeds | None = None
    times, measured = [], 1.0
    for name in PRESETS:
        options = preset(name, device=str(task.device))
        clip = Clip(task.frames, task.height, task.width)
        stages = climbs(options, task.height, task.width)[0]
        options = bounded(clip, options, stages, task.device)
        excerpt = min(task.frames, options.pyramid.excerpt)
        work = operations_of_step(task, options)
        if speeds is None:  # one is measured; the others take as many times longer as they do more
            speeds, measured = measure(task, options, excerpt), work
        theirs = replace(speeds, step=speeds.step * work / measured)
        times.append((name, Forecast(task, options, theirs, excerpt).total(options)))
    return tuple(times)
