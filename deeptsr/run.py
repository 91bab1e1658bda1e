"""One video in, one video out: read, fit, climb, write."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deeptsr import budget, config, devices
from deeptsr.config import Options
from deeptsr.cost import Cost, affordable, chunk_length, estimate, part_length
from deeptsr.cutlist import read_cuts
from deeptsr.errors import InputError, OptionError, ResourceError
from deeptsr.events import Done, Listener, Planned, Progress, Warned, ignore
from deeptsr.excerpt import Frames, read_excerpt
from deeptsr.figures import size
from deeptsr.keeping import Checkpoints
from deeptsr.lock import locked
from deeptsr.plan import Stage, plan
from deeptsr.pyramid import FittedStage, first_needed, stream
from deeptsr.retime import needed, ready, retime
from deeptsr.room import Room
from deeptsr.scenes import survey
from deeptsr.schedule import Schedule, schedule
from deeptsr.selfcheck import self_check
from deeptsr.stages import fit_stages
from deeptsr.timeline import Timeline
from deeptsr.volume import as_volume
from deeptsr.workfolder import LOCK, WorkFolder, identity

if TYPE_CHECKING:  # arrays are upscaled without codecs
    from deeptsr.io import VideoInfo

__all__ = ["plan_file", "plan_input", "upscale_array", "upscale_file"]

_LEAST_FRAMES = 4  # fewer teach nothing
_PAIRS = 2  # LTR frames that the first stage's pairs need at least
_LEAST_SIDE = 16  # pixels
_SPARED = 8  # groups of LTR frames, of which some can be spared to judge a fit
_NO_GAIN = 0.05  # dB: what the self-check calls nothing


@dataclass(frozen=True)
class _Job:
    """What is settled before the work starts."""

    options: Options
    device: torch.device
    precision: torch.dtype
    stages: tuple[Stage, ...]
    cost: Cost
    schedule: Schedule
    size: tuple[int, int]  # height, width
    cuts: tuple[int, ...] | None  # first frames of scenes, 0 excepted; None: they are to be found
    dropped: int = 0  # frames that repeat the one before and are left out
    watch: budget.Watch | None = None  # where the time is limited

    @property
    def least(self) -> int:
        """Frames that fitting needs at least."""
        return max(_LEAST_FRAMES, _PAIRS * self.stages[0].step)

    @property
    def excerpt(self) -> int:
        """Frames that fitting looks at, at most."""
        height, width = self.size
        room = max(8 * _LEAST_FRAMES, 2 * affordable(self.options) // (height * width))
        return max(_PAIRS * self.stages[0].step, min(self.options.pyramid.excerpt, room))

    @property
    def frames(self) -> int:
        """Of the input."""
        return len(self.schedule.given)

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
            memory_bytes=self.cost.memory,
            disk_bytes=count * height * width // 4,  # 2 bits a pixel: H.264 of good quality
            duration=float(shown.duration),
            dropped=self.dropped,
        )


def _job(
    given: Timeline,
    height: int,
    width: int,
    options: Options,
    number: int = 0,
    first_from: Callable[[Fraction], int] | None = None,
) -> _Job:
    """Settle a job on frames that the input counts from ``number`` on."""
    frames, laid_out = len(given), schedule(given, options)
    options = replace(options, factor=laid_out.factor)
    if frames < _LEAST_FRAMES:
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
    stages = plan(options.factor, height, width, options.pyramid.coarsest)
    needed = _PAIRS * stages[0].step
    if frames < needed:
        raise InputError(
            f"the input has {frames} frames, and factor {options.factor} takes a step of "
            f"{stages[0].step} at once; expected at least {needed} frames, or a factor that is a "
            "product of 2s and 3s, such as 8"
        )
    cost = estimate(stages, frames, height, width, options, device)
    if options.memory is not None and cost.memory > options.memory:
        raise ResourceError(
            f"memory is {size(options.memory)} and even the smallest chunk of {width} x {height} "
            f"pixels needs about {size(cost.memory)}; expected at least that; allow more, or scale "
            "the video down first"
        )
    precision = devices.precision(device)
    cuts: tuple[int, ...] | None = None if options.scenes == "auto" else ()
    if options.scenes not in ("auto", "off"):
        listed = read_cuts(Path(options.scenes), first_from)
        cuts = tuple(cut - number for cut in listed if 0 < cut - number < frames)
    return _Job(options, device, precision, stages, cost, laid_out, (height, width), cuts)


def _in_time(
    job: _Job, began: float, on_event: Listener, checkpoints: Checkpoints | None = None
) -> _Job:
    """Cut a job such that it ends within its time budget, if it has one."""
    if job.options.time_budget is None:
        return job
    task = budget.Task(job.frames, *job.size, job.device, job.precision)
    length = min(job.frames, job.excerpt)
    options, watch = budget.within(task, job.options, length, began, on_event, checkpoints)
    stages = plan(options.factor, *job.size, options.pyramid.coarsest)
    cost = estimate(stages, job.frames, *job.size, options, job.device)
    cost = replace(cost, seconds=watch.seconds)
    return replace(job, options=options, stages=stages, cost=cost, watch=watch)


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
    job = _job(Timeline.constant(Fraction(1), count), height, width, options)
    job = _in_time(job, time.monotonic(), on_event)
    clip = clip.expand(-1, -1, -1, 3)
    with _out_of_memory():
        excerpt, cuts = _look(job, lambda: (frame.numpy() for frame in clip), on_event)
        fitted = _fit(job, excerpt, on_event, None)
        result = np.empty((count * job.options.factor, height, width, 3), np.float32)
        made = 0
        for volume in _climb(job, fitted, iter(clip), cuts, on_event):
            result[made : made + len(volume)] = volume.cpu().numpy()
            made += len(volume)
    return result if channels == 3 else result.mean(axis=3, keepdims=True, dtype=np.float32)


def plan_file(source: str | Path, output: str | Path, options: Options | None = None) -> Planned:
    """Check input and output and say what would be done; nothing is written.

    Raises:
        InputError: when the input cannot be used.
        OptionError: when a setting or the output cannot be met.
    """
    began = time.monotonic()
    job, _ = _checked(source, output, options)
    return _in_time(job, began, ignore).planned()


def plan_input(
    source: str | Path, options: Options | None = None
) -> tuple[Planned, VideoInfo, tuple[int, ...] | None]:
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
    job, info = _settled(source, options)
    thinned, _ = _thinned(job, info)
    return _in_time(thinned, began, ignore).planned(), info, job.cuts


def _checked(
    source: str | Path, output: str | Path, options: Options | None
) -> tuple[_Job, VideoInfo]:
    from deeptsr import io  # noqa: PLC0415, the core runs without codecs

    options = options or config.preset(devices.default_preset(devices.choose("auto")))
    devices.choose(options.device)
    io.check_output(output, options.encode)  # before the input, which may take long to count
    job, info = _thinned(*_settled(source, options))
    io.check_output(
        output,
        options.encode,
        size=(info.width, info.height),
        timeline=job.schedule.shown,
        source=info,
        alpha=info.keeps_alpha,
    )
    return job, info


def _settled(source: str | Path, options: Options) -> tuple[_Job, VideoInfo]:
    from deeptsr import io  # noqa: PLC0415, the core runs without codecs

    info = io.probe(source, deinterlace=options.deinterlace, background=options.background)
    chosen = io.selected(info, options.start, options.end)
    # A whole video begins as long after its sound as it did.
    late = len(chosen) == info.frames and _sounds(options)
    lead = info.start - info.origin if late else Fraction(0)
    given = info.timeline.part(chosen).starting_at(lead)
    return _job(given, info.height, info.width, options, chosen.start, info.first_from), info


def _thinned(job: _Job, info: VideoInfo) -> tuple[_Job, VideoInfo]:
    """Leave the duplicate frames out, where that is asked for: all frames are read once."""
    from deeptsr import io  # noqa: PLC0415, the core runs without codecs

    options = job.options
    if options.duplicates == "keep":
        return job, info
    found = survey(io.read(info, options.start, options.end))
    cuts = found.cuts if job.cuts is None else job.cuts
    dropped = set(found.duplicates).difference(cuts)  # a scene keeps its first frame
    if not dropped:
        return replace(job, cuts=cuts), info
    kept = [n for n in range(job.frames) if n not in dropped]
    # The rate varies by our doing, and cuts are known: neither is to be judged again.
    vfr = "keep" if options.vfr == "error" else options.vfr
    settled = replace(options, vfr=vfr, scenes="off")
    thin = _job(job.schedule.given.without(dropped), *job.size, settled)
    options = replace(thin.options, vfr=options.vfr, scenes=options.scenes)
    moved = tuple(bisect_left(kept, cut) for cut in cuts)
    first = io.selected(info, options.start, options.end).start
    left = info.without({first + n for n in dropped})
    return replace(thin, options=options, cuts=moved, dropped=len(dropped)), left


def _sounds(options: Options) -> bool:
    return options.slow_audio or not options.slow_motion


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
    from deeptsr import io  # noqa: PLC0415, the core runs without codecs

    began = time.monotonic()
    options = options or config.preset(devices.default_preset(devices.choose("auto")))
    folder = _work_path(output, options)
    done = WorkFolder.published(folder, Path(os.path.abspath(output)))
    lenient = replace(options, encode=replace(options.encode, overwrite=True)) if done else options
    job, info = _checked(source, output, lenient)
    with _alone(output, options):
        # Another list of cuts is another run, under whatever name.
        cuts = job.options.scenes if job.cuts is None else repr(job.cuts)
        known = replace(job.options, scenes=cuts)
        who = identity(info.path, known, job.device) | {"output": _parts_of(output, job)}
        work = WorkFolder(folder, who, resume=options.resume)
        if done and not WorkFolder.published(folder, Path(os.path.abspath(output))):
            io.check_output(output, options.encode)  # it is another run's after all
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


@contextmanager
def _alone(output: str | Path, options: Options) -> Iterator[None]:
    """Keep other runs away from the output, and from a work folder of the user's own."""
    place = Path(os.path.abspath(output))
    with ExitStack() as stack:
        lock = place.with_name(f".{place.name}.lock")
        stack.enter_context(locked(lock, f"the output {place}"))
        if options.work_dir is not None:
            folder = Path(options.work_dir)
            with suppress(OSError):  # which is told where the folder is opened
                folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(folder / LOCK, f"the work folder {folder}"))
        yield


