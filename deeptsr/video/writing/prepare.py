"""Settles an output before any costly work: where it goes, and how it is encoded."""

from __future__ import annotations

import os

from deeptsr.config import EncodeSettings
from deeptsr.imaging.timeline import Timeline
from deeptsr.video.destination import Destination, check_place, destination_of
from deeptsr.video.encoding.choose import plan_encoding
from deeptsr.video.encoding.plan import EncodePlan
from deeptsr.video.info import VideoInfo

__all__ = ["check_output", "prepared"]


def check_output(
    path: str | os.PathLike[str],
    settings: EncodeSettings,
    *,
    size: tuple[int, int] | None = None,
    timeline: Timeline | None = None,
    source: VideoInfo | None = None,
    alpha: bool = False,
) -> tuple[str, ...]:
    """Refuse an output that cannot be written, before any costly work.

    Args:
        path: a file, or a folder: see :func:`deeptsr.video.destination.destination_of`.
        settings: codec, constant quality, pixel format, and whether to overwrite.
        size: width and height of the output in pixels, when they are known.
        timeline: of the output, when it is known.
        source: the input, when it is known: it is never overwritten.
        alpha: whether the frames have an alpha channel.

    Returns:
        What the user should be told of it.

    Raises:
        OutputError: when it exists and may not be replaced, its folder cannot be written, or its
            ending is unknown.
        OptionError: for a codec, a pixel format or a rate that it cannot have.
    """
    target, plan = prepared(
        path, settings, size=size, timeline=timeline, source=source, alpha=alpha
    )
    notes = plan.notes if plan is not None else ()
    if target.link is not None:
        notes += (f"{target.link} is a symbolic link: {target.path}, to which it leads, is written",)
    return notes


def prepared(
    path: str | os.PathLike[str],
    settings: EncodeSettings,
    *,
    size: tuple[int, int] | None,
    timeline: Timeline | None,
    source: VideoInfo | None,
    alpha: bool,
) -> tuple[Destination, EncodePlan | None]:
    """Settle where an output goes and how it is encoded: see :func:`check_output`."""
    target = destination_of(path)
    check_place(
        target, overwrite=settings.overwrite, source=None if source is None else source.path
    )
    plan = plan_encoding(target, settings, size=size, timeline=timeline, source=source, alpha=alpha)
    return target, plan
