"""A plan of how a video file is encoded, and the stream that is made after it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction

from av.container import OutputContainer
from av.video.stream import VideoStream

from deeptsr.errors import OptionError
from deeptsr.imaging.timeline import LARGEST_RATE_TERM, Timeline
from deeptsr.video.destination import Container
from deeptsr.video.encoding.codecs import ANY_COLORS
from deeptsr.video.picture.color import UNKNOWN, ColorTags, convention
from deeptsr.video.picture.planes import holds

__all__ = ["EncodePlan", "add_video", "tags_for"]


@dataclass(frozen=True)
class EncodePlan:
    """How a video file is encoded.

    Attributes:
        container: the file format.
        codec: FFmpeg's name of the encoder.
        pix_fmt: FFmpeg's name of the pixel format.
        options: of the encoder.
        colors: matrix and range that its YUV always has; "unknown": they can be tagged.
        fourcc: the codec's name in the file; "": FFmpeg's choice.
        notes: what the user should be told.
    """

    container: Container
    codec: str
    pix_fmt: str
    options: tuple[tuple[str, str], ...]
    colors: ColorTags = ANY_COLORS
    fourcc: str = ""
    notes: tuple[str, ...] = ()


def tags_for(source: ColorTags, plan: EncodePlan, size: tuple[int, int]) -> ColorTags:
    """Return the tags of an output: those of its source where its pixel format can have them.

    An RGB source that becomes YUV gets the matrix that players expect at its size, and limited
    range; where tags cannot be stored, the picture gets the meaning that players take for granted.
    """
    if holds(plan.pix_fmt) == "rgb":
        return ColorTags("gbr", "pc", source.primaries, source.transfer)
    from_rgb = source.matrix in ("gbr", UNKNOWN)
    matrix, range_ = plan.colors.matrix, plan.colors.range
    if matrix == UNKNOWN:
        matrix = convention(*size) if from_rgb else source.matrix
    if range_ == UNKNOWN:
        range_ = "tv" if from_rgb else source.range
    return ColorTags(matrix, range_, source.primaries, source.transfer)


def add_video(
    container: OutputContainer,
    plan: EncodePlan,
    *,
    size: tuple[int, int],
    timeline: Timeline,
    tags: ColorTags,
    aspect: Fraction,
) -> VideoStream:
    """Add the stream of a plan to a container that is open for writing.

    Args:
        container: that the stream goes into.
        plan: codec, pixel format, options.
        size: width and height, pixels.
        timeline: of the frames; the encoder counts in its clock, the stream in its grid.
        tags: resolved for the plan's pixel format.
        aspect: of a pixel, width over height.
    """
    if plan.codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # errors only: else it talks to stderr itself
    rate = timeline.rate.limit_denominator(LARGEST_RATE_TERM)
    stream = container.add_stream(plan.codec, rate=rate, options=dict(plan.options))
    if not isinstance(stream, VideoStream):
        raise OptionError(f"codec is {plan.codec}; expected an encoder of video")
    context = stream.codec_context
    context.width, context.height = size
    context.pix_fmt = plan.pix_fmt
    if plan.fourcc:
        context.codec_tag = plan.fourcc
    context.time_base = timeline.clock
    stream.time_base = timeline.grid
    context.sample_aspect_ratio = aspect
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = (
        tags.codes()
    )
    return stream
