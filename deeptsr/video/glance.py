"""A video seen at a glance: small, and how much moves in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice, pairwise

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.convert import to_rgb
from deeptsr.video.picture.planes import bits, holds
from deeptsr.video.reading.decoder import Decoder, opened, video_stream
from deeptsr.video.reading.reader import read

__all__ = ["motion_in", "small_frames"]

_SIDE = 64  # pixels of the long side, about, at which pictures are compared
_CUT = 4.0  # times the median where anything changes: a larger change is a cut, and no motion

Picture = npt.NDArray[np.float32]


def motion_in(info: VideoInfo, frames: range) -> list[float]:
    """Tell how much changes from each frame to the next.

    Args:
        info: of the input.
        frames: those that are looked at, by their numbers.

    Returns:
        The mean change of brightness, in [0, 1], one fewer than frames; a cut counts as little as
        it can.

    Raises:
        InputError: when the input breaks off.
    """
    pictures = _decoded(info, frames) if info.kind == "video" else _read(info, frames)
    changes = [float(np.abs(b - a).mean()) for a, b in pairwise(pictures)]
    moving = [change for change in changes if change > 0]
    most = _CUT * float(np.median(moving)) if moving else 0.0
    return [min(change, most) for change in changes]


def small_frames(info: VideoInfo, frames: range, size: tuple[int, int]) -> Iterator[Picture] | None:
    """Yield frames that are scaled down before their colours are read, which is quick.

    Args:
        info: of the input.
        frames: those that are wanted, by their numbers.
        size: height and width, pixels, as shown: no larger than they are.

    Returns:
        Pictures (H, W, 3) R'G'B' in [0, 1]; None where only :func:`deeptsr.video.read` knows how to
        read them: single pictures, fields, transparency, hidden pixels, other than Y'CbCr.

    Raises:
        InputError: when the input breaks off.
    """
    if info.kind != "video" or info.alpha or info.deinterlace or any(info.crop) or info.whole:
        return None
    if holds(info.pix_fmt) != "yuv" or info.pix_fmt.startswith("yuvj"):
        return None
    # Small pictures with halved chroma would lose colours.
    layout = "yuv444p" if bits(info.pix_fmt) <= 8 else "yuv444p16le"
    width, height = info.orientation.size(size[1], size[0])  # as stored
    return (
        np.ascontiguousarray(info.orientation.turn(to_rgb(frame, info.color)))
        for frame in _frames(info, frames, lambda frame: (width, height), layout)
    )


def _decoded(info: VideoInfo, frames: range) -> Iterator[Picture]:
    shrink = max(1, max(info.width, info.height) // _SIDE)

    def size(frame: av.VideoFrame) -> tuple[int, int]:
        return max(2, frame.width // shrink), max(2, frame.height // shrink)

    for frame in _frames(info, frames, size, "gray"):
        yield frame.to_ndarray().astype(np.float32) / np.float32(255)


def _frames(
    info: VideoInfo,
    frames: range,
    size: Callable[[av.VideoFrame], tuple[int, int]],
    pix_fmt: str,
) -> Iterator[av.VideoFrame]:
    """Yield frames as they are stored, scaled down to a width and a height."""
    with opened(info.path) as container:
        decoder = Decoder(container, video_stream(container, info.path, info.stream))
        # It is closed before the container: FFmpeg's decoder must not outlive its file.
        with closing(iter(decoder)) as decoded:
            for frame in islice(decoded, frames.start, frames.stop):
                yield frame.reformat(
                    *size(frame),
                    pix_fmt,
                    # Both sides have the same: no matrix is applied, and no level is stretched.
                    src_colorspace=Colorspace.ITU709,
                    dst_colorspace=Colorspace.ITU709,
                    src_color_range=ColorRange.MPEG,
                    dst_color_range=ColorRange.MPEG,
                    interpolation="AREA",
                )


def _read(info: VideoInfo, frames: range) -> Iterator[Picture]:
    stride = max(1, max(info.width, info.height) // _SIDE)
    for picture in islice(read(info), frames.start, frames.stop):
        yield picture[::stride, ::stride].mean(2)
