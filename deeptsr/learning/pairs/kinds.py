"""The kinds of example: within, across and shift, each a way to look at a volume (section 3)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from deeptsr.config import PairSettings

__all__ = ["ACROSS", "KINDS", "SHIFT", "WITHIN", "Kind", "Matrix"]

Matrix = list[list[int]]  # rows are a volume's axes, columns a crop's: both t, y, x


@dataclass(frozen=True)
class Kind:
    """A kind of example: where its time runs, what a crop covers, how often it is drawn.

    >>> ACROSS.extent(1, frames=16, side=32)
    (32, 16, 32)
    """

    name: str  # of its share in `PairSettings`, too
    axes: tuple[int, ...]  # of a volume, along which a crop's time may run
    longest_jump: int | None = 1  # of its volumes; None: as the settings tell
    moves: bool = False  # whether a crop is a single frame in translation

    def share(self, settings: PairSettings) -> float:
        """How many of the crops are of this kind, as a weight of 0 or more."""
        share: float = getattr(settings, self.name)
        return share

    def jumps(self, settings: PairSettings) -> range:
        """How many slices along a crop's time are exposed as one, in each of its volumes."""
        return range(1, (self.longest_jump or settings.longest_jump) + 1)

    def extent(self, axis: int, frames: int, side: int) -> tuple[int, int, int]:
        """Pixels that a crop covers along t, y and x of its volume.

        Args:
            axis: of the volume, along which the crop's time runs: one of :attr:`axes`.
            frames: of the crop.
            side: of the crop, pixels.
        """
        t, y, x = (frames if axis == n else side for n in range(3))
        return (1 if self.moves else t), y, x

    def matrices(self, axis: int, speeds: tuple[int, ...]) -> list[Matrix]:
        """All augmentations: what takes the (t, y, x) of a crop to those of its volume.

        Args:
            axis: of the volume, along which the crop's time runs: one of :attr:`axes`.
            speeds: of frames in translation, pixels a frame.
        """
        one, other = (n for n in range(3) if n != axis)
        still = _signed((axis, one, other)) + _signed((axis, other, one))
        return [moved for m in still for moved in _moved(m, speeds)] if self.moves else still


WITHIN = Kind("within", (0,), longest_jump=None)
ACROSS = Kind("across", (1, 2), longest_jump=2)
SHIFT = Kind("shift", (0,), moves=True)
KINDS = (WITHIN, ACROSS, SHIFT)


def _signed(order: tuple[int, int, int]) -> list[Matrix]:
    """All matrices that map the crop's axes to the volume's axes in this order, with any signs."""
    matrices = []
    for signs in itertools.product((1, -1), repeat=3):
        matrix = [[0, 0, 0] for _ in range(3)]
        for crop_axis, volume_axis in enumerate(order):
            matrix[volume_axis][crop_axis] = signs[crop_axis]
        matrices.append(matrix)
    return matrices


def _moved(still: Matrix, speeds: tuple[int, ...]) -> list[Matrix]:
    """A matrix with any of the motions in the place of time."""
    matrices = []
    for axis, speed, sign in itertools.product((1, 2), speeds, (1, -1)):
        matrix = [[0, *row[1:]] for row in still]
        matrix[axis][0] = sign * speed
        matrices.append(matrix)
    return matrices
