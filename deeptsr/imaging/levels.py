"""How large frames are kept: in [0, 1] and in whole levels, of which the camera sees least.

Frames that agree with coarser ones do so no longer once they are cut off at black and white, or
rounded. What that takes is given to the pixels around, whose camera sees the sum.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from deeptsr.imaging.lens import raised, shrink

__all__ = ["in_levels", "inside"]

_ROUNDS = 24  # of cutting off and agreeing, at most; few frames need more than 3
_LITTLE = 1e-8  # mean square that is cut off without another round: 80 dB
_UNSEEN = 10**-7.5  # of what the camera is to see that may lack: 75 dB, less than rounding takes
_STUCK = 0.97  # of it that is left by a round which is the last: there is no such frame
_APART = 2  # rows and columns from one pixel of a quarter to the next
_QUARTERS = ((0, 0), (1, 1), (0, 1), (1, 0))  # first row and column of each quarter of the pixels
_GIVEN_BACK = 1.8  # times what rounding took goes to the pixels that are not yet rounded (measured)


def inside(large: Tensor, given: Tensor, camera: str = "bicubic") -> Tensor:
    """Cut frames off at black and white; what is cut off goes to the pixels around, by turns.

    To cut off and to agree in turn comes near slowly where much is black or white; each turn goes
    on a little in the direction of the one before it (Beck and Teboulle 2009).

    Args:
        large: (T, H, W, C), changed in place.
        given: (T, h, w, C), what the camera is to see.
        camera: see :mod:`deeptsr.imaging.lens`.

    Returns:
        Volume (T, H, W, C) in [0, 1], close to ``large``, that agrees with ``given``.
    """
    fine, coarse = (large.shape[1], large.shape[2]), (given.shape[1], given.shape[2])
    before, pace, least = large, 1.0, math.inf
    for _ in range(_ROUNDS):
        cut = large.clamp(0, 1)
        if float(torch.dist(cut, large)) ** 2 < _LITTLE * large.numel():
            return cut
        lacking = given - shrink(cut, coarse, camera)
        missed = float(lacking.square().mean())
        if missed < _UNSEEN or missed > _STUCK * least:
            return cut
        agreed = raised(lacking, fine, camera).add_(cut)
        del cut  # one large frame less
        faster = (1 + (1 + 4 * pace**2) ** 0.5) / 2
        swing = (pace - 1) / faster
        large = before.mul_(-swing).add_(agreed, alpha=1 + swing)
        before, pace, least = agreed, faster, missed
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
