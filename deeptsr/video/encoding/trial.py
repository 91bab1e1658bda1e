"""Tries a plan on one frame in memory: only FFmpeg knows what it can do."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np

from deeptsr.errors import OptionError
from deeptsr.imaging.timeline import Timeline
from deeptsr.system.humanize import describe_rate
from deeptsr.video.encoding.plan import EncodePlan, add_video, tags_for
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import ColorTags, is_hdr
from deeptsr.video.picture.convert import from_rgb, tags_of
from deeptsr.video.picture.planes import bits

__all__ = ["not_for_hdr", "try_out"]

_HDR_BITS = 10
_SCALED = ("mov", "mp4")  # they count how long a frame is shown in 32 bits,
_MOST_TICKS, _FINE = 2**31 - 1, 10_000  # of a clock that makes so many ticks a second, at least
_TONE_MAP = (
    "ffmpeg -i INPUT -vf zscale=t=linear:npl=100,tonemap=hable,"
    "zscale=p=bt709:t=bt709:m=bt709:r=tv,format=yuv420p OUTPUT"
)


def not_for_hdr(tags: ColorTags, why: str) -> OptionError:
    """The error that says that an output cannot hold high dynamic range."""
    return OptionError(
        f"the input has high dynamic range (transfer {tags.transfer}), and {why}; it would come "
        "out pale; write .mp4, .mkv or .webm without a codec and pix_fmt of your own, or tone-map "
        f"the input first: {_TONE_MAP}"
    )


def check_longest_frame(plan: EncodePlan, timeline: Timeline) -> None:
    """Refuse a frame that is shown for longer than a container can say, as after a broken stamp.

    Raises:
        OptionError: naming the longest frame and what holds it.
    """
    if plan.container.format not in _SCALED:
        return
    scale = 1 / timeline.grid  # ticks a second
    while scale < _FINE:
        scale *= 2  # as FFmpeg does
    longest, most = timeline.longest_interval, _MOST_TICKS / scale
    if longest > most:
        raise OptionError(
            f"a frame is shown for {float(longest):.6g} s, and {plan.container.format} holds up to "
            f"{float(most):.6g} s; expected less, as a broken timestamp makes such a frame; cut it "
            "off (`start`, `end`), make the rate constant (`vfr` cfr), or write .mkv"
        )


def try_out(
    plan: EncodePlan, size: tuple[int, int], timeline: Timeline, source: VideoInfo | None
) -> None:
    """Encode a frame in memory: only FFmpeg knows what it can do.

    Raises:
        OptionError: when it fails, or when high dynamic range is not found in what it wrote.
    """
    check_longest_frame(plan, timeline)
    hdr = source is not None and is_hdr(source.color)
    if source is not None and hdr and bits(plan.pix_fmt) < _HDR_BITS:
        raise not_for_hdr(source.color, f"{plan.codec} with {plan.pix_fmt} has 8 bits")
    tags = tags_for(source.color if source is not None else ColorTags(), plan, size)
    memory = io.BytesIO()
    try:
        with av.open(memory, "w", format=plan.container.format) as trial:
            stream = add_video(
                trial, plan, size=size, timeline=timeline, tags=tags, aspect=Fraction(1)
            )
            trial.start_encoding()
            if hdr:
                black = np.zeros((size[1], size[0], 3), np.float32)
                picture = from_rgb(black, plan.pix_fmt, tags)
                picture.pts, picture.duration, picture.time_base = 0, 1, timeline.clock
                for packet in (*stream.encode(picture), *stream.encode(None)):
                    packet.dts = packet.pts  # of a single frame, x265 tells anything
                    trial.mux(packet)
        if not hdr:
            return
        memory.seek(0)
        with av.open(memory, "r") as written:
            written_tags = tags_of(next(written.decode(video=0)))
    except (av.FFmpegError, ValueError, OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        if plan.codec.endswith("_nvenc"):
            raise OptionError(
                f"{plan.codec} at {size[0]}x{size[1]} cannot be opened ({reason}); expected an "
                "NVIDIA GPU that encodes this (data-centre cards such as A100 and H100 do not), "
                f"and its driver; choose {plan.container.codec}"
            ) from error
        usual = plan.container.codec
        other = "" if plan.codec == usual else f"`codec` {usual}, "
        raise OptionError(
            f"{plan.codec} with {plan.pix_fmt} at {size[0]}x{size[1]}, "
            f"{describe_rate(timeline.rate)} counted in {timeline.clock} s, does "
            f"not go into {plan.container.format} ({reason}); choose {other}"
            "another `pix_fmt`, or .mkv"
        ) from error
    if (written_tags.transfer, written_tags.primaries) != (tags.transfer, tags.primaries):
        raise not_for_hdr(tags, f"{plan.codec} in {plan.container.format} does not keep its tags")
