"""Yields the frames of an input, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import numpy.typing as npt

from deeptsr.errors import InputError
from deeptsr.io.images import read_folder, read_gif
from deeptsr.io.info import VideoInfo, selected
from deeptsr.io.pixels import to_rgb
from deeptsr.io.planes import holds
from deeptsr.io.source import Decoder, opened, video_stream

__all__ = ["read"]


def read(
    info: VideoInfo, start: float | None = None, end: float | None = None, *, skip: int = 0
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the frames of an input in presentation order.

    Frames before the start are decoded and thrown away, so that a frame's index never rests on a
    seek. Matrix and range are those of ``info.color``: the file's tags, else BT.601 for standard
    and BT.709 for high definition (:func:`deeptsr.io.color.convention`).

    Args:
        info: from :func:`deeptsr.io.probe`.
        start: first moment that is used, seconds after the first frame; None: the beginning.
        end: first moment that is no longer used, seconds; None: the end.
        skip: how many of these frames are left out at the beginning.

    Yields:
        (H, W, 3) R'G'B' in [0, 1], as many as :func:`deeptsr.io.selected` says, less ``skip``.

    Raises:
        InputError: at once when start and end select no frame; while reading when the input
            changed since it was probed, or breaks off.
    """
    wanted = selected(info, start, end)[skip:]
    if info.kind == "folder":
        return read_folder(info, wanted)
    if info.kind == "gif":
        return read_gif(info, wanted)
    return _read_video(info, wanted)


def _read_video(info: VideoInfo, wanted: range) -> Iterator[npt.NDArray[np.float32]]:
    found = 0
    with opened(info.path) as container:
        decoder = Decoder(container, video_stream(container, info.path))
        # Closed before the container is: FFmpeg's decoder must not outlive its file.
        with closing(iter(decoder)) as frames:
            for index, frame in enumerate(frames):
                found = index + 1
                if found > info.frames:
                    break
                if index not in wanted:
                    if index >= wanted.stop and wanted.stop < info.frames:
                        return
                    continue
                if (frame.width, frame.height) != (info.width, info.height):
                    raise InputError(
                        f"frame {index} of {info.path} has {frame.width}x{frame.height} pixels "
                        f"after frames of {info.width}x{info.height}; expected one size; rewrite "
                        f"it first: ffmpeg -i INPUT -vf scale={info.width}:{info.height} OUTPUT"
                    )
                if holds(frame.format.name) != holds(info.pix_fmt):
                    raise InputError(
                        f"frame {index} of {info.path} has the pixel format {frame.format.name} "
                        f"after {info.pix_fmt}; expected one; rewrite it first: "
                        "ffmpeg -i INPUT -pix_fmt yuv420p OUTPUT"
                    )
                yield to_rgb(frame, info.color)
    if found != info.frames:
        what = "more than that" if found > info.frames else f"only {found}"
        raise InputError(
            f"{info.path} was counted to have {info.frames} frames and has {what}: it is damaged, "
            "or changed meanwhile; rewrite it first: ffmpeg -i INPUT OUTPUT"
        )
