"""A video in, pictures and numbers of where it repeats itself out."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deeptsr import video
from deeptsr.analysis.excerpt import choose, window
from deeptsr.analysis.heatmap import blend, draw, strip
from deeptsr.analysis.pair_mix import propose, uniform_motion
from deeptsr.analysis.recurrence import Recurrence, inspect, least_size, statistics
from deeptsr.analysis.scenes import survey
from deeptsr.config import EncodeSettings, PairSettings, RecurrenceSettings
from deeptsr.errors import OptionError
from deeptsr.events import Inspected, Listener, MixProposed, Progress, Warned, ignore
from deeptsr.imaging.resample import resize
from deeptsr.pyramid.plan import plan
from deeptsr.system import devices
from deeptsr.system.distinct import check_distinct
from deeptsr.system.files import check_file, write_whole
from deeptsr.system.lock import alone

__all__ = ["inspect_file"]

PICTURES = (".png", ".svg", ".pdf")
_LONGEST = 96  # frames that are searched around a single one
_MOST = 300  # frames of one heatmap video
_SIDE = 640  # pixels of the long side of the frames that are kept, for the pictures


def inspect_file(
    source: str | Path,
    output: str | Path | None = None,
    json_output: str | Path | None = None,
    settings: RecurrenceSettings | None = None,
    *,
    frames: tuple[int, int] | None = None,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    on_event: Listener = ignore,
) -> dict[str, Any]:
    """Find out where a video repeats itself, within its dimensions and across them.

    Args:
        source: a video, a GIF, or a folder of images.
        output: a picture (.png, .svg, .pdf), or a video of heatmaps; None: no picture.
        json_output: file for the statistics; None: none.
        settings: of the search.
        frames: first frame and the one after the last, from 0, whose heatmaps are wanted; None: for
            a picture the middle of the stretch with the most motion, for a video that stretch. No
            patch is sought beyond a cut, but of scenes too short to be searched.
        seed: of the draw of candidates.
        device: that does the search.
        overwrite: replace outputs that exist.
        on_event: listener for progress.

    Returns:
        The statistics: what the JSON file holds.

    Raises:
        InputError: when the input cannot be used, or is too small for a patch.
        OptionError: when a setting or an output cannot be met.
    """
    settings = settings or RecurrenceSettings()
    chosen_device = devices.choose(device)
    film = output is not None and Path(output).suffix.lower() not in PICTURES
    check_distinct({"the input": source}, {"the output": output, "the JSON file": json_output})
    if film and output is not None:
        video.check_output(output, EncodeSettings(overwrite=overwrite))
    for place in (None if film else output, json_output):
        if place is not None:
            check_file(Path(place), overwrite)
    shown = video.destination_of(output).path if film and output is not None else output
    with alone([place for place in (shown, json_output) if place is not None], on_event):
        return _inspected(
            source, output, json_output, settings, frames, seed, chosen_device, overwrite, on_event
        )


def _inspected(
    source: str | Path,
    output: str | Path | None,
    json_output: str | Path | None,
    settings: RecurrenceSettings,
    frames: tuple[int, int] | None,
    seed: int,
    chosen_device: torch.device,
    overwrite: bool,
    on_event: Listener,
) -> dict[str, Any]:
    began = time.monotonic()
    film = output is not None and Path(output).suffix.lower() not in PICTURES
    info = video.probe(source)
    for note in info.notes:
        on_event(Warned(note))
    on_event(Progress(0.0, "read", "reading"))
    stretch, wanted = _choose(info, frames, film, least_size(settings)[0])
    clip = _read(info, stretch).to(chosen_device)

    def on_share(share: float) -> None:
        on_event(Progress(0.05 + 0.85 * share, "search", f"searching, {share:.0%}"))

    level = settings.level or plan(8, info.height, info.width, Fraction(1, 4))[0].scale
    size = (max(1, round(info.height * level)), max(1, round(info.width * level)))
    inner = range(wanted.start - stretch.start, wanted.stop - stretch.start)
    recurrence = inspect(clip, size, inner, settings, seed, on_share)
    numbers, mix = _numbers(
        info, wanted, stretch, settings, recurrence, resize(clip, size).clamp(0, 1)
    )
    if output is not None:
        on_event(Progress(0.9, "render", "drawing"))
        if film:
            _film(output, info, wanted, recurrence, overwrite)
        else:
            title = f"Where {info.path.name} repeats itself"
            write_whole(
                Path(output),
                lambda path: draw(recurrence, numbers, title, path, stretch.start),
                replace=overwrite,
            )
    if json_output is not None:
        text = json.dumps(numbers, indent=1, allow_nan=False) + "\n"
        write_whole(
            *(Path(json_output), lambda path: path.write_text(text, encoding="utf-8")),
            replace=overwrite,
        )
    outputs = tuple(str(place) for place in (output, json_output) if place is not None)
    shares = (mix.within, mix.across, mix.shift)
    seconds = time.monotonic() - began
    on_event(Inspected(outputs, numbers["across"] or 0.0, shares, mix.reason, seconds))
    return numbers


def _choose(
    info: video.VideoInfo, frames: tuple[int, int] | None, film: bool, least: int
) -> tuple[range, range]:
    """The stretch that is searched, and the frames in it that are shown.

    It lies in one scene, where that has the ``least`` frames and the frames asked for do too.
    """
    total = info.frames
    if frames is None:
        surveyed = replace(survey(video.read(info)), duplicates=())
        lively = choose(surveyed, surveyed.cuts, _LONGEST, least)
        stretch = range(lively[0], lively[-1] + 1)
        if len(stretch) < least:
            stretch = window(list(surveyed.changes), _LONGEST)
        middle = (stretch.start + stretch.stop) // 2
        return stretch, stretch if film else range(middle, middle + 1)
    wanted = range(*frames)
    if not wanted or wanted.start < 0 or wanted.stop > total:
        last = "" if len(wanted) == 1 else f" to {wanted.stop - 1}"
        raise OptionError(
            f"frame {wanted.start}{last} of {info.path} was asked for; expected some of its "
            f"{total} frames, counted from 0"
        )
    if len(wanted) > _MOST or (not film and len(wanted) > _LONGEST):
        raise OptionError(
            f"heatmaps of {len(wanted)} frames were asked for; expected {_MOST} at most for a "
            f"video, and {_LONGEST} for a picture; choose a shorter stretch"
        )
    length = max(len(wanted), _LONGEST)
    start = max(0, min((wanted.start + wanted.stop - length) // 2, total - length))
    around = range(start, min(total, start + length))
    near = islice(video.read(info, skip=around.start), len(around))
    cuts = [around.start + cut for cut in survey(near).cuts]
    scene = range(
        max((cut for cut in cuts if cut <= wanted.start), default=around.start),
        min((cut for cut in cuts if cut >= wanted.stop), default=around.stop),
    )
    return scene if len(scene) >= least else around, wanted


def _read(info: video.VideoInfo, stretch: range) -> Tensor:
    """A stretch of the video, (T, H, W, 3); large frames are made smaller at once."""
    scale = min(1.0, _SIDE / max(info.height, info.width))
    size = (round(info.height * scale), round(info.width * scale))
    clip = torch.empty(len(stretch), *size, 3)
    for index, frame in enumerate(islice(video.read(info, skip=stretch.start), len(stretch))):
        clip[index] = resize(torch.from_numpy(frame.copy())[None], size)[0].clamp(0, 1)
    return clip


def _numbers(
    info: video.VideoInfo,
    wanted: range,
    stretch: range,
    settings: RecurrenceSettings,
    recurrence: Recurrence,
    small: Tensor,
) -> tuple[dict[str, Any], MixProposed]:
    """What the JSON file holds, and the mix in it; ``small`` is what was searched."""
    explained, speed = uniform_motion(small)
    numbers = statistics(recurrence) | {
        "uniform_motion": {
            "explains": round(100 * explained, 1),
            "pixels_a_frame": round(speed, 2),
        }
    }
    mix = propose(small, PairSettings())
    head: dict[str, Any] = {
        "input": str(info.path),
        "frames": [wanted.start, wanted.stop],
        "searched_frames": [stretch.start, stretch.stop],
        "patch": list(settings.patch),
        "neighbors": settings.neighbors,
    }
    shares = {"within": mix.within, "across": mix.across, "shift": mix.shift}
    return head | numbers | {"recommended_mix": shares | {"reason": mix.reason}}, mix


def _film(
    output: str | Path,
    info: video.VideoInfo,
    wanted: range,
    recurrence: Recurrence,
    overwrite: bool,
) -> None:
    """A video of the frames under their heatmaps, a colour bar below."""
    parts = [part for part in recurrence.slices if part.name == "xy"]
    first = blend(parts[0])
    height, width = (n // 2 * 2 for n in first.shape[:2])  # most encoders want even sides
    foot = strip(width)
    part = info.timeline.part(wanted)
    with video.VideoWriter(
        output,
        size=(width, height + len(foot)),
        timeline=part.starting_at(Fraction(0)),
        source=info,
        settings=EncodeSettings(overwrite=overwrite),
        audio=False,
    ) as writer:
        for shown in parts:
            picture = blend(shown)[:height, :width]
            writer.write(np.concatenate([picture, foot])[None])
        writer.finish()
