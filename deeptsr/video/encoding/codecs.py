"""What we know of FFmpeg's encoders: their qualities, pixel formats and manners."""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.codec.codec import UnknownCodecError
from av.video.format import VideoFormat

from deeptsr.errors import OptionError
from deeptsr.video.picture.color import ColorTags
from deeptsr.video.picture.planes import bits, has_alpha, holds

__all__ = [
    "ANY_COLORS",
    "CODECS",
    "PLAIN",
    "Codec",
    "best_format",
    "chroma",
    "full_chroma",
    "halves_chroma",
]
__all__ += ["pixel_formats", "richer"]

_SUGGESTED = ("libx264", "libx265", "libvpx-vp9", "libsvtav1", "ffv1", "prores_ks", "mpeg4")


ANY_COLORS = ColorTags()  # any matrix, any range


@dataclass(frozen=True)
class Codec:
    """What we know of an encoder.

    Attributes:
        crf: default constant quality; None: it has no such setting.
        highest_crf: the worst.
        pix_fmt: default for 8 bits a sample; "": the best one that it lists.
        even_only: whether it cannot have an odd width or height with halved chroma.
        deep: default for more than 8 bits; "": the best one that it lists, if any.
        alpha: default for transparent pictures; "": it cannot carry alpha.
        deep_alpha: the same for more than 8 bits; "": as ``alpha``.
        colors: matrix and range that its YUV always has; "unknown": it can be tagged.
        tagged: whether it carries colour tags itself, whatever the container does.
        shaped: the same of how wide a pixel is over its height.
        quality: FFmpeg's name of the setting of constant quality.
        fourcc: its name in MP4 and MOV, where FFmpeg's own choice does not play everywhere.
        options: of the encoder.
        bits: that a pixel takes, about, at 8 bits a sample and the default quality.
    """

    crf: float | None = None
    highest_crf: float = 0
    pix_fmt: str = ""
    even_only: bool = False
    deep: str = ""
    alpha: str = ""
    deep_alpha: str = ""
    colors: ColorTags = ANY_COLORS
    tagged: bool = False
    shaped: bool = False
    quality: str = "crf"
    fourcc: str = ""
    options: tuple[tuple[str, str], ...] = ()
    bits: float = 2.0


PLAIN = Codec()
_BT601 = ColorTags("bt470bg", "tv")
_MEDIUM = (("preset", "medium"),)
_NVENC = Codec(
    *(19, 51, "yuv420p", True, "p010le"),
    tagged=True,
    shaped=True,
    quality="cq",
    options=(("preset", "p5"), ("rc", "vbr"), ("b", "0")),
    bits=0.4,
)
CODECS = {
    # crf 16: no loss that can be seen; "medium" is libx264's own balance of time and size.
    "libx264": Codec(
        *(16, 51, "yuv420p", True, "yuv420p10le"),
        tagged=True,
        shaped=True,
        options=_MEDIUM,
        bits=0.4,
    ),
    "libx264rgb": Codec(16, 51, "bgr24", tagged=True, shaped=True, options=_MEDIUM, bits=0.8),
    "libx265": Codec(
        *(18, 51, "yuv420p", True, "yuv420p10le"),
        tagged=True,
        shaped=True,
        fourcc="hvc1",  # Apple's players overlook "hev1"
        options=(*_MEDIUM, ("x265-params", "log-level=none")),  # else it talks to stderr itself
        bits=0.3,
    ),
    "libvpx": Codec(
        *(10, 63, "yuv420p"),
        alpha="yuva420p",
        colors=_BT601,
        options=(("b", "50M"), ("cpu-used", "3")),
        bits=0.6,
    ),
    "libvpx-vp9": Codec(
        *(24, 63, "yuv420p"),
        alpha="yuva420p",
        tagged=True,
        options=(("row-mt", "1"), ("cpu-used", "3")),
        bits=0.4,
    ),
    "libsvtav1": Codec(
        *(24, 63, "yuv420p", True, "yuv420p10le"),
        tagged=True,
        options=(("preset", "8"),),
        bits=0.35,
    ),
    # Every frame is a key frame, with a checksum a slice: for archives, and bit exact as RGB.
    "ffv1": Codec(
        pix_fmt="bgr0",
        alpha="bgra",
        deep="gbrp",  # of the source's depth
        deep_alpha="gbrap",
        options=(("level", "3"), ("g", "1"), ("slicecrc", "1")),
        bits=7,
    ),
    "mpeg4": Codec(shaped=True, options=(("qscale", "3"),), bits=0.15),
    "prores_ks": Codec(
        pix_fmt="yuv422p10le",
        even_only=True,  # of an odd width it spoils the last columns, and says nothing
        alpha="yuva444p10le",
        colors=ColorTags(range="tv"),
        tagged=True,
        options=(("vendor", "apl0"),),  # some editors open nothing else
        bits=4,
    ),
    "qtrle": Codec(pix_fmt="rgb24", alpha="argb", bits=18),
    "png": Codec(pix_fmt="rgb24", alpha="rgba", deep="rgb48be", deep_alpha="rgba64be", bits=10),
    "mjpeg": Codec(
        colors=ColorTags("bt470bg", "pc"), shaped=True, options=(("qscale", "3"),), bits=0.5
    ),
    "h264_nvenc": _NVENC,
    "hevc_nvenc": _NVENC,
    "av1_nvenc": _NVENC,
}
_PREFERRED = ("yuv420p", "yuv422p", "yuv444p", "bgr0", "gbrp", "rgb24", "bgr24", "yuv422p10le")
_PREFERRED_DEEP = ("yuv420p10le", "p010le", "yuv422p10le", "yuv444p10le", "gbrp10le", "gbrp16le")
_DEPTHS = (10, 12, 14, 16)


