"""How much moves in a video, seen at a glance: small, without colour, and not too far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt

from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.decoder import Decoder, opened, video_stream
from deeptsr.video.reading.reader import read

__all__ = ["motion_in"]

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


def _decoded(info: VideoInfo, frames: range) -> Iterator[Picture]:
    shrink = max(1, max(info.width, info.height) // _SIDE)
    with opened(info.path) as container:
        decoder = Decoder(container, video_stream(container, info.path, info.stream))
        # Closed before the container is: FFmpeg's decoder must not outlive its file.
        with closing(iter(decoder)) as decoded:
            for frame in islice(decoded, frames.start, frames.stop):
                width, height = (max(2, n // shrink) for n in (frame.width, frame.height))
                small = frame.reformat(width, height, "gray", interpolation="AREA")
                yield small.to_ndarray().astype(np.float32) / np.float32(255)


def _read(info: VideoInfo, frames: range) -> Iterator[Picture]:
    stride = max(1, max(info.width, info.height) // _SIDE)
    for picture in islice(read(info), frames.start, frames.stop):
        yield picture[::stride, ::stride].mean(2)
