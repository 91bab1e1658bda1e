"""Progress records: the library emits them, it never prints.

A caller passes ``on_event``, a function of one :class:`Event`. Every record is frozen, holds plain
numbers and strings only, and turns into one line of JSON by :func:`to_json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cache
from types import NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

__all__ = [
    "BatchDone",
    "BatchPlanned",
    "Budgeted",
    "Done",
    "Evaluated",
    "Event",
    "Examined",
    "FitKept",
    "FitReused",
    "Inspected",
    "Listener",
    "MixProposed",
    "Planned",
    "Pretrained",
    "Previewed",
    "Probed",
    "Progress",
    "Reported",
    "Scores",
    "SelfChecked",
    "Sharpened",
    "StageFitted",
    "Surveyed",
    "Taught",
    "TimeCorrected",
    "VideoEnded",
    "VideoProgress",
    "VideoStarted",
    "VideoWarned",
    "Warned",
    "ignore",
    "is_told",
    "to_json",
]


@dataclass(frozen=True)
class Event:
    """Base of all progress records."""


@dataclass(frozen=True)
class Planned(Event):
    """What is about to be done, before anything costly starts."""

    frames_in: int
    frames_out: int
    width: int
    height: int
    rate_in: str  # frames a second, an exact fraction such as "30000/1001"
    rate_out: str
    stages: tuple[str, ...]  # one line a stage, coarse to fine
    preset: str
    device: str
    operations: float  # estimated floating-point operations of fitting and rendering together
    seconds: float  # estimated wall time, from a nominal speed of the device
    memory_bytes: int  # estimated peak memory
    disk_bytes: int  # estimated size of the output and of what stands beside it while it is made
    duration: float = 0.0  # seconds that the output lasts; 0: not known
    dropped: int = 0  # frames of the input that repeat the one before and are left out
    exposure: str | float = "full"  # of the input: "full", "delta", or the share that was taken
    width_out: int = 0  # pixels of the output; 0: as the input
    height_out: int = 0


@dataclass(frozen=True)
class Budgeted(Event):
    """What was chosen for the run to end in its time."""

    budget: float  # seconds
    seconds: float  # that the whole run takes, as was measured here
    preset: str
    steps: tuple[int, ...]  # of each stage, at most
    ensemble: bool


@dataclass(frozen=True)
class Probed(Event):
    """What is in an input, and what would be done with it."""

    input: str
    container: str
    size_bytes: int
    codec: str
    pix_fmt: str
    depth: int  # bits a sample
    width: int  # pixels, as shown
    height: int
    rotation: int  # degrees clockwise, from the stored picture to the one shown
    mirrored: bool  # after the rotation
    sample_aspect_ratio: str  # of a pixel as shown, an exact fraction
    matrix: str  # as it is used to make RGB
    range: str
    primaries: str  # as the file names them, or "unknown"
    transfer: str
    hdr: bool
    alpha: bool
    interlaced: bool
    frames: int
    rate: str  # frames a second on the average, an exact fraction
    variable: bool  # whether frames are shown for different times
    duration: float  # seconds
    start: float  # seconds, in the container
    sounds: tuple[str, ...]
    subtitles: tuple[str, ...]
    others: tuple[str, ...]
    chapters: int
    notes: tuple[str, ...]  # what the user should know
    used: tuple[int, int]  # frames that are used: the first, and the one after the last
    cuts: tuple[int, ...]  # found: frames, of those used and from 0, that begin another scene
    cuts_used: tuple[int, ...]  # that a run would go by
    duplicates: tuple[int, ...]  # frames, of those used and from 0, that repeat the one before
    plan: Planned


@dataclass(frozen=True)
class Progress(Event):
    """Where the whole job stands."""

    fraction: float  # of all the work, fitting and rendering, in [0, 1]
    phase: str  # "read", "search", "fit", "render", "compare", "finish", "report"; "batch": many
    detail: str  # for people: "stage 2 of 3: fitting, step 120 of 400"


@dataclass(frozen=True)
class Surveyed(Event):
    """What was found in the frames, where there is more than one scene."""

    cuts: tuple[int, ...]  # frames, of those that are used and from 0, that begin another scene


@dataclass(frozen=True)
class StageFitted(Event):
    """One stage's network is fitted, or was found in the work folder."""

    stage: int  # from 1
    stages: int
    label: str  # such as "S1/4 T1 -> T2"
    gain_db: float  # over linear interpolation, on held-out pairs of this video
    steps: int  # optimiser steps made
    seconds: float
    outcome: str  # "fitted", "as known" (by the prior, or the stage before) or "interpolates"
    mix: tuple[float, float, float] = (1.0, 0.0, 0.0)  # of pairs: within, across, shift
    curve: tuple[tuple[str, int, float], ...] = ()  # of each validation: the fit, its step, dB
    learned: float = 1.0  # share of what the video taught, in its mean with what was known
    special: bool = False  # whether a specialist of the prior takes a part of it
    # What the result says of itself, where it was looked at:
    agreement: float | None = None  # share of the change that improves, 0 .. 1
    detour: float | None = None  # 1/4 is the straight way between two frames, above 1 a long one
    evenness: float | None = None  # 1: it moves within a frame as much as to the next


