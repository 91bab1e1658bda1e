"""The numbers of a frame as arrays, and back.

swscale only unpacks pixel formats, changes the order of bytes and resamples chroma here. It is
told that both sides have the same range: then it shifts bits and never stretches levels, where it
keeps the depth. (Where it does not, it scales grey and RGB in ways that differ from path to path.)
"""

from __future__ import annotations

from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.video.format import VideoFormat
from av.video.reformatter import ColorRange, Colorspace

from deeptsr.errors import OutputError

__all__ = ["bits", "color_levels", "fill", "frame_of", "has_alpha", "holds", "planes", "reformat"]
__all__ += ["clipped", "side_data"]

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


def color_levels(pix_fmt: str) -> int | None:
    """The number that stands for 1 where a pixel format keeps R'G'B' as it is, in 8 bits at most.

    None: colours become others, are picked from a palette or multiplied by alpha, or have so many
    levels that rounding is of no account.

    >>> color_levels("bgr0"), color_levels("yuv444p")
    (255, None)
    """
    layout = VideoFormat(pix_fmt)
    if not layout.is_rgb or layout.has_palette or has_alpha(pix_fmt):
        return None
    depths = {c.bits for c in layout.components}
    return 255 if depths == {8} else None


def has_alpha(pix_fmt: str) -> bool:
    """Tell whether a pixel format has an alpha channel (a palette is not looked into)."""
    return any(c.is_alpha for c in VideoFormat(pix_fmt).components)


def reformat(frame: av.VideoFrame, pix_fmt: str, *, full: bool = False) -> av.VideoFrame:
    """Change the layout of a frame; ``full`` names the range of both sides."""
    if frame.format.name == pix_fmt:
        return frame
    range_ = ColorRange.JPEG if full else ColorRange.MPEG
    return frame.reformat(
        format=pix_fmt,
        # Any matrix will do as long as it is the same on both sides: none is applied.
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=range_,
        dst_color_range=range_,
        interpolation=_FLAGS,
    )


def planes(frame: av.VideoFrame) -> list[npt.NDArray[Any]]:
    """View the planes of a frame, each (H, W), without the padding of their lines.

    Args:
        frame: planar or grey, of 8 bits or of more in words of 16, low byte first.
    """
    kind = np.dtype(np.uint8 if bits(frame.format.name) <= 8 else np.uint16)
    views = []
    for plane in frame.planes:
        lines = np.frombuffer(plane, kind)  # type: ignore[call-overload]
        views.append(lines.reshape(plane.height, -1)[:, : plane.width])
    return views


def fill(frame: av.VideoFrame, index: int, numbers: npt.NDArray[Any]) -> None:
    """Write one plane of a frame: (H, W), of the plane's own type."""
    plane = frame.planes[index]
    lines = np.zeros((plane.height, plane.line_size // numbers.itemsize), numbers.dtype)
    lines[:, : numbers.shape[1]] = numbers
    plane.update(lines.tobytes())


def frame_of(numbers: list[npt.NDArray[Any]], pix_fmt: str) -> av.VideoFrame:
    """Make a frame of its planes, in the order of the pixel format."""
    height, width = numbers[0].shape
    frame = av.VideoFrame(width, height, pix_fmt)
    for index, plane in enumerate(numbers):
        fill(frame, index, plane)
    return frame


def side_data(frame: av.VideoFrame, name: str) -> bytes | None:
    """Return what a decoded frame carries beside its picture, under FFmpeg's name."""
    data = cast(Any, frame.side_data).get(name)
    return None if data is None else bytes(data)


def clipped(frame: npt.NDArray[np.float32], number: int) -> npt.NDArray[np.float32]:
    """A frame of an output, (H, W, C), in [0, 1].

    Args:
        frame: as it was made.
        number: of the frame, from 0, for the error.

    Raises:
        OutputError: for values that are not numbers.
    """
    levels: npt.NDArray[np.float32] = np.clip(frame, 0, 1, dtype=np.float32)
    if np.isnan(np.min(levels, initial=0)):
        raise OutputError(
            f"output frame {number} holds values that are not numbers; this is a fault of the "
            "program, or of the network's fit: please report it"
        )
    return levels