def pixel_formats(codec: str) -> list[str]:
    """Return the pixel formats that an encoder takes; empty when it does not say.

    Raises:
        OptionError: when there is no such encoder.
    """
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


def best_format(codec: str, depth: int, alpha: bool) -> str:
    """Choose the pixel format for pictures of a depth, the nearest that the encoder has.

    Args:
        codec: FFmpeg's name of the encoder.
        depth: bits a sample of the source.
        alpha: whether alpha is to be kept.

    Returns:
        A pixel format; without alpha, or of 8 bits, where the encoder has nothing better.
    """
    known = CODECS.get(codec, PLAIN)
    formats = [name for name in pixel_formats(codec) if not name.startswith("yuvj")]
    wanted: list[str] = []
    if alpha:
        wanted += [_of_depth(known.deep_alpha, depth)] if depth > 8 else []
        wanted += [known.alpha]
        if codec not in CODECS:
            wanted += [name for name in formats if has_alpha(name)]
    if depth > 8:
        wanted += [_of_depth(known.deep, depth), *_PREFERRED_DEEP]
    wanted += [known.pix_fmt, *_PREFERRED]
    wanted += [name for name in formats if holds(name) == "yuv"]
    wanted += formats or ["yuv420p"]
    return next(name for name in wanted if name and (name in formats or not formats))


def _of_depth(layout: str, depth: int) -> str:
    if layout not in ("gbrp", "gbrap"):
        return layout
    return f"{layout}{next((d for d in _DEPTHS if d >= depth), 16)}le"


def chroma(pix_fmt: str) -> int:
    """Count the samples of chroma that a pixel format keeps of each 16; 0 for grey.

    >>> chroma("yuv420p"), chroma("yuv422p10le"), chroma("yuv444p"), chroma("rgb24")
    (4, 8, 16, 16)
    """
    kind = holds(pix_fmt)
    if kind != "yuv":
        return 16 if kind == "rgb" else 0
    blue = VideoFormat(pix_fmt, 4, 4).components[1]
    return blue.width * blue.height


def halves_chroma(pix_fmt: str) -> bool:
    """Tell whether a pixel format has less chroma than luma."""
    return 0 < chroma(pix_fmt) < 16


def richer(codec: str, pix_fmt: str, wanted: int) -> str:
    """Find a pixel format of an encoder that is like another one, with so much chroma, or ""."""
    alike = (
        name
        for name in pixel_formats(codec)
        if not name.startswith("yuvj")
        and (holds(name), bits(name), has_alpha(name), chroma(name))
        == ("yuv", bits(pix_fmt), has_alpha(pix_fmt), wanted)
    )
    return next(alike, "")


def full_chroma(pix_fmt: str) -> str:
    """Return the pixel format of the same depth whose chroma is whole."""
    depth = bits(pix_fmt)
    return "yuv444p" if depth <= 8 else f"yuv444p{depth}le"
