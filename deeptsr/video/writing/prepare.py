"""Settles an output before any costly work: where it goes, and how it is encoded."""

from __future__ import annotations

import os
from fractions import Fraction

from deeptsr.config import EncodeSettings
from deeptsr.imaging.timeline import Timeline
from deeptsr.video.destination import Destination, check_place, destination_of
from deeptsr.video.encoding.choose import plan_encoding
from deeptsr.video.encoding.plan import EncodePlan
from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.contents import contents
from deeptsr.video.writing.rehearsal import rehearse

__all__ = ["check_output", "fractions", "prepared"]


def check_output(
    path: str | os.PathLike[str],
    settings: EncodeSettings,
    *,
    size: tuple[int, int] | None = None,
    timeline: Timeline | None = None,
    source: VideoInfo | None = None,
    alpha: bool = False,
    audio: bool = True,
    audio_range: tuple[float | Fraction, float | Fraction] | None = None,
    audio_slow: Fraction = Fraction(1),
    ours: bool = False,
) -> tuple[str, ...]:
    """Refuse an output that cannot be written, before any costly work.

    Where size, timeline and source are known, the beginning of it is written on trial.

    Args:
        path: a file, or a folder: see :func:`deeptsr.video.destination.destination_of`.
        settings: codec, constant quality, pixel format, and whether to overwrite.
        size: width and height of the output in pixels, when they are known.
        timeline: of the output, when it is known.
        source: the input, when it is known: it is never overwritten.
        alpha: whether the frames have an alpha channel.
        audio: see :class:`deeptsr.video.VideoWriter`, as the following.
        audio_range: the stretch of the source that the frames show.
        audio_slow: seconds of the output a second of the source's sound.
        ours: whether what has its name may stay or be replaced, whatever the settings say.

    Returns:
        What the user should be told of it.

    Raises:
        OutputError: when it exists and may not be replaced, its folder cannot be written, or its
            ending is unknown.
        OptionError: for a codec, a pixel format or a rate that it cannot have.
    """
    target, plan = prepared(
        path, settings, size=size, timeline=timeline, source=source, alpha=alpha, ours=ours
    )
    notes = plan.notes if plan is not None else ()
    if plan and size and timeline and source:
        notes = rehearse(
            target,
            plan,
            size=size,
            timeline=timeline if plan.container.late_start else timeline.starting_at(Fraction(0)),
            source=source,
            sound=(audio and source.has_audio, fractions(audio_range), audio_slow),
            alpha=alpha,
        )
    if plan is None and source is not None and source.kind == "video":
        notes += _without_tracks(target, source)
    if target.link is not None:
        notes += (
            f"{target.link} is a symbolic link: {target.path}, to which it leads, is written",
        )
    return notes


def prepared(
    path: str | os.PathLike[str],
    settings: EncodeSettings,
    *,
    size: tuple[int, int] | None,
    timeline: Timeline | None,
    source: VideoInfo | None,
    alpha: bool,
    ours: bool = False,
) -> tuple[Destination, EncodePlan | None]:
    """Settle where an output goes and how it is encoded: see :func:`check_output`."""
    target = destination_of(path)
    given = None if source is None else source.path
    check_place(target, overwrite=settings.overwrite or ours, source=given)
    plan = plan_encoding(target, settings, size=size, timeline=timeline, source=source, alpha=alpha)
    return target, plan


def fractions(
    stretch: tuple[float | Fraction, float | Fraction] | None,
) -> tuple[Fraction, Fraction] | None:
    """Return the exact moments of a stretch of time."""
    return None if stretch is None else (Fraction(stretch[0]), Fraction(stretch[1]))


def _without_tracks(target: Destination, source: VideoInfo) -> tuple[str, ...]:
    """Name what goes beside the picture into a video file only; of the sound the writer tells."""
    there = contents(source)
    counts = {"subtitles": len(there.subtitles), "chapters": there.chapters}
    lost = [name for name, count in counts.items() if count]
    if not lost:
        return ()
    what = "a GIF" if target.kind == "gif" else "a folder of images"
    return (f"the {' and '.join(lost)} are left out: {what} holds none",)
