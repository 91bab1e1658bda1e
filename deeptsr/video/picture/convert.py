"""From PyAV's frames to R'G'B' arrays and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from deeptsr.video.picture.color import ColorTags, rgb_to_yuv, yuv_to_rgb
from deeptsr.video.picture.planes import bits, fill, frame_of, has_alpha, holds, planes, reformat

__all__ = [
    "Frame",
    "alpha_of",
    "flatten",
    "from_rgb",
    "multiplied",
    "straight",
    "tags_of",
    "to_rgb",
]

Frame = npt.NDArray[np.float32]  # (H, W, C) of R'G'B' or gray in [0, 1]; alpha comes last

_GBR = [1, 2, 0]  # the planes of FFmpeg's planar RGB hold these of R, G, B
_RGB = [2, 0, 1]  # and the other way


def tags_of(frame: av.VideoFrame) -> ColorTags:
    """Read the colour tags of a decoded frame; nothing is filled in."""
    tags = ColorTags.from_codes(
        frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc
    )
    # The names "yuvj..." alone say full range.
    return replace(tags, range="pc") if frame.format.name.startswith("yuvj") else tags


def to_rgb(frame: av.VideoFrame, tags: ColorTags, *, alpha: bool = False) -> Frame:
    """Turn a decoded frame into R'G'B', at the full precision of its pixel format.

    Args:
        frame: of any pixel format.
        tags: resolved for this pixel format, see :func:`deeptsr.video.picture.color.resolve`.
        alpha: whether to return the alpha channel; otherwise it is dropped.

    Returns:
        (H, W, 3) in [0, 1]; or (H, W, 4), see :func:`multiplied`.
    """
    kind = holds(frame.format.name)
    if kind == "rgb":
        colors, cover = _read_rgb(frame)
    elif kind == "gray":
        colors, cover = _read_gray(frame, tags)
    else:
        colors, cover = _read_yuv(frame, tags)
    return multiplied(colors, cover) if alpha else colors


def alpha_of(frame: av.VideoFrame) -> Frame | None:
    """Return the alpha of a frame, (H, W) in [0, 1]; None where its pixel format has none."""
    kind = holds(frame.format.name)
    if kind == "rgb":
        return _read_rgb(frame)[1]
    any_tags = ColorTags("bt709", "pc")
    return (_read_gray if kind == "gray" else _read_yuv)(frame, any_tags)[1]


def flatten(picture: Frame, background: tuple[float, float, float] | None) -> Frame:
    """Lay a picture (H, W, 4), see :func:`multiplied`, over a colour; None: over black."""
    if background is None:
        return picture[..., :3]
    hidden = 1 - picture[..., 3:]
    return np.asarray(picture[..., :3] + hidden * np.asarray(background, np.float32))


def multiplied(colors: Frame, cover: Frame | None) -> Frame:
    """Join colours and alpha: each colour is multiplied by its alpha, as light is mixed.

    So what is hidden counts for nothing wherever pictures are averaged.

    Args:
        colors: (H, W, 3).
        cover: alpha, (H, W) in [0, 1]; None: opaque.
    """
    joined = np.ones((*colors.shape[:2], 4), np.float32)
    joined[..., :3] = colors
    if cover is not None:
        joined[..., :3] *= cover[..., None]
        joined[..., 3] = cover
    return joined


def straight(picture: Frame) -> tuple[Frame, Frame]:
    """Undo :func:`multiplied`: colours (H, W, 3) and alpha (H, W); what is hidden is black."""
    cover = picture[..., 3]
    colors = np.divide(
        picture[..., :3],
        cover[..., None],
        out=np.zeros_like(picture[..., :3]),
        where=cover[..., None] > 0.5 / 65535,
    )
    return np.clip(colors, 0, 1, out=colors), cover


def _read_rgb(frame: av.VideoFrame) -> tuple[Frame, Frame | None]:
    name = frame.format.name
    transparent = has_alpha(name) or frame.format.has_palette
    depth = bits(name)
    if depth <= 8 or frame.format.is_bayer:
        packed = reformat(frame, "rgba" if transparent else "rgb24", full=True).to_ndarray()
        joined = np.asarray(packed, np.float32) * np.float32(1 / 255)
        return joined[..., :3], joined[..., 3] if transparent else None
    layout = "gbrap" if transparent else "gbrp"
    if not name.startswith("gbr") or depth > 16:
        depth = 10 if depth == 10 else 16
    if transparent and not name.startswith("gbr"):
        # Going straight to planes, swscale loses colours here.
        frame = reformat(frame, "rgba64le", full=True)
    levels = planes(reformat(frame, f"{layout}{depth}le", full=True))
    joined = np.stack([levels[i] for i in _RGB], -1).astype(np.float32)  # (H, W, 3)
    whole = np.float32(1 / (2**depth - 1))
    return joined * whole, levels[3].astype(np.float32) * whole if transparent else None


def _read_gray(frame: av.VideoFrame, tags: ColorTags) -> tuple[Frame, Frame | None]:
    name = frame.format.name
    depth, cover = bits(name), None
    if has_alpha(name):
        frame = reformat(frame, "ya8" if depth <= 8 else "ya16le", full=True)
        lines = np.frombuffer(frame.planes[0], np.uint8 if depth <= 8 else np.uint16)  # type: ignore[call-overload]
        pairs = lines.reshape(frame.height, -1)[:, : 2 * frame.width]
        levels, cover = pairs[:, ::2], pairs[:, 1::2] * np.float32(1 / (2**depth - 1))
    else:
        depth = min(max(depth, 8), 16)
        levels = planes(reformat(frame, "gray" if depth == 8 else f"gray{depth}le", full=True))[0]
    none = np.full(levels.shape, 128, np.float32)
    return yuv_to_rgb(levels.astype(np.float32) / _unit(tags, depth), none, none, tags), cover


def _unit(tags: ColorTags, depth: int) -> np.float32:
    """Return how many levels of a depth make one of 8 bits."""
    # Limited levels are 16 .. 235 shifted left; full ones reach the end of the scale.
    return np.float32((2**depth - 1) / 255 if tags.range == "pc" else 2 ** (depth - 8))


def _read_yuv(frame: av.VideoFrame, tags: ColorTags) -> tuple[Frame, Frame | None]:
    name = frame.format.name
    depth, cover = bits(name), None
    if has_alpha(name):
        if not name.startswith("yuva"):
            frame = reformat(frame, "yuva444p" if depth <= 8 else "yuva444p16le")
            depth = bits(frame.format.name)
        elif name.endswith("be"):
            frame = reformat(frame, name[:-2] + "le")
        cover = planes(frame)[3].astype(np.float32) * np.float32(1 / (2**depth - 1))
    elif name.startswith("yuvj"):
        # These names alone say full range, and swscale then heeds nothing else: rename first.
        frame = reformat(frame, "yuv" + name[4:], full=True)
    wide = planes(reformat(frame, "yuv444p16le"))  # any depth, shifted left
    unit = _unit(tags, depth) * np.float32(2 ** (16 - depth))
    luma, blue, red = (plane.astype(np.float32) / unit for plane in wide)
    # The middle of chroma is 2**(n-1), which the scale of full luma misses by half a step.
    offset = np.float32(128 - 2**15 / unit)
    return yuv_to_rgb(luma, blue + offset, red + offset, tags), cover


def from_rgb(picture: Frame, pix_fmt: str, tags: ColorTags) -> av.VideoFrame:
    """Turn an R'G'B' picture into a frame for an encoder.

    Args:
        picture: (H, W, 3) in [0, 1], or (H, W, 4): see :func:`multiplied`. Alpha is written where
            the pixel format has it.
        pix_fmt: FFmpeg's name of the pixel format wanted.
        tags: resolved for that pixel format; they are written on the frame.

    Returns:
        A frame of that size and pixel format, each number rounded once.
    """
    kind = holds(pix_fmt)
    colors, cover = straight(picture) if picture.shape[2] == 4 else (picture, None)
    if kind == "rgb":
        frame = _write_rgb(colors, cover, pix_fmt)
    elif kind == "gray":
        frame = _write_gray(rgb_to_yuv(colors, tags)[0], cover, pix_fmt, tags)
    else:
        frame = _write_yuv(rgb_to_yuv(colors, tags), cover, pix_fmt, tags)
    frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc = tags.codes()
    return frame


def _levels(numbers: Frame, depth: int) -> npt.NDArray[Any]:
    """Round to the levels of a depth, and stay within them."""
    whole = np.clip(np.rint(numbers), 0, 2**depth - 1)
    return whole.astype(np.uint8 if depth <= 8 else np.uint16)


def _write_rgb(colors: Frame, cover: Frame | None, pix_fmt: str) -> av.VideoFrame:
    depth = bits(pix_fmt)
    if depth <= 8:
        channels = colors if cover is None else np.dstack([colors, cover])
        packed = np.ascontiguousarray(_levels(channels * np.float32(255), 8))
        layout = "rgb24" if cover is None else "rgba"
        return reformat(av.VideoFrame.from_ndarray(packed, layout), pix_fmt, full=True)
    if not pix_fmt.startswith("gbr") or depth > 16:
        depth = 10 if depth == 10 else 16
    whole = np.float32(2**depth - 1)
    planes = [_levels(colors[..., i] * whole, depth) for i in _GBR]
    if not has_alpha(pix_fmt):
        return reformat(frame_of(planes, f"gbrp{depth}le"), pix_fmt, full=True)
    planes.append(
        np.full_like(planes[0], whole) if cover is None else _levels(cover * whole, depth)
    )
    return reformat(frame_of(planes, f"gbrap{depth}le"), pix_fmt, full=True)


def _write_gray(luma: Frame, cover: Frame | None, pix_fmt: str, tags: ColorTags) -> av.VideoFrame:
    depth = min(max(bits(pix_fmt), 8), 16)
    levels = _levels(luma * _unit(tags, depth), depth)
    if not has_alpha(pix_fmt):
        layout = "gray" if depth == 8 else f"gray{depth}le"
        return reformat(frame_of([levels], layout), pix_fmt, full=True)
    whole = np.float32(2**depth - 1)
    opaque = np.full_like(levels, whole) if cover is None else _levels(cover * whole, depth)
    frame = av.VideoFrame(luma.shape[1], luma.shape[0], "ya8" if depth == 8 else "ya16le")
    fill(frame, 0, np.dstack([levels, opaque]).reshape(luma.shape[0], -1))
    return reformat(frame, pix_fmt, full=True)


def _write_yuv(yuv: Frame, cover: Frame | None, pix_fmt: str, tags: ColorTags) -> av.VideoFrame:
    depth = bits(pix_fmt)
    unit = _unit(tags, depth)
    levels = yuv * unit
    levels[1:] += np.float32(2 ** (depth - 1)) - 128 * unit
    if depth <= 8:
        # It starts at 8 bits: swscale dithers when it comes down from 16, and a dither that moves
        # with the content flickers.
        frame = av.VideoFrame.from_ndarray(_levels(levels, 8), "yuv444p")
    else:
        wide = _levels(levels, depth).astype(np.uint16) << np.uint16(16 - depth)
        frame = frame_of(list(wide), "yuv444p16le")
    frame = reformat(frame, pix_fmt)
    if has_alpha(pix_fmt) and cover is not None:
        fill(frame, 3, _levels(cover * np.float32(2**depth - 1), depth))
    return frame