@dataclass(frozen=True)
class Examined(Event):
    """What a machine has for the work, and how long the work takes there."""

    versions: tuple[tuple[str, str], ...]  # of what, and which
    processor: str
    features: tuple[str, ...]  # what it can do, of that which matters
    cores: int  # that may be used
    threads: int  # that torch uses
    memory_bytes: int | None  # None: it cannot be told
    free_bytes: int | None
    cards: tuple[tuple[str, int], ...]  # that torch can use: names, and bytes of their memory
    device: str  # that would do the work
    precision: str  # of its convolutions: "float32" or "bfloat16"
    encoders: tuple[str, ...]  # that outputs take by themselves
    missing: tuple[str, ...]  # those of them that are not there
    priors: tuple[str, ...]
    folder: str  # where outputs would go
    disk_speed: float  # bytes a second written there
    disk_free: int
    clip: str  # that the times are of
    times: tuple[tuple[str, float], ...]  # presets, and seconds, about
    advice: tuple[str, ...] = ()  # what would make it faster, the most useful first


@dataclass(frozen=True)
class Previewed(Event):
    """A look at what a run would make is written."""

    output: str  # a film: the input on the left, the result on the right, in slow motion
    start: float  # of the stretch that it shows, seconds of the input
    end: float
    searched: float  # seconds of the input in which it was sought
    width: int  # of a panel, pixels
    height: int
    frames_in: int
    frames_out: int
    steps: int  # that were fitted for it; 0: it shows what is known beforehand
    seconds: float  # that it took
    whole: Planned  # what the whole run would do, and take


@dataclass(frozen=True)
class FitReused(Event):
    """What was fitted to another video is taken over, instead of a fit of its own."""

    file: str
    stages: tuple[str, ...]  # such as "S1/4 T1 -> T2"
    networks: int  # stages that have one; the others interpolate


@dataclass(frozen=True)
class FitKept(Event):
    """What was fitted is in a file, for another video."""

    file: str
    size_bytes: int


@dataclass(frozen=True)
class Taught(Event):
    """How far a prior has come, on clips that are never taught.

    It is the gain over interpolation, dB; of a classifier, percent of what moves that it tells
    right.
    """

    variant: str  # such as "any/full-1": the expert, the exposure, the pixels a side that it folds
    step: int
    leaves: float  # mean over clips of things of all kinds
    rotor: float  # the same of blades that turn


@dataclass(frozen=True)
class Sharpened(Event):
    """What a step in space gains over bicubic interpolation, where the truth is known."""

    scale: int  # of the sides
    gain_db: float  # on frames that were shrunk and enlarged again
    outcome: str  # "taught" (of a prior), "sharpened", or "interpolates": no gain was found
    steps: int = 0  # that a prior was taught
    share: float = 1.0  # of what the network adds that is taken, 0 .. 1
    agreement: float = 1.0  # with the frames, 0 .. 1; less where they are coded or noisy


@dataclass(frozen=True)
class Pretrained(Event):
    """A prior is made, and stands under its name."""

    output: str
    size_bytes: int
    seconds: float
    space: bool = False  # whether it finds detail


@dataclass(frozen=True)
class TimeCorrected(Event):
    """What the whole run takes, told anew: a stage takes less than was planned."""

    stage: int  # from 1
    seconds: float  # of the whole run, where the plan told of more
    reason: str = ""  # what the stage does: "learns nothing ...", "begins at 1/4 of the size"


@dataclass(frozen=True)
class SelfChecked(Event):
    """The honest self-check: the video's own frames, averaged in pairs and predicted again."""

    psnr_db: float
    linear_psnr_db: float
    gain_db: float
    frames: int  # frames that were compared
    confidence: str = "likely"  # "sure", "likely" or "guess": whether what moves goes the right way
    closes: bool = False  # whether the shutter looks as if it closed, and was taken for open


@dataclass(frozen=True)
class MixProposed(Event):
    """Which shares of pairs a video's motion speaks for; the fit's first steps may overrule it."""

    within: float
    across: float
    shift: float
    reason: str


