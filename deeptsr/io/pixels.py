"""From PyAV's frames to arrays and back.

swscale only unpacks pixel formats and resamples chroma here. It is told that both sides have
limited range: then it shifts bits and never stretches levels, whatever the pixel format.
"""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import numpy.typing as npt
from av.video.format import VideoFormat
from av.video.reformatter import ColorRange, Colorspace

from deeptsr.io.color import ColorTags, rgb_to_yuv, yuv_to_rgb

__all__ = ["bits", "from_rgb", "has_alpha", "holds", "tags_of", "to_rgb"]

# FFmpeg's SWS_BICUBIC, ACCURATE_RND, FULL_CHR_H_INP, FULL_CHR_H_INT and BITEXACT; as numbers, since
# PyAV names only some of them before version 18.
_FLAGS = 0x4 | 0x40000 | 0x4000 | 0x2000 | 0x80000


def holds(pix_fmt: str) -> str:
    """Tell what a pixel format holds: "rgb", "gray" or "yuv"; alpha does not count."""
    layout = VideoFormat(pix_fmt)
    if layout.is_rgb or layout.has_palette or layout.is_bayer or pix_fmt.startswith("xyz"):
        return "rgb"
    # PyAV calls a component chroma only where it is halved, so they are counted instead.
    return "yuv" if sum(not c.is_alpha for c in layout.components) >= 3 else "gray"


def bits(pix_fmt: str) -> int:
    """Count the bits a sample of a pixel format, 8 for a palette."""
    layout = VideoFormat(pix_fmt)
    return 8 if layout.has_palette else max(c.bits for c in layout.components)


def has_alpha(pix_fmt: str) -> bool:
    """Tell whether a pixel format has an alpha channel (a palette is not looked into)."""
    return any(c.is_alpha for c in VideoFormat(pix_fmt).components)


def tags_of(frame: av.VideoFrame) -> ColorTags:
    """Read the colour tags of a decoded frame; nothing is filled in."""
    tags = ColorTags.from_codes(
        frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc
    )
    # The names "yuvj..." alone say full range.
    return replace(tags, range="pc") if frame.format.name.startswith("yuvj") else tags


def _reformat(frame: av.VideoFrame, pix_fmt: str, range_: ColorRange) -> av.VideoFrame:
    return frame.reformat(
        format=pix_fmt,
        # Any matrix will do as long as it is the same on both sides: none is applied.
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=range_,
        dst_color_range=range_,
        interpolation=_FLAGS,
    )


def _plane(frame: av.VideoFrame, index: int) -> npt.NDArray[np.uint16]:
    """Return one plane of a 16-bit planar frame, (H, W), without the padding of its lines."""
    plane = frame.planes[index]
    lines = np.frombuffer(plane, np.uint16)  # type: ignore[call-overload]
    padded: npt.NDArray[np.uint16] = lines.reshape(plane.height, plane.line_size // 2)
    return padded[:, : plane.width]


def to_rgb(frame: av.VideoFrame, tags: ColorTags) -> npt.NDArray[np.float32]:
    """Turn a decoded frame into R'G'B'.

    YUV of any depth keeps its precision; RGB of more than 8 bits is read at 8 bits. Alpha is
    dropped.

    Args:
        frame: of any pixel format.
        tags: resolved for this pixel format, see :func:`deeptsr.io.color.resolve`.

    Returns:
        (H, W, 3) in [0, 1].
    """
    name = frame.format.name
    kind = holds(name)
    if kind == "rgb":
        packed = _reformat(frame, "rgb24", ColorRange.JPEG).to_ndarray()
        return packed.astype(np.float32) * np.float32(1 / 255)
    if kind == "gray":
        shape = (frame.height, frame.width)
        gray = np.asarray(_reformat(frame, "gray", ColorRange.JPEG).to_ndarray(), np.float32)
        none = np.full(shape, 128, np.float32)
        return yuv_to_rgb(gray, none, none, tags)
    if name.startswith("yuvj"):
        # These names alone say full range, and swscale then heeds nothing else: rename first.
        frame = _reformat(frame, "yuv" + name[4:], ColorRange.JPEG)
    wide = _reformat(frame, "yuv444p16le", ColorRange.MPEG)
    # Limited levels are 16 .. 235 shifted left; full ones are 2**n - 1 shifted left, which is a
    # little more than 255 shifted left when n > 8.
    depth = bits(name)
    unit = 256.0 if tags.range != "pc" else (2**depth - 1) * 2 ** (16 - depth) / 255
    scale = np.float32(1 / unit)
    luma, blue, red = (_plane(wide, i).astype(np.float32) * scale for i in range(3))
    if tags.range == "pc":
        # The middle of chroma is 2**(n-1), which the scale of full luma misses by half a step.
        offset = np.float32(128 - 2**15 / unit)
        blue, red = blue + offset, red + offset
    return yuv_to_rgb(luma, blue, red, tags)


def from_rgb(rgb: npt.NDArray[np.float32], pix_fmt: str, tags: ColorTags) -> av.VideoFrame:
    """Turn an R'G'B' picture into a frame for an encoder.

    Args:
        rgb: (H, W, 3) in [0, 1].
        pix_fmt: FFmpeg's name of the pixel format wanted.
        tags: resolved for that pixel format; they are written on the frame.

    Returns:
        A frame of that size and pixel format, each number rounded once.
    """
    kind = holds(pix_fmt)
    if kind == "rgb":
        packed = np.rint(rgb * np.float32(255)).astype(np.uint8)
        frame = _reformat(av.VideoFrame.from_ndarray(packed, "rgb24"), pix_fmt, ColorRange.JPEG)
    elif kind == "gray":
        luma = np.rint(rgb_to_yuv(rgb, tags)[0]).astype(np.uint8)
        frame = _reformat(av.VideoFrame.from_ndarray(luma, "gray"), pix_fmt, ColorRange.JPEG)
    else:
        frame = _from_yuv(rgb_to_yuv(rgb, tags), pix_fmt, tags)
    frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc = tags.codes()
    return frame


def _from_yuv(yuv: npt.NDArray[np.float32], pix_fmt: str, tags: ColorTags) -> av.VideoFrame:
    depth = bits(pix_fmt)
    if depth <= 8:
        # From 8 bits, because swscale dithers when it comes down from 16, and a dither that moves
        # with the content flickers.
        planes = np.clip(np.rint(yuv), 0, 255).astype(np.uint8)
        return _reformat(av.VideoFrame.from_ndarray(planes, "yuv444p"), pix_fmt, ColorRange.MPEG)
    unit = 2.0 ** (depth - 8) if tags.range != "pc" else (2**depth - 1) / 255
    middle = np.float32(2 ** (depth - 1) - 128 * unit)
    levels = yuv * np.float32(unit)
    levels[1:] += middle
    levels = np.clip(np.rint(levels), 0, 2**depth - 1)
    wide = np.moveaxis(levels.astype(np.uint16) << np.uint16(16 - depth), 0, -1)  # (H, W, 3)
    wide = np.ascontiguousarray(wide)
    return _reformat(av.VideoFrame.from_ndarray(wide, "yuv444p16le"), pix_fmt, ColorRange.MPEG)
