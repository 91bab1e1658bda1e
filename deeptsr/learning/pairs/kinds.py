"""The kinds of example, each a view of some volume: within, across, shift."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Entry", "matrices_of"]


@dataclass(frozen=True)
class Entry:
    """A volume from which crops of one kind are cut."""

    volume: Tensor  # (T, H, W, C)
    kind: str  # "within", "across-y", "across-x" or "shift"
    share: float  # of all crops of its kind


def _signed(order: tuple[int, int, int]) -> list[list[list[int]]]:
    """All matrices that map the crop's axes to the volume's axes in this order, with any signs."""
    found = []
    for signs in itertools.product((1, -1), repeat=3):
        matrix = [[0, 0, 0] for _ in range(3)]
        for crop_axis, volume_axis in enumerate(order):
            matrix[volume_axis][crop_axis] = signs[crop_axis]
        found.append(matrix)
    return found


def matrices_of(kind: str, speeds: tuple[int, ...]) -> list[list[list[int]]]:
    """All augmentations of one kind of example: rows are volume axes, columns crop axes t, y, x."""
    if kind == "within":
        return _signed((0, 1, 2)) + _signed((0, 2, 1))
    if kind == "across-y":
        return _signed((1, 0, 2)) + _signed((1, 2, 0))
    if kind == "across-x":
        return _signed((2, 0, 1)) + _signed((2, 1, 0))
    found = []
    for matrix in matrices_of("within", speeds):
        for axis, speed, sign in itertools.product((1, 2), speeds, (1, -1)):
            moved = [[0, *matrix[0][1:]], [0, *matrix[1][1:]], [0, *matrix[2][1:]]]
            moved[axis][0] = sign * speed
            found.append(moved)
    return found
