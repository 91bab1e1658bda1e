"""Says what is in an input, and what would be done with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deeptsr import config, video
from deeptsr.analysis.scenes import survey
from deeptsr.config import Options
from deeptsr.events import Listener, Planned, Probed, Progress, Warned, ignore
from deeptsr.jobs.in_time import within_time_budget
from deeptsr.jobs.job import resolve_file, resolve_input, without_duplicates
from deeptsr.jobs.pipeline import out_of_memory
from deeptsr.system import devices

__all__ = ["plan_file", "plan_input", "probe_file"]

_TOLD = 50  # times, at most, how far reading has come


@out_of_memory()
def probe_file(
    source: str | Path, options: Options | None = None, on_event: Listener = ignore
) -> Probed:
    """Look at a video, at its scenes and duplicate frames; nothing is written.

    Every frame that would be used is read once.

    Args:
        source: a video, a GIF, or a folder of images.
        options: all settings; by default the preset that suits the device.
        on_event: listener for progress.

    Returns:
        What is in the input, and what :func:`deeptsr.upscale_file` would do with it.

    Raises:
        InputError: when the input cannot be used.
        OptionError: when a setting or the device cannot be met.
        ResourceError: when more memory is needed than allowed.
    """
    plan, info, cuts = plan_input(source, options)
    options = config.given(options) or Options()
    chosen = video.selected(info, options.start, options.end)
    inside = video.contents(info)
    notes = list(info.notes)

    def watched() -> Iterator[npt.NDArray[np.float32]]:
        told = -1
        for n, frame in enumerate(video.read(info, options.start, options.end, notes=notes)):
            if n * _TOLD // len(chosen) > told:
                told = n * _TOLD // len(chosen)
                on_event(Progress(n / len(chosen), "read", f"frame {n} of {len(chosen)}"))
            yield frame

    surveyed = survey(watched())
    color, (rotation, mirrored) = info.color, info.orientation.turned
    probed = Probed(
        input=str(source),
        container=inside.container,
        size_bytes=inside.size_bytes,
        codec=info.codec,
        pix_fmt=info.pix_fmt,
        depth=info.depth,
        width=info.width,
        height=info.height,
        rotation=rotation,
        mirrored=mirrored,
        sample_aspect_ratio=str(info.sample_aspect_ratio),
        matrix=color.matrix,
        range=color.range,
        primaries=color.primaries,
        transfer=color.transfer,
        hdr=video.is_hdr(color),
        alpha=info.alpha,
        interlaced=info.interlaced,
        frames=info.frames,
        rate=str(info.rate),
        variable=not info.timeline.is_constant,
        duration=float(info.duration),
        start=float(info.start),
        sounds=inside.sounds,
        subtitles=inside.subtitles,
        others=inside.others,
        chapters=inside.chapters,
        notes=tuple(notes),
        used=(chosen.start, chosen.stop),
        cuts=surveyed.cuts,
        cuts_used=surveyed.cuts if cuts is None else cuts,
        duplicates=surveyed.duplicates,
        plan=plan,
    )
    on_event(probed)
    return probed


@out_of_memory()
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


@out_of_memory()
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
    options = config.given(options) or config.preset(devices.default_preset(devices.choose("auto")))
    devices.choose(options.device)
    job, info = resolve_input(source, options)
    thin, _ = without_duplicates(job, info)
    return within_time_budget(thin, began, ignore).planned(), info, job.cuts
