"""Makes the look: chooses the stretch and the size, climbs it, puts the input beside it."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from deeptsr import config, video
from deeptsr.analysis.excerpt import window
from deeptsr.config import Options, preset
from deeptsr.errors import OptionError
from deeptsr.events import Event, Listener, Previewed, Progress, SelfChecked, Warned, ignore
from deeptsr.imaging.resample import resize
from deeptsr.imaging.timeline import Timeline
from deeptsr.jobs.frame_times import schedule
from deeptsr.jobs.job import resolve_input
from deeptsr.jobs.pipeline import out_of_memory
from deeptsr.jobs.resources.cost import estimate
from deeptsr.jobs.resources.memory import Clip
from deeptsr.jobs.upscale import upscale_array
from deeptsr.learning.prior import prior_of
from deeptsr.learning.recipe import climbs
from deeptsr.system import devices
from deeptsr.system.distinct import check_distinct
from deeptsr.system.files import check_file, write_whole
from deeptsr.system.lock import alone

__all__ = ["look", "look_name"]

_ENDING = ".preview.webm"
_SEARCHED = 600  # frames of the input, from the first one used on, that the stretch is sought in
_LEAST, _FEW, _MOST = 8, 16, 150  # frames of the input that are shown
_SIZES = tuple(Fraction(n, 8) for n in (8, 6, 5, 4, 3, 2, 1))  # of the sides, the largest first
_SMALLEST = 32  # pixels
_WIDEST = 960  # pixels of a panel
_WORK = {"cpu": 6.0, "cuda": 30.0}  # seconds that evidence and climb are told to take, at most
_STEPS = 100  # of a fit, where nothing is known before
_EXCERPT = 16  # frames that evidence is sought in, at most
_BYTES = 12_000_000  # of the film
_GAP = 4  # pixels between the panels


def look_name(output: str | Path) -> Path:
    """Where a look at an output is written: "out.preview.webm" for "out.mp4"."""
    path = Path(output)
    return path.with_name(f"{path.stem if path.suffix else path.name}{_ENDING}")


@out_of_memory()
def look(
    source: str | Path,
    output: str | Path,
    seconds: float,
    options: Options | None = None,
    on_event: Listener = ignore,
) -> Previewed:
    """Show what a run would make of the stretch with the most motion, small and soon.

    The stretch is climbed by the factor that is asked for, with what is known beforehand and
    without a fit, at a size that this machine manages in some seconds. The film has the input on
    the left and the result on the right, in slow motion.

    Args:
        source: a video, a GIF, or a folder of images.
        output: of the whole run; the look is written beside it, see :func:`look_name`.
        seconds: of the input that are shown, about.
        options: all settings of the whole run; by default the preset that suits the device.
        on_event: listener for progress.

    Returns:
        What was made, and what the whole would take.

    Raises:
        InputError: when the input cannot be used.
        OptionError: when a setting or the output cannot be met.
        ResourceError: when memory or disk runs out.
    """
    began = time.monotonic()
    options = config.given(options) or config.preset(devices.default_preset(devices.choose("auto")))
    target = look_name(output)
    check_distinct({"the input": source}, {"the preview": target})
    check_file(target, options.encode.overwrite)
    if not 0 < seconds < math.inf:
        raise OptionError(f"preview is {seconds} s; expected more than 0, and an end")
    if options.factor == 1:
        raise OptionError("preview shows what moves, and the factor is 1; expected 2 or more")
    on_event(Progress(0.0, "read", "looking for the stretch with the most motion"))
    job, info = resolve_input(source, options, output)
    whole = job.planned()
    chosen = video.selected(info, options.start, options.end)
    sought = range(chosen.start, min(chosen.stop, chosen.start + _SEARCHED))
    length = min(len(sought), _MOST, max(_LEAST, job.least, round(seconds * info.rate)))
    span = window(video.motion_in(info, sought), length)
    stretch = range(sought.start + span.start, sought.start + span.stop)

    made = math.ceil(len(job.schedule.shown) / job.frames)  # of a frame; more are climbed of some
    quick = _quick(job.options, max(2, made))
    shown, size = _affordable(len(stretch), job.size, quick, job.device)
    middle = (len(stretch) - shown) // 2
    stretch = stretch[middle : middle + shown]
    on_event(Progress(0.2, "read", f"reading {len(stretch)} frames"))
    frames = np.stack(list(_read(info, stretch, size)))
    result = upscale_array(frames, quick, _passed_on(on_event))
    on_event(Progress(0.95, "write", "writing the film"))
    height, width = size
    film = video.encode_preview(_panels(frames, result), (2 * width + _GAP, height), _BYTES)
    overwrite = options.encode.overwrite
    with alone([target], on_event):
        write_whole(target, lambda place: place.write_bytes(film), replace=overwrite, named=False)
    moments = [float(info.timeline.moment(n) - info.start) for n in (stretch.start, stretch.stop)]
    told = Previewed(
        output=str(target),
        start=moments[0],
        end=moments[1],
        searched=float(info.timeline.moment(sought.stop) - info.timeline.moment(sought.start)),
        width=width,
        height=height,
        frames_in=len(frames),
        frames_out=len(result),
        steps=quick.fit.adapt_steps,
        seconds=time.monotonic() - began,
        whole=whole,
    )
    on_event(told)
    return told


def _quick(options: Options, factor: int) -> Options:
    """The settings of a look at a run with some options, by a factor."""
    base = preset("fast")
    known = prior_of(replace(base, prior=options.prior)) is not None
    steps = 0 if known else _STEPS
    return replace(
        base,
        factor=factor,
        exposure=options.exposure,
        device=options.device,
        seed=options.seed,
        prior=options.prior,
        fit=replace(base.fit, adapt_steps=steps, steps=_STEPS),
        pyramid=replace(
            base.pyramid,
            largest=None,
            ensemble=False,
            excerpt=_EXCERPT,
            doubling=options.pyramid.doubling,
        ),
    )


def _affordable(
    frames: int, full: tuple[int, int], options: Options, device: torch.device
) -> tuple[int, tuple[int, int]]:
    """How many frames the machine manages in time, and the largest size: even, as codecs like it.

    At a size there are as many frames as there is time for, if those are more than a few. A smaller
    size is not always quicker, as its climb begins at a larger share of it.
    """
    climbed = schedule(Timeline.constant(Fraction(1), frames), options).factor
    options, few, budget = replace(options, factor=climbed), min(frames, _FEW), _WORK[device.type]
    least: list[tuple[float, tuple[int, int]]] = []
    for scale in _SIZES:
        height, width = (max(_SMALLEST, round(side * scale / 2) * 2) for side in full)
        if width > _WIDEST and scale > _SIZES[-1]:
            continue
        stages = climbs(options, height, width)[0]
        seconds = []
        for count in (few, frames):
            cost = estimate(stages, Clip(count, height, width), options, device)
            seconds.append(cost.seconds - cost.around)
        if seconds[1] <= budget:
            return frames, (height, width)
        if seconds[0] <= budget:
            share = (budget - seconds[0]) / (seconds[1] - seconds[0])
            return few + int(share * (frames - few)), (height, width)
        least.append((seconds[0], (height, width)))
    return min(frames, _LEAST), min(least)[1]


def _read(info: video.VideoInfo, stretch: range, size: tuple[int, int]) -> Iterator[video.Frame]:
    """Yield the frames of a stretch, small."""
    quickly = video.small_frames(info, stretch, size)
    if quickly is not None:
        yield from quickly
        return
    for picture in itertools.islice(video.read(info, skip=stretch.start), len(stretch)):
        small = resize(torch.from_numpy(np.ascontiguousarray(picture))[None], size)[0]
        yield small.clamp_(0, 1).numpy()


def _panels(frames: video.Frame, made: video.Frame) -> Iterator[npt.NDArray[np.uint8]]:
    """The film's frames: the input, as long as it lasts, and the result beside it."""
    factor = len(made) // len(frames)
    gap = np.ones((frames.shape[1], _GAP, 3), np.float32)
    for number, result in enumerate(made):
        panel = np.concatenate([frames[number // factor], gap, result], axis=1)
        yield (panel * 255 + 0.5).astype(np.uint8)


def _passed_on(on_event: Listener) -> Listener:
    """Pass on what matters of a run that is a part of this one."""

    def listen(event: Event) -> None:
        if isinstance(event, Progress):
            event = replace(event, fraction=0.25 + 0.7 * event.fraction)
        if isinstance(event, (Progress, SelfChecked, Warned)):
            on_event(event)

    return listen
