"""Resolves what a run will do, before it starts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch

from deeptsr import config, video
from deeptsr.analysis.cut_list import read_cuts
from deeptsr.analysis.scenes import survey
from deeptsr.config import EncodeSettings, Options, Resolved
from deeptsr.errors import InputError, OptionError
from deeptsr.events import Planned
from deeptsr.imaging.exposure import nearest
from deeptsr.imaging.frame_size import frame_size
from deeptsr.imaging.timeline import Timeline
from deeptsr.jobs.frame_times import (
    PAIRS,
    Schedule,
    keeps_sound,
    require_constant_rate,
    schedule,
    stretch_of,
)
from deeptsr.jobs.resources.cost import Cost, estimate
from deeptsr.jobs.resources.fit_files import as_it_was_fitted, check_fit_files
from deeptsr.jobs.resources.memory import Clip, bounded, peak
from deeptsr.jobs.resources.stopwatch import Watch
from deeptsr.learning.recipe import climbs
from deeptsr.learning.strategy.shutter import share_of
from deeptsr.pyramid.plan import Stage, steps_of
from deeptsr.system import devices

__all__ = [
    "Job",
    "keeps_sound",
    "resolve",
    "resolve_file",
    "resolve_input",
    "stretch_of",
    "without_duplicates",
]

_LEAST_FRAMES = 4  # fewer teach nothing
_LEAST_SIDE = 16  # pixels


@dataclass(frozen=True)
class Job:
    """What is resolved before the work starts, of what was asked for."""

    asked: Options  # but for an exposure that was found in the video
    options: Resolved  # what they come to
    device: torch.device
    precision: torch.dtype
    stages: tuple[Stage, ...]
    smaller: tuple[tuple[Stage, ...], ...]  # plans that the motion may ask for: they begin smaller
    cost: Cost
    schedule: Schedule
    size: tuple[int, int]  # height, width
    shown: tuple[int, int]  # the same of the output
    cuts: tuple[int, ...] | None  # first frames of scenes, 0 excepted; None: they are to be found
    bits: tuple[float, float] = (0.0, 0.0)  # a pixel of the output, and of its parts
    dropped: int = 0  # frames that repeat the one before and are left out
    watch: Watch | None = None  # where the time is limited

    @property
    def least(self) -> int:
        """Frames that fitting needs at least; one where nothing is fitted in time."""
        return max(_LEAST_FRAMES, PAIRS * self.stages[0].step) if self.stages else 1

    @property
    def enlarges(self) -> bool:
        """Whether the output has more pixels."""
        return self.shown != self.size

    @property
    def frames(self) -> int:
        """Of the input."""
        return len(self.schedule.given)

    @property
    def bulk(self) -> tuple[int, int]:
        """Bytes of the output and of its parts, about."""
        pixels = len(self.schedule.shown) * self.shown[0] * self.shown[1]
        return round(pixels * self.bits[0] / 8), round(pixels * self.bits[1] / 8)

    def with_stages(self, stages: tuple[Stage, ...]) -> Job:
        """The job with another climb, and what that costs."""
        clip = Clip(self.frames, *self.size, self.shown)
        cost = estimate(stages, clip, self.options, self.device)
        return replace(self, stages=stages, smaller=(), cost=cost)

    def planned(self) -> Planned:
        """Tell the plan."""
        height, width = self.size
        shown = self.schedule.shown
        count = len(shown)
        return Planned(
            frames_in=self.frames,
            frames_out=count,
            width=width,
            height=height,
            rate_in=str(self.schedule.given.rate),
            rate_out=str(shown.rate),
            stages=tuple(stage.label for stage in self.stages),
            preset=self.options.preset,
            device=str(self.device),
            operations=self.cost.total,
            seconds=self.cost.seconds,
            memory_bytes=peak(
                Clip(self.frames, height, width, self.shown, self.schedule.opened is not None),
                self.options,
                self.stages,
            ),
            disk_bytes=sum(self.bulk),
            width_out=self.shown[1],
            height_out=self.shown[0],
            duration=float(shown.duration),
            dropped=self.dropped,
            exposure=self.options.exposure,
        )


def resolve(
    given: Timeline,
    height: int,
    width: int,
    options: Options,
    number: int = 0,
    first_from: Callable[[Fraction], int] | None = None,
    shown: tuple[int, int] | None = None,
) -> Job:
    """Resolve what was asked for, ``options``, on frames of an input.

    Args:
        given: when the frames are shown.
        height: of a frame, pixels.
        width: of a frame, pixels.
        options: as the user gave them.
        number: how many frames of the input come before these.
        first_from: which frame of the input is the first from a moment on, for a list of cuts.
        shown: height and width of a frame of the output, pixels; None: the same.

    Raises:
        InputError: when the frames cannot be used.
        OptionError: when a setting cannot be met.
    """
    if options.vfr == "error":
        require_constant_rate(given)
    job = _on_timeline(given, (height, width), shown or (height, width), options)
    if options.scenes == "auto":
        return job
    listed = () if options.scenes == "off" else read_cuts(Path(options.scenes), first_from)
    return replace(job, cuts=tuple(cut - number for cut in listed if 0 < cut - number < job.frames))


def _on_timeline(
    given: Timeline, size: tuple[int, int], shown: tuple[int, int], asked: Options
) -> Job:
    """What is resolved of any timeline, whatever made it vary, with cuts that are to be found."""
    frames, laid_out = len(given), schedule(given, asked)
    exposure = asked.exposure
    if not isinstance(exposure, str):
        exposure = nearest(exposure, steps_of(laid_out.factor))
    options = Resolved.of(asked, factor=laid_out.factor, exposure=exposure)
    height, width = size
    if options.factor == 1 and shown == size:
        raise OptionError(
            f"factor is 1 and the input has {width} x {height} pixels already: nothing would "
            "change; expected a larger `size`, or a factor of at least 2"
        )
    if frames < _LEAST_FRAMES and options.factor > 1:
        raise InputError(
            f"the input has {frames} frame{'s' * (frames != 1)}; expected at least "
            f"{_LEAST_FRAMES}: there is no motion to learn from in fewer"
        )
    if min(height, width) < _LEAST_SIDE:
        raise InputError(
            f"the input's frames have {width} x {height} pixels; expected at least "
            f"{_LEAST_SIDE} x {_LEAST_SIDE}; scale it up first"
        )
    device = devices.choose(options.device)
    options = as_it_was_fitted(options)
    stages, *smaller = climbs(options, height, width)
    needed = PAIRS * max((stage.step for stage in stages), default=0)
    if frames < needed:
        raise InputError(
            f"the input has {frames} frames, and factor {options.factor} takes a step of "
            f"{stages[0].step} at once; expected at least {needed} frames, or a factor that is a "
            "product of 2s and 3s, such as 8"
        )
    check_fit_files(options, stages, size)
    clip = Clip(frames, height, width, shown, laid_out.opened is not None)
    options = bounded(clip, options, stages, device)
    cost = estimate(stages, clip, options, device)
    precision = devices.precision(device)
    return Job(
        *(asked, options, device, precision, stages, tuple(smaller), cost, laid_out, size, shown),
        cuts=None,
    )


def resolve_file(
    source: str | Path, output: str | Path, options: Options | None, *, ours: bool = False
) -> tuple[Job, video.VideoInfo]:
    """Resolve the job of a file, and check that its output can be written.

    Args:
        source: a video, a GIF, or a folder of images.
        output: a video file, or a folder for PNGs.
        options: as the user gave them.
        ours: whether what has the output's name is of this very run, and stands in nobody's way.

    Returns:
        The job; and the input, whose notes tell what is known of the output, too.
    """
    options = config.given(options) or config.preset(devices.default_preset(devices.choose("auto")))
    devices.choose(options.device)
    check = partial(video.check_output, output, options.encode, ours=ours)
    check()  # before the input, which may take long to count
    job, info = without_duplicates(*resolve_input(source, options, output))
    notes = check(
        size=(job.shown[1], job.shown[0]),
        timeline=job.schedule.shown,
        source=info,
        alpha=info.keeps_alpha,
        audio=keeps_sound(options),
        audio_range=stretch_of(info, options),
        audio_slow=job.schedule.stretch,
    )
    bits = video.bits_a_pixel(output, options.encode, source=info, alpha=info.keeps_alpha)
    return replace(job, bits=bits), replace(info, notes=(*info.notes, *notes))


def resolve_input(
    source: str | Path, options: Options, output: str | Path = "a.mp4"
) -> tuple[Job, video.VideoInfo]:
    """Resolve the job of an input, as if it became an MP4 where the output is not known."""
    info = video.probe(
        source,
        deinterlace=options.deinterlace,
        background=options.background,
        video_stream=options.video_stream,
    )
    chosen = video.selected(info, options.start, options.end)
    # A whole video begins as long after its sound as it did.
    late = len(chosen) == info.frames and keeps_sound(options)
    lead = info.start - info.origin if late else Fraction(0)
    if options.exposure == "auto":
        frames = map(torch.from_numpy, video.read(info, options.start, options.end))
        options = replace(options, exposure=share_of(frames, len(chosen), options))
    given = info.timeline.part(chosen).starting_at(lead)
    alpha, encode = info.keeps_alpha, options.encode
    even = not options.keeps_size and video.needs_even(output, encode, source=info, alpha=alpha)
    size, aspect = (info.height, info.width), info.sample_aspect_ratio
    larger = frame_size(size, options.scale, options.size, aspect=aspect, even=even)
    info = replace(info, notes=(*info.notes, larger.note)) if larger.note else info
    shown = larger.height, larger.width
    job = resolve(given, info.height, info.width, options, chosen.start, info.first_from, shown)
    return replace(job, bits=video.bits_a_pixel("a.mp4", EncodeSettings())), info


def without_duplicates(job: Job, info: video.VideoInfo) -> tuple[Job, video.VideoInfo]:
    """Leave the duplicate frames out, where that is asked for: all frames are read once."""
    options = job.asked
    if options.duplicates == "keep":
        return job, info
    surveyed = survey(video.read(info, options.start, options.end))
    cuts = surveyed.cuts if job.cuts is None else job.cuts
    dropped = set(surveyed.duplicates).difference(cuts)  # a scene keeps its first frame
    if not dropped:
        return replace(job, cuts=cuts), info
    kept = [n for n in range(job.frames) if n not in dropped]
    # The rate varies by our doing, and cuts are known: neither is judged again.
    thin = _on_timeline(job.schedule.given.without(dropped), job.size, job.shown, options)
    moved = tuple(bisect_left(kept, cut) for cut in cuts)
    first = video.selected(info, options.start, options.end).start
    left = info.without({first + n for n in dropped})
    return replace(thin, cuts=moved, dropped=len(dropped), bits=job.bits), left
