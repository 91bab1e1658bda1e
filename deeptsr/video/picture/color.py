"""Colour tags, the conventions that fill them in, and the arithmetic between Y'CbCr and R'G'B'.

The arithmetic is done here, in float32, rather than by swscale: its 16-bit outputs scale 255 to
65280 in one path and to 65535 in another, which costs up to one 8-bit level and is not the same
for every pixel format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deeptsr.errors import InputError, OptionError

__all__ = ["UNKNOWN", "ColorTags", "color_of", "convention", "is_hdr", "resolve", "rgb_to_yuv"]
__all__ += ["is_wide", "same_colors", "yuv_to_rgb"]

UNKNOWN = "unknown"
_CODE = re.compile("#[0-9a-fA-F]{6}")  # of a colour

# Code points of ITU-T H.273 under FFmpeg's names.
_MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
    15: "ipt-c2",
}
_RANGES = {1: "tv", 2: "pc"}
_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
_TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}

# (Kr, Kb): the luma weights of red and blue.
_WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
}


@dataclass(frozen=True)
class ColorTags:
    """How the numbers of a video stand for colours, under FFmpeg's names.

    Attributes:
        matrix: "bt709", "smpte170m", ...; "gbr" for RGB; "unknown".
        range: "tv" (limited, black is 16 of 255), "pc" (full) or "unknown".
        primaries: "bt709", "bt2020", ... or "unknown".
        transfer: "bt709", "smpte2084", ... or "unknown".
    """

    matrix: str = UNKNOWN
    range: str = UNKNOWN
    primaries: str = UNKNOWN
    transfer: str = UNKNOWN

    @classmethod
    def from_codes(cls, matrix: int, range_: int, primaries: int, transfer: int) -> ColorTags:
        """Return the tags of FFmpeg's four numbers; a reserved number is "unknown"."""
        return cls(
            _MATRICES.get(matrix, UNKNOWN),
            _RANGES.get(range_, UNKNOWN),
            _PRIMARIES.get(primaries, UNKNOWN),
            _TRANSFERS.get(transfer, UNKNOWN),
        )

    def codes(self) -> tuple[int, int, int, int]:
        """Return FFmpeg's numbers: matrix, range, primaries, transfer."""
        return (
            _code(_MATRICES, self.matrix, 2),
            _code(_RANGES, self.range, 0),
            _code(_PRIMARIES, self.primaries, 2),
            _code(_TRANSFERS, self.transfer, 2),
        )


def _code(names: dict[int, str], name: str, unspecified: int) -> int:
    return next((code for code, known in names.items() if known == name), unspecified)


def color_of(name: str | None) -> tuple[float, float, float] | None:
    """Return R'G'B' in [0, 1] of "black", "white" or "#rrggbb"; None of None.

    >>> color_of("#ff0080")
    (1.0, 0.0, 0.5019607843137255)

    Raises:
        OptionError: for anything else.
    """
    if name is None:
        return None
    code = {"black": "#000000", "white": "#ffffff"}.get(name, name) if type(name) is str else ""
    if not _CODE.fullmatch(code):
        raise OptionError(f"background is {name!r:.40}; expected black, white or #rrggbb")
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def convention(width: int, height: int) -> str:
    """Return the matrix that players take for an untagged video of this size, in pixels.

    BT.709 for high definition (1280 wide or more, or more than 576 high), BT.601
    ("smpte170m") for anything smaller.
    """
    return "bt709" if width >= 1280 or height > 576 else "smpte170m"


def resolve(tags: ColorTags, *, kind: str, width: int, height: int) -> ColorTags:
    """Return the tags with matrix and range filled in; primaries and transfer stay as they are.

    Args:
        tags: as the file says.
        kind: "rgb", "gray" or "yuv", what the pixel format holds.
        width: pixels.
        height: pixels.

    Returns:
        "gbr" and "pc" for RGB; otherwise the file's matrix and range where it names them, else
        the matrix of :func:`convention`, and limited range for YUV or full range for gray.

    Raises:
        InputError: for a matrix that is not a plain linear one (constant luminance, ICtCp, ...).
    """
    if kind == "rgb":
        return ColorTags("gbr", "pc", tags.primaries, tags.transfer)
    matrix = tags.matrix
    if matrix in (UNKNOWN, "gbr"):  # "gbr" on a YUV pixel format is a mistake of its encoder
        matrix = convention(width, height)
    if matrix not in _WEIGHTS:
        raise InputError(
            f"the colour matrix is {matrix}; expected one of {', '.join(_WEIGHTS)}; "
            "convert the video first: ffmpeg -i INPUT -vf colorspace=bt709 OUTPUT"
        )
    default = "pc" if kind == "gray" else "tv"
    range_ = default if tags.range == UNKNOWN else tags.range
    return ColorTags(matrix, range_, tags.primaries, tags.transfer)


