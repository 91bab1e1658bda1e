"""Events in words: every sentence that a person reads is made here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from deeptsr.config import Options
from deeptsr.events import (
    BatchDone,
    BatchPlanned,
    Budgeted,
    Done,
    Evaluated,
    Event,
    Examined,
    FitKept,
    FitReused,
    Inspected,
    MixProposed,
    Planned,
    Pretrained,
    Previewed,
    Probed,
    Progress,
    Reported,
    SelfChecked,
    Sharpened,
    StageFitted,
    Surveyed,
    Taught,
    TimeCorrected,
    VideoEnded,
    VideoProgress,
    VideoStarted,
    VideoWarned,
    Warned,
)
from deeptsr.system.humanize import counted, duration, rate, size

from ..escapes import clean, with_names_on_one_line
from .notes import Detail, Error, Stopping
from .score_table import table
from .sheets.doctor import sheet as doctor_sheet
from .sheets.preview import previewed
from .sheets.probe import plan_rows, sheet
from .teaching import pretrained, taught

__all__ = ["as_flags", "sentence", "settings"]

_TOLD = 10  # cuts


def sentence(event: Event, *, verbose: bool = False) -> str:
    """Write one event as text of one or more lines, without control characters.

    Args:
        event: what happened; an event that is not known here is told field by field.
        verbose: tell all of its figures.
    """
    tell = _SENTENCES.get(type(event), _any)
    plain = event if isinstance(event, Detail) else with_names_on_one_line(event)
    return clean(tell(plain, verbose))


def settings(options: Options) -> str:
    """Write all settings of a run, a line a section."""
    lines = [""]
    for name, value in asdict(options).items():
        if isinstance(value, dict):
            lines.append(f"{name}: " + ", ".join(f"{k} {v}" for k, v in value.items()))
        else:
            lines[0] += f", {name} {value}" if lines[0] else f"{name} {value}"
    return "\n".join(lines)


def as_flags(event: Event) -> Event:
    """Name settings as flags in what an event tells: the library writes `work_dir`."""
    if isinstance(event, (Warned, VideoWarned, Error)):
        return replace(event, message=_as_flags(event.message))
    if isinstance(event, Probed):
        return replace(event, notes=tuple(map(_as_flags, event.notes)))
    return event


def _as_flags(text: str) -> str:
    return re.sub("`([a-z_]+)`", lambda name: "--" + name[1].replace("_", "-"), text)


def _planned(event: Planned, verbose: bool) -> str:
    return "\n".join(f"{name:<8}{value}" for name, value in plan_rows(event, verbose))


def _budgeted(event: Budgeted, verbose: bool) -> str:
    *before, last = event.steps or (0,)
    steps = " + ".join([*map(str, before), counted(last, "step")])
    return (
        f"time budget {duration(event.budget)}: preset {event.preset}, {steps}, "
        f"{'with' if event.ensemble else 'without'} the ensemble; about {duration(event.seconds)}"
    )


def _progress(event: Progress, verbose: bool) -> str:
    return f"{event.fraction:4.0%}  {event.detail}" + (f"  [{event.phase}]" if verbose else "")


def _time_corrected(event: TimeCorrected, verbose: bool) -> str:
    return f"stage {event.stage} {event.reason}: about {duration(event.seconds)} in all"


def _surveyed(event: Surveyed, verbose: bool) -> str:
    told = len(event.cuts) if verbose else _TOLD
    names = [str(cut) for cut in event.cuts[:told]]
    more = ", ..." if len(event.cuts) > told else ""
    plural = "s" * (len(event.cuts) > 1)
    return (
        f"{len(event.cuts) + 1} scenes, each taken by itself: cut{plural} before "
        f"frame{plural} {', '.join(names)}{more}, counted from 0"
    )


def _stage_fitted(event: StageFitted, verbose: bool) -> str:
    text = f"stage {event.stage} of {event.stages}"
    if verbose:
        text += f" ({event.label})"
    text += f": {event.outcome}, {event.gain_db:+.1f} dB against linear interpolation"
    if verbose:
        text += f", {counted(event.steps, 'step')} in {duration(event.seconds)}"
        text += f", pairs {_mix(*event.mix)}"
        if event.agreement is not None:
            text += f", agrees with itself by {event.agreement:.0%}"
    return text


def _mix(within: float, across: float, shift: float) -> str:
    total = within + across + shift
    return f"{within / total:.0%} within, {across / total:.0%} across, {shift / total:.0%} shift"


def _mix_proposed(event: MixProposed, verbose: bool) -> str:
    return f"pairs to try: {_mix(event.within, event.across, event.shift)}" + (
        f" ({event.reason})" if verbose else ""
    )


def _inspected(event: Inspected, verbose: bool) -> str:
    return (
        f"{event.across:.0f} % of neighbours lie across dimensions; suggested pairs: "
        f"{_mix(*event.mix)} ({event.reason})\n"
        f"wrote {', '.join(event.outputs)} in {duration(event.seconds)}"
    )


_CONFIDENCE = {"sure": "sure", "likely": "likely right", "guess": "a guess"}


def _self_checked(event: SelfChecked, verbose: bool) -> str:
    text = (
        f"self-check: {event.gain_db:+.1f} dB over linear interpolation "
        "on this video's own held-out frames; the way that things move is "
        f"{_CONFIDENCE[event.confidence]}"
    )
    if verbose:
        text += (
            f" ({event.psnr_db:.2f} dB against {event.linear_psnr_db:.2f} dB, "
            f"{event.frames} frames)"
        )
    return text


def _sharpened(event: Sharpened, verbose: bool) -> str:
    told = f"{event.gain_db:+.2f} dB over bicubic, on frames that were shrunk and enlarged again"
    if event.outcome == "taught":
        return f"detail, step {event.steps}: {event.gain_db:+.2f} dB on clips that are never taught"
    added = "none" if event.outcome == "interpolates" else f"{event.share:.0%} of what was found"
    left = f"; {event.agreement:.0%} of the frames is believed"
    return f"detail: {added} is added; {told}{left if event.agreement < 1 else ''}"


def _done(event: Done, verbose: bool) -> str:
    place = "to stdout" if event.output == "-" else event.output
    return (
        f"wrote {place}: {event.frames} frames at {rate(event.rate)} fps "
        f"in {duration(event.seconds)}"
    )


def _batch_planned(event: BatchPlanned, verbose: bool) -> str:
    text = f"{_videos(event.videos)}, {event.engine}"
    if event.skipped:
        text += f"; {event.skipped} of them done already"
    return text + (f"; manifest {event.manifest}" if verbose else "")


_SHARED = {"made": ", makes the shared fit", "taken": ", takes the shared fit"}


def _video_started(event: VideoStarted, verbose: bool) -> str:
    again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
    shared = _SHARED.get(event.fit or "", "")
    return f"{event.video}: started{again}{shared}" + (f", to {event.output}" if verbose else "")


def _video_progress(event: VideoProgress, verbose: bool) -> str:
    where = f"  [{event.place}]" if event.place else ""
    return f"{event.video}: {event.fraction:4.0%}  {event.detail}{where}"


def _video_ended(event: VideoEnded, verbose: bool) -> str:
    if event.state == "failed":
        return f"{event.video}: failed: {event.error}"
    if event.state == "skipped":
        return f"{event.video}: done already"
    gain = "" if event.gain_db is None else f", self-check {event.gain_db:+.1f} dB"
    return f"{event.video}: done in {duration(event.seconds)}{gain}"


def _batch_done(event: BatchDone, verbose: bool) -> str:
    text = f"{_videos(event.done)} done"
    text += f", {event.skipped} done before" if event.skipped else ""
    text += f", {event.failed} failed" if event.failed else ""
    return f"{text}, in {duration(event.seconds)}"


def _videos(count: int) -> str:
    return f"{count} video{'s' * (count != 1)}"


def _reported(event: Reported, verbose: bool) -> str:
    return f"wrote {event.page}: {size(event.size_bytes)}, open it in a browser"


def _error(event: Error, verbose: bool) -> str:
    # A bug says so itself; and being interrupted is no error.
    says_so = event.exit_code == 1 or event.exit_code > 128
    return event.message if says_so else f"error: {event.message}"


def _fit_reused(event: FitReused, verbose: bool) -> str:
    text = f"{event.networks} of {len(event.stages)} stages have a network from {event.file}"
    return text + (f" ({', '.join(event.stages)})" if verbose else "")


def _fit_kept(event: FitKept, verbose: bool) -> str:
    text = f"wrote {event.file}: {size(event.size_bytes)}; the next video like this one can have it"
    return f"{text} with --fit {event.file}"


def _any(event: Event, verbose: bool) -> str:
    fields = ", ".join(f"{name} {value}" for name, value in asdict(event).items())
    return f"{type(event).__name__}: {fields}"


_SENTENCES: dict[type[Event], Callable[[Any, bool], str]] = {
    Planned: _planned,
    Previewed: previewed,
    Probed: sheet,
    Examined: doctor_sheet,
    Budgeted: _budgeted,
    Progress: _progress,
    StageFitted: _stage_fitted,
    MixProposed: _mix_proposed,
    SelfChecked: _self_checked,
    Sharpened: _sharpened,
    Inspected: _inspected,
    Surveyed: _surveyed,
    TimeCorrected: _time_corrected,
    Warned: lambda event, verbose: f"warning: {event.message}",
    Done: _done,
    Reported: _reported,
    FitReused: _fit_reused,
    FitKept: _fit_kept,
    Taught: taught,
    Pretrained: pretrained,
    BatchPlanned: _batch_planned,
    VideoStarted: _video_started,
    VideoProgress: _video_progress,
    VideoWarned: lambda event, verbose: f"warning: {event.video}: {event.message}",
    VideoEnded: _video_ended,
    BatchDone: _batch_done,
    Evaluated: table,
    Error: _error,
    Stopping: lambda event, verbose: "stopping after this step; once more to stop at once",
    Detail: lambda event, verbose: event.text,
}
