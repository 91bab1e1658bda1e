"""How large frames are kept: in [0, 1] and in whole levels, of which the camera sees least.

Frames that agree with coarser ones do so no longer once they are cut off at black and white, or
rounded. What that takes is given to the pixels around, whose camera sees the sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from deeptsr.imaging.lens import raised, shrink

__all__ = ["in_levels", "inside"]

_ROUNDS = 8  # of cutting off and agreeing, at most
_LITTLE = 1e-7  # mean square that is cut off without another round: 70 dB
_RELAXED = 1.8  # times what a round lacks is given, which needs half as many rounds (measured)
_APART = 2  # rows and columns from one pixel of a quarter to the next
_QUARTERS = ((0, 0), (1, 1), (0, 1), (1, 0))  # first row and column of each quarter of the pixels
_GIVEN_BACK = 1.5  # times what rounding took goes to the pixels that are not yet rounded


def inside(large: Tensor, given: Tensor, camera: str = "bicubic") -> Tensor:
    """Cut frames off at black and white; what is cut off goes to the pixels around, by turns.

    Args:
        large: (T, H, W, C), changed in place.
        given: (T, h, w, C), what the camera is to see.
        camera: see :mod:`deeptsr.imaging.lens`.

    Returns:
        Volume (T, H, W, C) in [0, 1], close to ``large``, that agrees with ``given``.
    """
    size = (given.shape[1], given.shape[2])
    for _ in range(_ROUNDS):
        cut_off = large.clamp(0, 1).sub_(large).square_().mean()
        large.clamp_(0, 1)
        if float(cut_off) < _LITTLE:
            break
        lacking = given - shrink(large, size, camera)
        large.add_(raised(lacking, (large.shape[1], large.shape[2]), camera), alpha=_RELAXED)
    return large.clamp_(0, 1)


def in_levels(large: Tensor, given: Tensor, levels: int, camera: str = "bicubic") -> Tensor:
    """Round frames to whole levels, in which the camera sees what it is to see as well.

    A quarter of the pixels is rounded at a time. What the camera sees of that is given back to
    those that are not yet rounded, so that it ends where the camera sees least.

    Args:
        large: (T, H, W, C) in [0, 1], changed in place.
        given: (T, h, w, C), what the camera is to see.
        levels: the number that stands for 1.
        camera: see :mod:`deeptsr.imaging.lens`.

    Returns:
        Volume (T, H, W, C), of whole numbers over ``levels``.
    """
    free = torch.ones_like(large[:1, ..., :1])
    for row, column in _QUARTERS:
        mine = (slice(None), slice(row, None, _APART), slice(column, None, _APART))
        whole = (large[mine] * levels).round_().clamp_(0, levels)
        large[mine] = whole.div_(levels)
        free[mine] = 0
        if (row, column) != _QUARTERS[-1]:
            lacking = given - shrink(large, (given.shape[1], given.shape[2]), camera)
            back = raised(lacking, (large.shape[1], large.shape[2]), camera)
            large.add_(back.mul_(free), alpha=_GIVEN_BACK)
    return large