@dataclass(frozen=True)
class Inspected(Event):
    """Where a video repeats itself is found, and written."""

    outputs: tuple[str, ...]
    across: float  # of all neighbours, found across dimensions, percent
    mix: tuple[float, float, float]  # of pairs, that it speaks for: within, across, shift
    reason: str  # for this mix
    seconds: float


@dataclass(frozen=True)
class Warned(Event):
    """Something that the user should know and that does not stop the work."""

    message: str


@dataclass(frozen=True)
class Done(Event):
    """The output is whole and stands under its name."""

    output: str
    frames: int
    rate: str
    seconds: float


@dataclass(frozen=True)
class BatchPlanned(Event):
    """What a batch is about to do."""

    videos: int  # all that were found
    skipped: int  # of those, that are done already
    engine: str  # for people: where the work is done
    manifest: str  # the file that tells what became of each video
    fit: str | None = None  # the file of the fit that they share


@dataclass(frozen=True)
class VideoStarted(Event):
    """An attempt at a video of a batch has begun."""

    video: str
    output: str
    attempt: int  # from 1
    fit: str | None = None  # its part in a shared fit: "made" or "taken"; None: a fit of its own


@dataclass(frozen=True)
class VideoProgress(Event):
    """Where a video of a batch stands."""

    video: str
    fraction: float  # of its work, in [0, 1]
    detail: str
    place: str | None = None  # where it is worked on, said once an attempt


@dataclass(frozen=True)
class VideoWarned(Event):
    """Something that the user should know about a video of a batch."""

    video: str
    message: str


@dataclass(frozen=True)
class VideoEnded(Event):
    """What became of a video of a batch."""

    video: str
    output: str
    state: str  # "done", "skipped" or "failed"
    attempts: int
    seconds: float  # of all attempts
    gain_db: float | None  # of its self-check, where it came to that
    error: str | None  # what went wrong
    confidence: str | None = None  # of its self-check, as SelfChecked has it
    fit: str | None = None  # as VideoStarted has it


@dataclass(frozen=True)
class BatchDone(Event):
    """A batch is at its end."""

    done: int
    skipped: int
    failed: int
    seconds: float


@dataclass(frozen=True)
class Reported(Event):
    """The page that shows the run stands under its name."""

    page: str
    size_bytes: int


@dataclass(frozen=True)
class Scores:
    """How close one method comes to the truth; means are over frames."""

    method: str  # "result", "repeat", "linear" or "minterpolate"; see evaluation.baselines
    psnr_db: float  # mean; an exact frame counts 99 dB
    ssim: float  # mean, at most 1
    profile_psnr_db: float  # mean over x-t slices
    flicker: float  # mean error of the change of brightness between neighbours, 8-bit levels
    vmaf: float | None  # mean, 0 .. 100; None: not measured
    lpips: float | None  # mean, 0 is best; None: not measured
    gain_db: float | None  # PSNR of the result less that of this method; None: it is the result
    frames_psnr_db: tuple[float, ...]
    frames_ssim: tuple[float, ...]
    luma_psnr_db: float | None = None  # mean of brightness alone


@dataclass(frozen=True)
class Evaluated(Event):
    """A result was compared with its truth."""

    result: str
    truth: str
    frames: int
    width: int
    height: int
    rate: str  # frames a second, an exact fraction
    scores: tuple[Scores, ...]  # the result's first


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing: the default listener."""


def to_json(event: Event) -> str:
    """One event as one line of JSON, its class name under ``"event"``."""
    return json.dumps({"event": type(event).__name__, **asdict(event)}, allow_nan=False)


def is_told(event: Mapping[str, Any]) -> bool:
    """Whether what was read of the JSON of an event has its fields, of the right kinds.

    Args:
        event: its name under "event". One that is not known here, as a later version may tell it,
            passes: nobody looks at it.
    """
    kind: Any = globals().get(event["event"]) if event["event"] in __all__ else None
    if not (isinstance(kind, type) and issubclass(kind, Event)):
        return True
    return all(
        _is(event[field.name], _hints(cast(Hashable, kind))[field.name])
        if field.name in event
        else field.default is not MISSING  # which an earlier version did not tell yet
        for field in fields(kind)
    )


_MOST = 1e100  # of a number: what is larger, or none, nobody counted


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


def _is(value: Any, hint: Any) -> bool:
    parts = get_args(hint)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            return False
        kinds = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return len(value) == len(kinds) and all(map(_is, value, kinds))
    if parts:
        return any(_is(value, part) for part in parts)
    if hint in (int, float):
        return type(value) in {int, hint} and abs(value) < _MOST
    return type(value) is (hint if hint in (str, bool, NoneType) else dict)
