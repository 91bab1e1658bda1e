"""Where it moves most: the places that a report shows enlarged, and through which it cuts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Map", "measure"]

_STRIDE_SIDE = 320  # pixels of the long side at which motion is measured,
_CELL = 8  # in squares of so many of those
_WORTH = 0.25  # of the greatest motion: with less, a further place is not shown


@dataclass(frozen=True)
class Box:
    """A square of a frame of the input."""

    frame: int
    left: int  # pixels
    top: int
    side: int


@dataclass(frozen=True)
class Map:
    """How much each cell of each frame moves."""

    cells: npt.NDArray[np.float32]  # (T, rows, columns), mean absolute change
    pixels: int  # side of a cell

    def boxes(self, side: int, most: int) -> list[Box]:
        """The squares in which it moves most, apart in space and time, the liveliest first.

        Args:
            side: of a square, pixels, about.
            most: how many at most; fewer where the others hardly move.
        """
        count, rows, columns = self.cells.shape
        span = min(max(1, round(side / self.pixels)), rows, columns)
        sums = np.zeros((count, rows + 1, columns + 1))
        sums[:, 1:, 1:] = self.cells.cumsum(1).cumsum(2)
        lively = (
            sums[:, span:, span:]
            - sums[:, :-span, span:]
            - sums[:, span:, :-span]
            + sums[:, :-span, :-span]
        )
        if count > 4:  # at its ends a clip knows one neighbour only
            lively[[0, -1]] = -1
        places: list[Box] = []
        apart = count // (4 * most)  # frames
        first = float(lively.max())
        while len(places) < most and (not places or lively.max() > max(0, _WORTH * first)):
            t, y, x = np.unravel_index(int(lively.argmax()), lively.shape)
            places.append(
                Box(int(t), int(x) * self.pixels, int(y) * self.pixels, span * self.pixels)
            )
            lively[:, max(0, y - span + 1) : y + span, max(0, x - span + 1) : x + span] = -1
            lively[max(0, t - apart) : t + apart + 1] = -1
        return places

    def row(self) -> int:
        """The pixel row through which most moves."""
        return self._middle(self.cells.sum(axis=(0, 2)))

    def column(self) -> int:
        """The pixel column through which most moves."""
        return self._middle(self.cells.sum(axis=(0, 1)))

    def times(self, length: int, scenes: Sequence[range]) -> range:
        """The stretch of at most ``length`` frames of one of the scenes in which most moves."""
        totals = np.concatenate([[0], self.cells.sum(axis=(1, 2)).cumsum()])
        stretches = [
            range(first, min(first + length, scene.stop))
            for scene in scenes
            for first in range(scene.start, max(scene.start, scene.stop - length) + 1)
        ]
        return max(stretches, key=lambda frames: totals[frames.stop] - totals[frames.start])

    def _middle(self, totals: npt.NDArray[np.float32]) -> int:
        return int(totals.argmax()) * self.pixels + self.pixels // 2


def measure(frames: Iterable[npt.NDArray[np.float32]]) -> Map:
    """Measure the motion in a stretch of video.

    A cell counts as moving in a frame when it differs from the frame before and from the one after:
    a cut or a flash differs from one of them only.

    Args:
        frames: pictures (H, W, 3), one at a time, at least one.
    """
    changes: list[npt.NDArray[np.float32]] = []
    before, stride = None, 1
    for frame in frames:
        stride = max(1, max(frame.shape[:2]) // _STRIDE_SIDE)
        small = frame[::stride, ::stride].mean(axis=2)  # (H, W)
        changes.append(_pool(np.abs(small - (small if before is None else before))))
        before = small
    after = [*changes[1:], changes[-1]]
    changes[0] = after[0]
    cells = np.stack([np.minimum(a, b) for a, b in zip(changes, after, strict=True)])
    return Map(cells, _CELL * stride)


def _pool(change: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean of each whole cell; of a picture smaller than one, of all of it."""
    rows, columns = (max(1, side // _CELL) for side in change.shape)
    whole = change[: rows * _CELL, : columns * _CELL]
    tall, wide = whole.shape[0] // rows, whole.shape[1] // columns
    pooled: npt.NDArray[np.float32] = whole.reshape(rows, tall, columns, wide).mean(axis=(1, 3))
    return pooled
