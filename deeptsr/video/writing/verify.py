"""Reads a finished file back: whether all frames are there, each at its moment; its colours."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from deeptsr.errors import OutputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.system.humanize import describe_rate
from deeptsr.video.picture.color import ColorTags, resolve, same_colors
from deeptsr.video.picture.convert import tags_of
from deeptsr.video.picture.planes import holds
from deeptsr.video.reading.frame_count import last_duration

__all__ = ["check_times", "color_notes"]


def check_times(path: Path, timeline: Timeline, name: Path) -> None:
    """Check the frames of a file that was written.

    Args:
        path: where it lies now.
        timeline: when its frames are to be shown.
        name: what the output will be called, for the message.

    Raises:
        OutputError: for another number of frames, a frame that is off its moment by more than the
            file's clock rounds, or a duration that is off by more than a frame.
    """
    moments, last, tick = _shown(path)
    seconds = max(moments, default=0) - min(moments, default=0) + last
    told = f"{name} came out with {len(moments)} frames in {float(seconds):.4f} s"
    wanted = f"expected {len(timeline)} in {float(timeline.duration):.4f} s"
    advice = "try another codec or another kind of file"
    if len(moments) != len(timeline) or abs(seconds - timeline.duration) > 1 / timeline.rate:
        raise OutputError(f"{told}; {wanted}; {advice}")
    begin = min(moments) - timeline.start  # a format may move picture and sound together
    for index, moment in enumerate(sorted(moments)):
        off = moment - begin - timeline.moment(index)
        if abs(off) > tick:
            raise OutputError(
                f"frame {index} of {name} came out {float(abs(off)):.4f} s too "
                f"{'late' if off > 0 else 'early'}, at {describe_rate(timeline.rate)}; {advice}"
            )


def color_notes(tags: ColorTags, path: Path) -> list[str]:
    """Say so where the numbers of a file that was written stand for other colours to a reader."""
    if same_colors(tags, _colors_of(path)):
        return []
    return [
        f"this codec in this kind of file does not keep the colour tags ({tags.matrix}, "
        f"{tags.range}): players may show slightly other colours; choose libx264 or .mkv if that "
        "matters"
    ]


def _colors_of(path: Path) -> ColorTags:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    kind = holds(frame.format.name)
    return resolve(tags_of(frame), kind=kind, width=frame.width, height=frame.height)


def _shown(path: Path) -> tuple[list[Fraction], Fraction, Fraction]:
    """Return when frames begin, how long the last one lasts, and a tick of the clock, seconds."""
    shown: list[tuple[int, int]] = []  # when each frame begins, and for how long, ticks
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        tick = stream.time_base or Fraction(1)
        rate = stream.average_rate or stream.guessed_rate
        for packet in container.demux(stream):
            stamp = packet.dts if packet.pts is None else packet.pts
            if packet.size and stamp is not None:
                shown.append((stamp, packet.duration or 0))
        last = last_duration(container, stream, max(shown, default=(0, 0))) * tick
    return [begin * tick for begin, _ in shown], last or (1 / rate if rate else Fraction(0)), tick
