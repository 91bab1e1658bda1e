"""Resampling: antialiased bicubic in space, linear and cubic in time, aligned by exposure.

What is measured of a picture is measured in cells, of its size over 16: :func:`pool`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.imaging.exposure import Exposure, correct, first_position
from deeptsr.imaging.shapes import Cells, Frames, Resized, Volume

__all__ = [
    "add_interpolated",
    "around",
    "blend_frames",
    "broad",
    "exposing_taps",
    "interpolate_exposing",
    "interpolate_time",
    "interpolating_taps",
    "pool",
    "resize",
    "spread",
]

_CELLS = 16  # that the short side is divided into; measures are means over 5 x 5 of them


def resize(volume: Volume, size: tuple[int, int]) -> Resized:
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
    for number, frame in enumerate(volume.movedim(3, 1)):  # (C, H, W): so many fit in a cache
        scaled = functional.interpolate(
            frame[None], size=size, mode="bicubic", antialias=True, align_corners=False
        )
        result[number] = scaled[0].movedim(0, 2)
    return result


def interpolate_time(
    ltr: Tensor, factor: int, exposure: Exposure = "full", axis: int = 0, cubic: bool = False
) -> Tensor:
    """Interpolate in time; beyond its ends the clip stands still.

    Args:
        ltr: any tensor whose ``axis``, of length T, is time.
        factor: output frames an input frame.
        exposure: of the LTR video; the middles of the open times are aligned.
        axis: the axis of time.
        cubic: Catmull-Rom instead of linear.

    Returns:
        The same with ``axis`` of length T * factor.
    """
    shape = [1] * ltr.ndim
    shape[axis] = -1
    result: Tensor | None = None
    for index, weight in _taps(ltr.shape[axis], factor, exposure, cubic, ltr.device):
        term = ltr.index_select(axis, index) * weight.to(ltr.dtype).view(shape)
        result = term if result is None else result.add_(term)
    assert result is not None
    return result


@cache
def _taps(
    length: int, factor: int, exposure: Exposure, cubic: bool, device: torch.device
) -> list[tuple[Tensor, Tensor]]:
    """Input frames and their weights, by output frame, tap by tap.

    Kept, and on the device: a copy from the host would wait for all that runs there.
    """
    frames = torch.arange(length * factor, device="cpu")
    position = first_position(factor, exposure) + frames / factor
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
    indices = (
        (below.long() + tap).clamp(0, length - 1) for tap in range(first_tap, len(weights) // 2 + 1)
    )
    return [(i.to(device), w.to(device)) for i, w in zip(indices, weights, strict=True)]


@cache
def interpolating_taps(factor: int, exposure: Exposure = "full") -> Tensor:
    """:func:`interpolate_time` as one filter.

    Args:
        factor: output frames an input frame.
        exposure: of the LTR video.

    Returns:
        (factor, 3): weights of the input frames before, at and after a frame, for each of the
        output frames made of it.
    """
    impulses = torch.eye(3, dtype=torch.float64)
    return interpolate_time(impulses, factor, exposure)[factor : 2 * factor]


@cache
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
    response = interpolate_time(impulses, factor, exposure, cubic=cubic)
    response = correct(response, impulses, factor, exposure)
    middle = response[around * factor : (around + 1) * factor]  # (factor, 2 * around + 1)
    return middle[:, around - r : around + r + 1]


def interpolate_exposing(
    ltr: Volume,
    factor: int,
    exposure: str = "full",
    wanted: range | None = None,
    out: Frames | None = None,
) -> Frames:
    """Interpolate linearly in time such that the result exposes to its input.

    Args:
        ltr: volume (T, H, W, C); beyond its ends it stands still.
        factor: output frames an input frame.
        exposure: "full" or "delta".
        wanted: frames, of T, whose results are returned; None: all of them.
        out: where the result is written, so that no memory is taken for it.

    Returns:
        Volume (len(wanted) * factor, H, W, C).
    """
    taps, wanted = exposing_taps(factor, exposure), range(len(ltr)) if wanted is None else wanted
    into = None if out is None else out[None]
    return blend_frames(_near(ltr[:, None], wanted), taps, into)[0]


def add_interpolated(htr: Frames, ltr: Volume, factor: int, exposure: Exposure = "full") -> None:
    """Add :func:`interpolate_time` of a volume to another, in place: it takes no memory.

    Args:
        htr: volume (T * factor, H, W, C).
        ltr: volume (T, H, W, C).
        factor: output frames an input frame.
        exposure: of the LTR video.
    """
    frames, taps = _near(ltr, range(len(ltr))), interpolating_taps(factor, exposure).tolist()
    for number, out in enumerate(htr):
        at, phase = divmod(number, factor)
        for frame, weight in zip(frames[at : at + 3], taps[phase], strict=True):
            if weight:
                out.add_(frame, alpha=weight)


def _near(ltr: Tensor, wanted: range) -> list[Tensor]:
    """Some frames of a clip with one more to each side; beyond its ends it stands still."""
    last = len(ltr) - 1
    return [ltr[min(max(0, n), last)] for n in range(wanted.start - 1, wanted.stop + 1)]


def blend_frames(frames: Sequence[Tensor], taps: Tensor, out: Tensor | None = None) -> Tensor:
    """Filter frames in time.

    Args:
        frames: T + 2 * r frames (N, H, W, C).
        taps: of :func:`exposing_taps`.
        out: where the result is written; None: new memory.

    Returns:
        (N, T * factor, H, W, C).
    """
    factor, length = taps.shape
    count = len(frames) - length + 1
    n, *shape = frames[0].shape
    result = frames[0].new_empty(n, count * factor, *shape) if out is None else out
    for at in range(count):
        for j, weights in enumerate(taps.tolist()):
            made = result[:, at * factor + j]
            first, *others = [(frames[at + i], w) for i, w in enumerate(weights) if w]
            torch.mul(first[0], first[1], out=made)
            for frame, weight in others:
                made.add_(frame, alpha=weight)
    return result


def pool(picture: Tensor) -> Tensor:
    """Means of a picture (H, W, C) over cells and channels: (rows, columns)."""
    height, width, channels = picture.shape
    side = max(1, min(height, width) // _CELLS)
    row = picture.reshape(1, 1, height, width * channels)
    window = side, side * channels
    return functional.avg_pool2d(row, window, ceil_mode=True, count_include_pad=False)[0, 0]


def around(values: Cells, frames: int = 3) -> Cells:
    """Mean over some frames (odd) and 5 x 5 cells; beyond the ends those at the ends go on."""
    padded = functional.pad(values[None, None], (2, 2, 2, 2, *[frames // 2] * 2), "replicate")
    return functional.avg_pool3d(padded, (frames, 5, 5), 1)[0, 0]  # (T, rows, columns)


def broad(values: Cells) -> Cells:
    """Means over 9 x 9 cells of a frame, those near by counting more."""
    return around(around(values, 1), 1)


def spread(values: Tensor, size: tuple[int, int]) -> Tensor:
    """A number for each cell (rows, columns) as one for each pixel, (H, W, 1)."""
    wide = functional.interpolate(values[None, None], size, mode="bilinear", align_corners=False)
    return wide[0, 0, :, :, None]
