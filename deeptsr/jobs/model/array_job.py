"""The job of a clip that is held in memory."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

from torch import Tensor

from deeptsr import config
from deeptsr.config import Options
from deeptsr.errors import OptionError
from deeptsr.events import Listener
from deeptsr.imaging.frame_size import frame_size
from deeptsr.imaging.timeline import Timeline
from deeptsr.imaging.volume import as_volume
from deeptsr.jobs.in_time import within_time_budget
from deeptsr.jobs.job import Job, resolve
from deeptsr.learning.strategy.shutter import share_of
from deeptsr.system import devices

__all__ = ["array_job"]


def array_job(
    frames: Any, options: Options | None, on_event: Listener, *, doubling: bool = True
) -> tuple[Job, Tensor, bool]:
    """Resolve the job of a clip.

    Args:
        frames: (T, H, W, C), C = 1 or 3: see :func:`deeptsr.imaging.volume.as_volume`.
        options: all settings; by default the preset that suits the device.
        on_event: listener for what a time budget leaves room for.
        doubling: whether the settings say what is climbed; else it is the factor itself.

    Returns:
        The job; the volume (T, H, W, 3); and whether the clip is grey.

    Raises:
        InputError: when the frames cannot be used.
        OptionError: when a setting cannot be met.
    """
    options = config.given(options) or config.preset(devices.default_preset(devices.choose("auto")))
    clip = as_volume(frames)
    count, height, width, channels = clip.shape
    clip = clip.expand(-1, -1, -1, 3)
    if options.fps is not None:
        raise OptionError(f"fps is {options.fps} and an array has no frame rate; choose a factor")
    if options.duplicates == "drop":
        raise OptionError("duplicates is 'drop' and an array has no times; expected 'keep'")
    if options.exposure == "auto":
        options = replace(options, exposure=share_of(clip, count, options))
    if not doubling:
        options = replace(options, pyramid=replace(options.pyramid, doubling=False))
    larger = frame_size((height, width), options.scale, options.size)
    times, shown = Timeline.constant(Fraction(1), count), (larger.height, larger.width)
    job = resolve(times, height, width, options, shown=shown)
    return within_time_budget(job, time.monotonic(), on_event), clip, channels == 1