def _upscale(
    job: _Job,
    info: VideoInfo,
    output: str | Path,
    work: WorkFolder,
    began: float,
    on_event: Listener,
) -> None:
    """Do the work of :func:`upscale_file`."""
    from deeptsr import io  # noqa: PLC0415, the core runs without codecs

    options = job.options
    for note in info.notes:
        on_event(Warned(note))
    if info.has_audio and not _sounds(options):
        on_event(Warned("the sound is left out of slow motion; --slow-audio stretches it along"))
    if work.note:
        on_event(Warned(work.note))
    job = _in_time(job, began, on_event, work)
    on_event(job.planned())
    place = Path(os.path.abspath(output)).parent
    room = Room(work.path, place, job.planned().disk_bytes, on_event)
    on_event(Progress(0.0, "read", "reading"))
    with _out_of_memory():
        excerpt, cuts = _look(job, lambda: io.read(info, options.start, options.end), on_event)
        fitted = _fit(job, excerpt, on_event, work)
        del excerpt
        chosen = io.selected(info, options.start, options.end)
        begin, end = (info.timeline.moment(i) - info.start for i in (chosen.start, chosen.stop))
        shown = job.schedule.shown
        count = len(shown)
        with io.VideoWriter(
            output,
            size=(info.width, info.height),
            timeline=shown,
            source=info,
            settings=options.encode,
            audio=_sounds(options),
            audio_range=None if len(chosen) == info.frames else (begin, end),
            audio_slow=job.schedule.stretch,
            scratch=work.path,
            alpha=info.keeps_alpha,
        ) as writer:
            begun = _begun(job, cuts, writer.count)
            skip = first_needed(fitted, begun, options.exposure, cuts)
            damage: list[str] = []
            read = io.read(
                *(info, options.start, options.end),
                skip=skip,
                alpha=info.keeps_alpha,
                notes=damage,
            )
            frames = (torch.from_numpy(frame.copy()) for frame in read)
            climbed, ends = _climb(job, fitted, frames, cuts, on_event, begun), _ends(job, cuts)
            for volume in _exposed(job, climbed, cuts, begun, writer.count):
                writer.write(volume.cpu().numpy())
                if writer.count in ends:
                    writer.cut()
                    sizes = writer.part_sizes
                    room.check(writer.count, count, sum(sizes), max(sizes))
            on_event(Progress(1.0, "finish", "finishing the file"))
            writer.finish(count, on_whole=work.publishing)
            for note in (*damage, *writer.notes):
                on_event(Warned(note))


