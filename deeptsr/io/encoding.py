"""Which codec, pixel format and tags an output gets, tried out before any costly work."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from fractions import Fraction

import av
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.video.stream import VideoStream

from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError
from deeptsr.io.color import UNKNOWN, ColorTags, convention
from deeptsr.io.destination import CONTAINERS, Container, Destination
from deeptsr.io.planes import holds
from deeptsr.io.timing import describe_rate
from deeptsr.timeline import Timeline

__all__ = ["EncodePlan", "add_video", "plan_encoding", "tags_for"]

_SUGGESTED = ("libx264", "libx265", "libvpx-vp9", "libsvtav1", "ffv1", "prores_ks", "mpeg4")
_GIF_RATE = Fraction(50)  # frames a second: viewers slow a delay below 2 hundredths down to 10
_MILLISECOND_RATE = Fraction(500)  # where a clock of 1 ms still tells two frames apart
_LARGEST_TERM = 100_000  # of the rate that an encoder is told: FFmpeg's fractions have 32 bits
_ANY = ColorTags()  # any matrix, any range
_GIF_CODECS = (None, "gif")


@dataclass(frozen=True)
class _Codec:
    """What we know of an encoder."""

    crf: float | None = None  # default constant quality; None: it has no such setting
    highest_crf: float = 0
    pix_fmt: str | None = None  # default; None: the best one that it lists
    even_only: bool = False  # refuses an odd width or height with halved chroma
    colors: ColorTags = _ANY  # what its YUV always means; "unknown": can be tagged
    tagged: bool = False  # carries colour tags itself, whatever the container does
    options: tuple[tuple[str, str], ...] = ()


_PLAIN = _Codec()
_BT601 = ColorTags("bt470bg", "tv")
_MEDIUM = (("preset", "medium"),)
_CODECS = {
    # crf 16: no loss that can be seen; "medium" is libx264's own balance of time and size.
    "libx264": _Codec(16, 51, "yuv420p", True, tagged=True, options=_MEDIUM),
    "libx264rgb": _Codec(16, 51, "bgr24", tagged=True, options=_MEDIUM),
    "libx265": _Codec(
        *(18, 51, "yuv420p", True),
        tagged=True,
        options=(*_MEDIUM, ("x265-params", "log-level=none")),  # else it talks to stderr itself
    ),
    "libvpx": _Codec(10, 63, "yuv420p", colors=_BT601, options=(("b", "50M"), ("cpu-used", "3"))),
    "libvpx-vp9": _Codec(
        24, 63, "yuv420p", tagged=True, options=(("row-mt", "1"), ("cpu-used", "3"))
    ),
    "libsvtav1": _Codec(24, 63, "yuv420p", True, tagged=True, options=(("preset", "8"),)),
    # Every frame a key frame with a checksum a slice: for archives, and bit exact as RGB.
    "ffv1": _Codec(pix_fmt="bgr0", options=(("level", "3"), ("g", "1"), ("slicecrc", "1"))),
    "mpeg4": _Codec(options=(("qscale", "3"),)),
    "prores_ks": _Codec(colors=ColorTags(range="tv"), tagged=True),
    "mjpeg": _Codec(colors=ColorTags("bt470bg", "pc"), options=(("qscale", "3"),)),
}
_PREFERRED = ("yuv420p", "yuv422p", "yuv444p", "bgr0", "gbrp", "rgb24", "bgr24", "yuv422p10le")


@dataclass(frozen=True)
class EncodePlan:
    """How a video file is encoded.

    Attributes:
        container: the file format.
        codec: FFmpeg's name of the encoder.
        pix_fmt: FFmpeg's name of the pixel format.
        options: of the encoder.
        colors: matrix and range that its YUV always has; "unknown": they can be tagged.
        notes: what the user should be told.
    """

    container: Container
    codec: str
    pix_fmt: str
    options: tuple[tuple[str, str], ...]
    colors: ColorTags = _ANY
    notes: tuple[str, ...] = ()


def plan_encoding(
    target: Destination,
    settings: EncodeSettings,
    *,
    size: tuple[int, int] | None = None,
    timeline: Timeline | None = None,
) -> EncodePlan | None:
    """Choose what the settings leave open, and try it out on an encoder.

    Args:
        target: from :func:`deeptsr.io.destination.destination`.
        settings: codec, constant quality, pixel format.
        size: width and height of the output in pixels, when they are known.
        timeline: of the output, when it is known.

    Returns:
        The plan of a video file; None for a GIF or a folder, which have no choices.

    Raises:
        OptionError: for what the encoder or the container cannot do.
    """
    if target.container is None or target.kind == "gif":
        _check_fixed(target, settings, timeline)
        return None
    container = target.container
    if timeline is not None:
        _check_times(target.path.name, container, timeline)
    name = settings.codec or container.codec
    formats = _pixel_formats(name)
    known = _CODECS.get(name, _PLAIN)
    pix_fmt, notes = _pix_fmt(name, known, formats, settings.pix_fmt, size)
    options = dict(known.options) | _quality(name, known, settings.crf)
    if container.format == "avi" and name in ("libx264", "libx265"):
        options["bf"] = "0"  # AVI has no presentation timestamps: no frame may be reordered
    if container.edit_list and not (timeline is None or timeline.is_constant):
        # MP4 holds how long frames are shown in the order of coding: readers add that up.
        options["bf"] = "0"
    colors = known.colors
    if container.format == "avi" and not known.tagged and size is not None and colors == _ANY:
        colors = ColorTags(convention(*size), "tv")  # AVI has no tags: what players take it for
    plan = EncodePlan(container, name, pix_fmt, tuple(options.items()), colors, tuple(notes))
    _try_out(plan, size or (64, 64), timeline or Timeline.constant(Fraction(25), 1))
    return plan


def _check_times(name: str, container: Container, timeline: Timeline) -> None:
    """Refuse a timeline that the container cannot hold."""
    if not (container.variable or timeline.is_constant):
        raise OptionError(
            f"{name} has no timestamps and the frame rate is variable; write .mp4, .mov or .mkv, "
            "or choose --vfr cfr or --fps for a constant rate"
        )
    if container.ticks and timeline.highest_rate > _MILLISECOND_RATE:
        raise OptionError(
            f"{name} at {describe_rate(timeline.highest_rate)}: its clock counts milliseconds, "
            f"which holds up to {describe_rate(_MILLISECOND_RATE)}; write .mp4 or .mov"
        )


def _check_fixed(target: Destination, settings: EncodeSettings, timeline: Timeline | None) -> None:
    what, codecs = ("a GIF", _GIF_CODECS) if target.kind == "gif" else ("PNGs", (None, "png"))
    if settings.codec not in codecs:
        raise OptionError(
            f"codec is {settings.codec} and the output is {what}; leave the codec out, or write a "
            f"file that ends in {', '.join(e for e in CONTAINERS if e != '.gif')}"
        )
    if settings.crf is not None or settings.pix_fmt is not None:
        raise OptionError(f"crf and pix_fmt do not apply to {what}; leave them out")
    if target.kind == "gif" and timeline is not None and timeline.highest_rate > _GIF_RATE:
        raise OptionError(
            f"a GIF at {describe_rate(timeline.highest_rate)}: its delays are whole hundredths of "
            f"a second, and viewers show nothing above {describe_rate(_GIF_RATE)}; write .mp4 or "
            ".webm, or choose a smaller factor"
        )


def _pixel_formats(codec: str) -> list[str]:
    """Return the pixel formats that an encoder takes; empty when it does not say."""
    try:
        encoder = av.Codec(codec, "w")
    except UnknownCodecError:
        encoder = None
    if encoder is None or encoder.type != "video":
        here = [name for name in _SUGGESTED if name in av.codecs_available]
        raise OptionError(
            f"codec is {codec}; expected an encoder of video that this FFmpeg has, such as "
            f"{', '.join(here)}"
        )
    return [layout.name for layout in encoder.video_formats or ()]


def _pix_fmt(
    codec: str, known: _Codec, formats: list[str], asked: str | None, size: tuple[int, int] | None
) -> tuple[str, list[str]]:
    usable = [name for name in formats if not name.startswith("yuvj")]  # the range is a tag here
    odd = size is not None and (size[0] % 2 or size[1] % 2) and known.even_only
    if asked is not None:
        if usable and asked not in usable:
            raise OptionError(f"pix_fmt is {asked}; expected for {codec}: {', '.join(usable)}")
        if odd and size is not None and _halves_chroma(asked):
            raise OptionError(
                f"pix_fmt is {asked} and the size {size[0]}x{size[1]}: {codec} needs even numbers "
                "for it; choose yuv444p, or codec ffv1"
            )
        return asked, []
    chosen = known.pix_fmt or next((name for name in _PREFERRED if name in usable), None)
    chosen = chosen or next((name for name in usable if holds(name) == "yuv"), None)
    chosen = chosen or (usable[0] if usable else "yuv420p")
    if not odd or size is None or not _halves_chroma(chosen):
        return chosen, []
    if "yuv444p" not in usable:
        raise OptionError(
            f"the size is {size[0]}x{size[1]}; {codec} takes even numbers only; choose codec "
            "libx264 or libvpx-vp9"
        )
    return "yuv444p", [
        f"{size[0]}x{size[1]} has an odd side: written with full chroma (yuv444p), since {codec} "
        "cannot halve it; some players do not show that"
    ]


def _halves_chroma(pix_fmt: str) -> bool:
    layout = av.VideoFormat(pix_fmt, 4, 4)
    return any(c.is_chroma and (c.width < 4 or c.height < 4) for c in layout.components)


def _quality(codec: str, known: _Codec, crf: float | None) -> dict[str, str]:
    if known.crf is None:
        if crf is not None:
            able = ", ".join(name for name, facts in _CODECS.items() if facts.crf is not None)
            raise OptionError(
                f"crf is {crf:g} and {codec} has no constant quality; leave it out, or choose one "
                f"of {able}"
            )
        return {}
    if crf is not None and crf > known.highest_crf:
        raise OptionError(
            f"crf is {crf:g}; expected for {codec}: 0 (lossless) to {known.highest_crf:g}"
        )
    return {"crf": f"{known.crf if crf is None else crf:g}"}


def _try_out(plan: EncodePlan, size: tuple[int, int], timeline: Timeline) -> None:
    """Open encoder and container in memory: only FFmpeg knows what it can do."""
    try:
        with av.open(io.BytesIO(), "w", format=plan.container.format) as trial:
            tags = tags_for(ColorTags(), plan, size)
            add_video(trial, plan, size=size, timeline=timeline, tags=tags, aspect=Fraction(1))
            trial.start_encoding()
    except (av.FFmpegError, ValueError, OSError) as error:
        raise OptionError(
            f"{plan.codec} with {plan.pix_fmt} at {size[0]}x{size[1]}, "
            f"{describe_rate(timeline.rate)} counted in {timeline.clock} s, does "
            f"not go into {plan.container.format} ({getattr(error, 'strerror', None) or error}); "
            f"choose codec {plan.container.codec}, another pix_fmt, or .mkv"
        ) from error


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
    rate = timeline.rate.limit_denominator(_LARGEST_TERM)
    stream = container.add_stream(plan.codec, rate=rate, options=dict(plan.options))
    if not isinstance(stream, VideoStream):
        raise OptionError(f"codec is {plan.codec}; expected an encoder of video")
    context = stream.codec_context
    context.width, context.height = size
    context.pix_fmt = plan.pix_fmt
    context.time_base = timeline.clock
    stream.time_base = timeline.grid
    context.sample_aspect_ratio = aspect
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = (
        tags.codes()
    )
    return stream
