"""Slices through time: one line of pixels, followed from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from deeptsr import video
from deeptsr.evaluation.baselines import linear
from deeptsr.imaging.exposure import Exposure
from deeptsr.report.stills import Bytes, Still, still, to_bytes

__all__ = ["Line", "Slice"]

_TALL = 320  # pixels along time, about
_WIDE = 640  # pixels across, at most


@dataclass(frozen=True)
class Slice:
    """A line of pixels, followed through time."""

    at: int  # row or column of the input, pixels
    begin: int  # pixel along that line at which the slice begins
    length: int  # pixels of the line
    frames: range  # of the input, from the beginning of the film
    coarse: Still
    plain: Still  # linear interpolation
    fine: Still


@dataclass
class Line:
    """A slice in the making.

    Args:
        at: row or column, pixels of the input.
        middle: of the part that is shown, where the line is long: pixels along it.
        whole: pixels of the line.
        frames: of the input.
        near: the same, and the neighbours that linear interpolation looks at.
        down: whether it goes along y.
    """

    at: int
    middle: int
    whole: int
    frames: range
    near: range
    down: bool
    _coarse: dict[int, video.Frame] = field(default_factory=dict)
    _fine: list[Bytes] = field(default_factory=list)
    _moments: list[tuple[int, int]] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Pixels that are shown."""
        return min(self.whole, _WIDE)

    @property
    def begin(self) -> int:
        """The first pixel that is shown."""
        return max(0, min(self.middle - self.length // 2, self.whole - self.length))

    def see(self, index: int, part: int, frame: video.Frame, made: video.Frame) -> None:
        """Cut through the next frame of the result.

        Args:
            index: of the input's frame, from the beginning of the film.
            part: which of the frames that were climbed in its time, from 0.
            frame: of the input.
            made: of the result; it may have another size.
        """
        if index in self.near and index not in self._coarse:
            self._coarse[index] = self._cut(frame, frame.shape[:2])
        if index in self.frames:
            self._fine.append(to_bytes(self._cut(made, frame.shape[:2])))
            self._moments.append((index, part))

    def develop(self, factor: int, exposure: Exposure) -> Slice:
        """Make the pictures, where ``factor`` frames were climbed for each of the input."""
        rows = max(1, round(_TALL / max(1, len(self._fine))))
        tall = rows * len(self._fine)
        places = {index: place for place, index in enumerate(self._coarse)}
        between = list(linear((c[None] for c in self._coarse.values()), factor, exposure))
        plain = [to_bytes(between[places[i] * factor + n][0]) for i, n in self._moments]
        coarse = [to_bytes(self._coarse[i]) for i in self.frames if i in self._coarse]
        pictures = (self._still(lines, tall) for lines in (coarse, plain, self._fine))
        return Slice(self.at, self.begin, self.length, self.frames, *pictures)

    def _cut(self, picture: video.Frame, size: tuple[int, ...]) -> video.Frame:
        """The line of a picture that may have another size than the input."""
        if self.down:
            picture, size = picture.swapaxes(0, 1), (size[1], size[0])  # (W, H, 3)
        tall, wide = (side / of for side, of in zip(picture.shape[:2], size, strict=True))
        row = picture[min(int(self.at * tall), len(picture) - 1)]
        return np.array(row[int(self.begin * wide) : int((self.begin + self.length) * wide)])

    def _still(self, lines: Sequence[Bytes], tall: int) -> Still:
        picture = np.stack(lines)  # (T, W, 3)
        picture = picture[np.arange(tall) * len(lines) // tall]
        if self.down:
            picture = picture.swapaxes(0, 1)  # (H, T, 3): time runs to the right
        return still(picture, exact=True)