def _parts_of(output: str | Path, job: _Job) -> dict[str, Any]:
    """What must agree for finished parts of an output to be of use, beside the fit."""
    from deeptsr import io  # noqa: PLC0415, the core runs without codecs

    encode = asdict(job.options.encode)
    del encode["overwrite"]
    return encode | {
        "path": os.path.abspath(output),
        "frames in a part": part_length(*job.size, job.options),
        "encoders": io.versions(),
    }


def _work_path(output: str | Path, options: Options) -> Path:
    if options.work_dir is not None:
        return Path(options.work_dir)
    place = Path(output)
    return place.parent / f".{place.name}.deeptsr"


def _look(job: _Job, frames: Frames, on_event: Listener) -> tuple[Tensor, tuple[int, ...]]:
    """Read the frames to fit on, and the first frames of scenes."""
    step = job.stages[0].step
    pictures, cuts = read_excerpt(
        frames, job.frames, job.cuts, job.excerpt, (job.least, _SPARED * step), on_event
    )
    return torch.from_numpy(np.stack(pictures)), cuts


def _fit(
    job: _Job, excerpt: Tensor, on_event: Listener, checkpoints: Checkpoints | None
) -> tuple[FittedStage, ...]:
    if len(excerpt) < job.least:
        on_event(
            Warned(
                f"no scene has more than {len(excerpt)} frames; expected at least {job.least} in "
                "one to learn from: this is plain interpolation; --scenes off takes all as one"
            )
        )
        return tuple(FittedStage(stage, None) for stage in job.stages)
    clip, watch = excerpt.to(job.device), job.watch

    def fraction(stage: int, share: float) -> float:
        if watch:
            watch.at(stage, share)
        return job.cost.fitting(stage, share)

    fitted = fit_stages(
        clip,
        job.stages,
        job.options,
        precision=job.precision,
        on_event=on_event,
        fraction=fraction,
        checkpoints=checkpoints,
        enough=watch.enough if watch else lambda: False,
    )
    if watch and watch.cut:
        on_event(
            Warned(
                "this machine is slower than it was at the start: fitting ended early, to keep "
                "the time budget"
            )
        )
    check = self_check(fitted, clip, job.options, job.precision)
    on_event(check)
    if check.gain_db < _NO_GAIN:
        on_event(
            Warned(
                f"the self-check found no gain over linear interpolation ({check.gain_db:+.2f} dB) "
                "on this video's own frames: it may be static, too short, or too unlike itself"
            )
        )
    if watch and watch.late() and job.options.pyramid.ensemble:
        on_event(Warned("the ensemble is left out, to keep the time budget"))
        fitted = tuple(replace(stage, ensemble=False) for stage in fitted)
    return fitted


