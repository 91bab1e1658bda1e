"""What would be done with an input; nothing is written."""

from __future__ import annotations

import time
from pathlib import Path

from deeptsr import config, video
from deeptsr.config import Options
from deeptsr.events import Listener, Planned, Warned, ignore
from deeptsr.jobs.job import resolve_file, resolve_input, within_time_budget, without_duplicates
from deeptsr.system import devices

__all__ = ["plan_file", "plan_input"]


def plan_file(
    source: str | Path,
    output: str | Path,
    options: Options | None = None,
    on_event: Listener = ignore,
) -> Planned:
    """Check input and output and say what would be done; nothing is written.

    Args:
        source: a video, a GIF, or a folder of images.
        output: a video file, or a folder for PNGs.
        options: all settings; by default the preset that suits the device.
        on_event: listener, for what the user should know.

    Raises:
        InputError: when the input cannot be used.
        OptionError: when a setting or the output cannot be met.
    """
    began = time.monotonic()
    job, info = resolve_file(source, output, options)
    for note in info.notes:
        on_event(Warned(note))
    return within_time_budget(job, began, ignore).planned()


def plan_input(
    source: str | Path, options: Options | None = None
) -> tuple[Planned, video.VideoInfo, tuple[int, ...] | None]:
    """Check an input and say what would be done with it, whatever the output.

    Returns:
        The plan; the input; and the first frames of scenes, 0 excepted, if they are settled.

    Raises:
        InputError: when the input cannot be used.
        OptionError: when a setting cannot be met.
    """
    began = time.monotonic()
    options = options or config.preset(devices.default_preset(devices.choose("auto")))
    devices.choose(options.device)
    job, info = resolve_input(source, options)
    thin, _ = without_duplicates(job, info)
    return within_time_budget(thin, began, ignore).planned(), info, job.cuts
