"""In which form pictures go to the next program: Y4M where it can hold them, NUT elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from av.video.format import VideoFormat

from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError
from deeptsr.imaging.timeline import LARGEST_RATE_TERM, Timeline
from deeptsr.video.destination import Container
from deeptsr.video.encoding.plan import EncodePlan, tags_for
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import ColorTags, is_hdr
from deeptsr.video.picture.planes import bits, color_levels, has_alpha, holds

__all__ = ["Y4M", "PipeForm", "pipe_form", "rate_of"]

# FFmpeg's pixel formats that Y4M has a name for.
Y4M = {
    "gray": "mono",
    "yuv411p": "411",
    "yuv420p": "420mpeg2",
    "yuv422p": "422",
    "yuv444p": "444",
    **{f"gray{depth}le": f"mono{depth}" for depth in (9, 10, 12, 16)},
    **{
        f"yuv{chroma}p{depth}le": f"{chroma}p{depth} XYSCSS={chroma}P{depth}"
        for chroma in (420, 422, 444)
        for depth in (9, 10, 12, 14, 16)
    },
}
_NUT = Container("nut", "rawvideo", ())


@dataclass(frozen=True)
class PipeForm:
    """How pictures go through a pipe.

    Attributes:
        plan: of the encoding; its container is NUT, and of no account where there is none.
        size: width and height, pixels.
        timeline: when they are shown, from 0 on.
        aspect: of a pixel, width over height.
        tags: how the numbers stand for colours.
        plain: whether it is Y4M.
        notes: what the user should be told.
    """

    plan: EncodePlan
    size: tuple[int, int]
    timeline: Timeline
    aspect: Fraction
    tags: ColorTags
    plain: bool
    notes: tuple[str, ...] = ()

    @property
    def levels(self) -> int | None:
        """See :func:`deeptsr.video.picture.planes.color_levels`."""
        return color_levels(self.plan.pix_fmt)


def pipe_form(
    settings: EncodeSettings,
    *,
    size: tuple[int, int] | None = None,
    timeline: Timeline,
    source: VideoInfo,
    alpha: bool,
) -> PipeForm:
    """Choose the form: the pixel format of the source, in what can hold it.

    Args:
        settings: only the pixel format may be given.
        size: width and height of the output, pixels; None: those of the source.
        timeline: of the output.
        source: whose colours, depth and pixel aspect ratio are taken over.
        alpha: whether the frames have an alpha channel.

    Raises:
        OptionError: for a codec, a quality, or an unknown pixel format.
    """
    if settings.codec is not None or settings.crf is not None:
        raise OptionError(
            "codec or crf is given and the output is -, which takes pictures as they are; leave "
            "both to the next program; `pix_fmt` may be given"
        )
    pix_fmt = settings.pix_fmt or _suited(source, alpha)
    try:
        VideoFormat(pix_fmt)
    except ValueError as error:
        raise OptionError(
            f"pix_fmt is {pix_fmt}; expected one that FFmpeg knows, such as yuv420p"
        ) from error
    size = size or (source.width, source.height)
    plan = EncodePlan(_NUT, "rawvideo", pix_fmt, ())
    tags = tags_for(source.color, plan, size)
    timeline = timeline.starting_at(Fraction(0))
    plain = pix_fmt in Y4M and timeline.is_constant
    notes = []
    if source.has_audio:
        notes.append("the sound is left out: the pipe takes the picture alone")
    if alpha and not has_alpha(pix_fmt):
        notes.append(f"the transparency is left out: {pix_fmt} has none")
    if is_hdr(tags):
        notes.append(
            "high dynamic range goes through the pipe without its tags: give them to the next "
            f"program, as in ffmpeg -color_primaries {tags.primaries} -color_trc {tags.transfer} "
            f"-colorspace {tags.matrix}"
        )
    aspect = source.sample_aspect_ratio
    return PipeForm(plan, size, timeline, aspect, tags, plain, tuple(notes))


def rate_of(timeline: Timeline) -> Fraction:
    """Frames a second, in terms that a header can hold."""
    return timeline.rate.limit_denominator(LARGEST_RATE_TERM)


def _suited(source: VideoInfo, alpha: bool) -> str:
    """The pixel format that keeps what the source has."""
    depth = bits(source.pix_fmt) if source.pix_fmt else source.depth
    deep = "" if depth <= 8 else f"{next(n for n in (10, 12, 16) if n >= min(depth, 16))}le"
    kind = holds(source.pix_fmt) if source.pix_fmt else "rgb"
    if alpha:
        return "rgba64le" if deep else "rgba"
    if kind == "rgb":
        return "rgb48le" if deep else "rgb24"
    if kind == "gray":
        return f"gray{deep}"
    return f"yuv{_chroma(source.pix_fmt)}p{deep}"


def _chroma(pix_fmt: str) -> str:
    """How chroma is sampled, in the three digits that FFmpeg's names have."""
    layout = VideoFormat(pix_fmt)
    across, down = layout.chroma_width(16), layout.chroma_height(16)
    return {(8, 8): "420", (8, 16): "422", (4, 16): "411"}.get((across, down), "444")