def _climb(
    job: _Job,
    fitted: tuple[FittedStage, ...],
    frames: Iterator[Tensor],
    cuts: tuple[int, ...],
    on_event: Listener,
    start: int = 0,
) -> Iterator[Tensor]:
    """Yield the result from an input frame on, in order, clipped to [0, 1]."""
    height, width = job.size
    factor, settings = job.options.factor, job.options.pyramid
    total = job.frames * factor
    chunk = chunk_length(height, width, job.options)
    on_device = (frame.to(job.device) for frame in frames)
    made = start * factor
    for volume in stream(
        fitted,
        on_device,
        job.frames,
        chunk,
        start=start,
        exposure=job.options.exposure,
        rounds=settings.rounds,
        precision=job.precision,
        cuts=cuts,
    ):
        yield volume.clamp_(0, 1)
        made += len(volume)
        share = job.cost.climbing(made / total)
        on_event(Progress(share, "render", f"rendering, frame {made} of {total}"))


def _exposed(
    job: _Job, volumes: Iterator[Tensor], cuts: tuple[int, ...], start: int = 0, made: int = 0
) -> Iterator[Tensor]:
    """Yield the output's frames from ``made`` on, of those climbed from frame ``start`` on."""
    fine, opened, factor = job.schedule.fine, job.schedule.opened, job.options.factor
    if opened is None:
        return volumes
    apart = [cut * factor for cut in cuts]
    exposure, first = job.options.exposure, start * factor
    return retime(volumes, fine, opened, exposure, first=first, made=made, cuts=apart)


def _begun(job: _Job, cuts: tuple[int, ...], made: int) -> int:
    """Return the input frame from which on to climb for the output's frames from ``made`` on."""
    plan, factor = job.schedule, job.options.factor
    if plan.opened is None:
        return made // factor
    chunk = chunk_length(*job.size, job.options)
    frame = needed(plan.fine, plan.opened, made) // factor
    scene = max((cut for cut in cuts if cut <= frame), default=0)
    return scene + (frame - scene) // chunk * chunk


def _ends(job: _Job, cuts: tuple[int, ...]) -> set[int]:
    """Return how many frames of the output there are at the end of each part."""
    plan, factor = job.schedule, job.options.factor
    chunk, part = (length(*job.size, job.options) for length in (chunk_length, part_length))
    ends = [0]
    for start, stop in pairwise((0, *cuts, job.frames)):
        for end in (*range(start + chunk, stop, chunk), stop):
            ends += [end] if end - ends[-1] >= part else []
    known = [end * factor for end in ends if 0 < end < job.frames]
    if plan.opened is None:
        return set(known)
    return {ready(plan.fine, plan.opened, end, job.options.exposure) for end in known}


@contextmanager
def _out_of_memory() -> Iterator[None]:
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ResourceError(
            "memory ran out; expected what the plan says (--dry-run shows it); close other "
            "programs, or scale the video down first"
        ) from error