def same_colors(one: ColorTags, other: ColorTags) -> bool:
    """Tell whether numbers stand for the same R'G'B' under both (resolved) tags."""
    weights = [_WEIGHTS.get(tags.matrix) for tags in (one, other)]
    return weights[0] == weights[1] and one.range == other.range


def is_hdr(tags: ColorTags) -> bool:
    """Tell whether the transfer is one of high dynamic range (PQ or HLG)."""
    return tags.transfer in ("smpte2084", "arib-std-b67")


def is_wide(tags: ColorTags) -> bool:
    """Tell whether the primaries span more than those of standard screens."""
    return tags.primaries in ("bt2020", "smpte428", "smpte431", "smpte432")


def _levels(tags: ColorTags) -> tuple[float, float, float]:
    """Return black, and the spans of luma and of chroma, on the scale of 8-bit numbers."""
    return (0.0, 255.0, 255.0) if tags.range == "pc" else (16.0, 219.0, 224.0)


def yuv_to_rgb(
    luma: npt.NDArray[np.float32],
    blue: npt.NDArray[np.float32],
    red: npt.NDArray[np.float32],
    tags: ColorTags,
) -> npt.NDArray[np.float32]:
    """Make R'G'B' from Y'CbCr planes of the same size.

    Args:
        luma: (H, W), on the scale of 8-bit numbers, 0 .. 255, fractions allowed.
        blue: (H, W), Cb on the same scale, 128 is none.
        red: (H, W), Cr on the same scale.
        tags: resolved matrix and range.

    Returns:
        (H, W, 3), clipped to [0, 1].
    """
    kr, kb = _WEIGHTS[tags.matrix]
    kg = 1 - kr - kb
    black, luma_span, chroma_span = _levels(tags)
    y = (luma - np.float32(black)) * np.float32(1 / luma_span)
    u = blue - np.float32(128)
    v = red - np.float32(128)
    rgb = np.empty((*luma.shape, 3), np.float32)
    rgb[..., 0] = y + np.float32(2 * (1 - kr) / chroma_span) * v
    rgb[..., 1] = (
        y
        - np.float32(2 * (1 - kb) * kb / kg / chroma_span) * u
        - np.float32(2 * (1 - kr) * kr / kg / chroma_span) * v
    )
    rgb[..., 2] = y + np.float32(2 * (1 - kb) / chroma_span) * u
    return np.clip(rgb, 0, 1, out=rgb)


def rgb_to_yuv(rgb: npt.NDArray[np.float32], tags: ColorTags) -> npt.NDArray[np.float32]:
    """Make Y'CbCr from R'G'B': the inverse of :func:`yuv_to_rgb`.

    Args:
        rgb: (H, W, 3) in [0, 1].
        tags: resolved matrix and range.

    Returns:
        (3, H, W) on the scale of 8-bit numbers, not rounded; full-range chroma reaches 255.5.
    """
    kr, kb = _WEIGHTS[tags.matrix]
    black, luma_span, chroma_span = _levels(tags)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    y = np.float32(kr) * r + np.float32(1 - kr - kb) * g + np.float32(kb) * b
    yuv = np.empty((3, *y.shape), np.float32)
    yuv[0] = y * np.float32(luma_span) + np.float32(black)
    yuv[1] = (b - y) * np.float32(chroma_span / 2 / (1 - kb)) + np.float32(128)
    yuv[2] = (r - y) * np.float32(chroma_span / 2 / (1 - kr)) + np.float32(128)
    return yuv
