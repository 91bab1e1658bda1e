"""The film of a report: input, plain methods and result in one picture, always in step."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from deeptsr import video
from deeptsr.report.footage import Footage
from deeptsr.report.stills import Bytes, shrunk, to_bytes

__all__ = ["PANELS", "Film", "Panels"]


PANELS = ("input", "linear", "minterpolate", "result")  # of the film: two above, two below

_BYTES = 12_000_000  # base64 makes 4 of 3: with the stills, under 20 MB
_VOXELS = 400_000_000  # pixels x frames of a panel: a minute of encoding
_SLOW_VOXELS = 150_000_000  # the same that minterpolate makes: a minute, too
_WIDTH = 960, 320  # pixels of a panel: at most, and at least if the video has them


@dataclass(frozen=True)
class Film:
    """Input, plain methods and result in one film, so that they never fall out of step."""

    data: str  # WebM in base64
    width: int  # of one panel, pixels
    height: int
    frames: int
    rate: int  # frames a second, as encoded: not the video's own
    coarsened: int  # minterpolate saw frames so many times smaller


class Panels:
    """Makes the film's frames of those of the result.

    Args:
        footage: of the run.
        stretch: frames of the input that are shown.
    """

    def __init__(self, footage: Footage, stretch: range) -> None:
        frames = len(footage.fine(stretch))
        self.size = _size(footage, frames)
        width, height = self.size
        self.coarsened = 1
        while width * height * frames > _SLOW_VOXELS * self.coarsened**2:
            self.coarsened += 1
        self._plain = [
            footage.plain(name, stretch, self._shrinker(by))
            for name, by in (("linear", 1), ("minterpolate", self.coarsened))
        ]
        self._input = -1, np.empty(0, np.uint8)

    def frame(self, index: int, coarse: video.Frame, result: video.Frame) -> Bytes:
        """Put the film's next frame together.

        Args:
            index: of the input's frame.
            coarse: that frame.
            result: the next frame of the result.
        """
        if self._input[0] != index:
            self._input = index, shrunk(to_bytes(coarse), self.size)
        linear, motion = (shrunk(to_bytes(next(frames)), self.size) for frames in self._plain)
        above = np.concatenate([self._input[1], linear], axis=1)
        below = np.concatenate([motion, shrunk(to_bytes(result), self.size)], axis=1)
        return np.concatenate([above, below])

    def encode(self, frames: Iterator[Bytes]) -> Film:
        """Encode what :meth:`frame` has put together."""
        count = 0

        def counted() -> Iterator[Bytes]:
            nonlocal count
            for frame in frames:
                count += 1
                yield frame

        width, height = self.size
        data = video.encode_preview(counted(), (2 * width, 2 * height), _BYTES)
        coded = base64.b64encode(data).decode()
        return Film(coded, width, height, count, video.PREVIEW_RATE, self.coarsened)

    def _shrinker(self, by: int) -> Callable[[video.Frame], video.Frame]:
        width, height = (max(1, side // by) for side in self.size)

        def shrink(picture: video.Frame) -> video.Frame:
            return shrunk(to_bytes(picture), (width, height)).astype(np.float32) / np.float32(255)

        return shrink


def _size(footage: Footage, frames: int) -> tuple[int, int]:
    """Width and height of a panel: as large as the time for encoding allows, and even."""
    aspect = footage.source.sample_aspect_ratio
    full, tall = footage.source.width * aspect, footage.source.height
    most, least = _WIDTH
    affordable = float(_VOXELS / frames * full / tall) ** 0.5
    width = min(float(full), most, max(least, affordable))
    return max(2, round(width / 2) * 2), max(2, round(width * float(tall / full) / 2) * 2)
