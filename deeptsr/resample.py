"""Resampling: antialiased bicubic in space, linear and cubic in time, aligned by exposure."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.exposure import correct, first_position

__all__ = ["blend_frames", "exposing_taps", "interpolate_time", "resize"]

_AT_ONCE = 8  # frames


def resize(volume: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale the frames with an antialiased bicubic kernel, centres aligned.

    Args:
        volume: (T, H, W, C).
        size: new (H, W), pixels.

    Returns:
        Volume (T, *size, C); the same object when it has that size already.
    """
    if tuple(volume.shape[1:3]) == tuple(size):
        return volume
    result = volume.new_empty(len(volume), *size, volume.shape[3])
    for first in range(0, len(volume), _AT_ONCE):  # what is scaled along one axis takes memory
        frames = volume[first : first + _AT_ONCE].movedim(3, 1)  # (T, C, H, W)
        frames = functional.interpolate(
            frames, size=size, mode="bicubic", antialias=True, align_corners=False
        )
        result[first : first + _AT_ONCE] = frames.movedim(1, 3)  # (T, H, W, C)
    return result


def interpolate_time(
    ltr: Tensor, factor: int, exposure: str = "full", axis: int = 0, cubic: bool = False
) -> Tensor:
    """Interpolate in time; beyond its ends the clip stands still.

    Args:
        ltr: any tensor whose ``axis``, of length T, is time.
        factor: output frames an input frame.
        exposure: "full" aligns the centres of the frames' intervals, "delta" their starts.
        axis: the axis of time.
        cubic: Catmull-Rom instead of linear.

    Returns:
        The same with ``axis`` of length T * factor.
    """
    length = ltr.shape[axis]
    position = first_position(factor, exposure) + torch.arange(length * factor) / factor
    below = position.floor()
    x = position - below  # in [0, 1)
    if cubic:
        weights = [
            ((2 - x) * x - 1) * x / 2,
            ((3 * x - 5) * x * x + 2) / 2,
            ((4 - 3 * x) * x + 1) * x / 2,
            (x - 1) * x * x / 2,
        ]
    else:
        weights = [1 - x, x]
    first_tap = 1 - len(weights) // 2
    shape = [1] * ltr.ndim
    shape[axis] = -1
    result = torch.zeros(())
    for tap, weight in enumerate(weights, start=first_tap):
        index = (below.long() + tap).clamp(0, length - 1).to(ltr.device)
        scale = weight.to(ltr.device, ltr.dtype).view(shape)
        term = ltr.index_select(axis, index) * scale
        result = term if tap == first_tap else result.add_(term)
    return result


def exposing_taps(factor: int, exposure: str = "full", cubic: bool = False) -> Tensor:
    """Interpolation in time with the correction that makes it expose to its input, as one filter.

    Args:
        factor: output frames an input frame.
        exposure: "full" or "delta".
        cubic: Catmull-Rom instead of linear.

    Returns:
        (factor, 2 * r + 1): weights of the input frames r before to r after a frame, for each of
        the output frames made of it.
    """
    r = 2 if cubic else 1
    around = 2 * r + 1  # so far that no end is seen
    impulses = torch.eye(2 * around + 1, dtype=torch.float64)
    made = interpolate_time(impulses, factor, exposure, cubic=cubic)
    made = correct(made, impulses, factor, exposure)
    middle = made[around * factor : (around + 1) * factor]  # (factor, 2 * around + 1)
    return middle[:, around - r : around + r + 1]


def blend_frames(frames: Sequence[Tensor], taps: Tensor) -> Tensor:
    """Filter frames in time.

    Args:
        frames: T + 2 * r frames (N, H, W, C).
        taps: of :func:`exposing_taps`.

    Returns:
        (N, T * factor, H, W, C).
    """
    factor, length = taps.shape
    count = len(frames) - length + 1
    n, *shape = frames[0].shape
    result = frames[0].new_empty(n, count * factor, *shape)
    for at in range(count):
        for j, weights in enumerate(taps.tolist()):
            out = result[:, at * factor + j]
            first, *others = [(frames[at + i], w) for i, w in enumerate(weights) if w]
            torch.mul(first[0], first[1], out=out)
            for frame, weight in others:
                out.add_(frame, alpha=weight)
    return result
