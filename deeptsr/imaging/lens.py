"""The one camera in space: how a coarse frame arises from a fine one, and how to undo it.

What :mod:`deeptsr.imaging.exposure` is in time. A camera is linear, works along rows and columns by
themselves, and depends on both sizes only: ``coarse = S fine``. With ``S+ = S^T (S S^T)^-1``,

    agree(fine, coarse) = fine + S+ (coarse - S fine)

is the nearest frame, in least squares, that the camera turns into ``coarse`` exactly. As ``S+ S``
projects, it never lies further than ``fine`` from a truth that the camera turns into ``coarse``.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from deeptsr.errors import OptionError

__all__ = ["CAMERAS", "agree", "enlarge", "raised", "shrink"]

CAMERAS = ("bicubic", "area")

_BLOCK = 64  # rows of an operator that are applied at once: a dense piece of a band
_NOTHING = 1e-8  # of an operator's largest weight: below that it is taken for 0

Size = tuple[int, int]


def shrink(volume: Tensor, size: Size, camera: str = "bicubic") -> Tensor:
    """The frames that a camera of fewer pixels would have recorded.

    Args:
        volume: (T, H, W, C).
        size: (h, w), pixels, at most (H, W).
        camera: "bicubic" (antialiased, as programs scale down) or "area" (the mean over a pixel, as
            a sensor has it).

    Returns:
        Volume (T, h, w, C); the same object when it has that size already.

    Raises:
        OptionError: for a size that is larger, or an unknown camera.
    """
    full = _size(volume)
    _check(size, full, camera)
    return volume if size == full else _applied(volume, size, full, camera, "shrink")


def enlarge(volume: Tensor, size: Size) -> Tensor:
    """Interpolate the frames to a larger size, bicubic, centres aligned.

    Args:
        volume: (T, h, w, C).
        size: (H, W), pixels, at least (h, w).

    Returns:
        Volume (T, H, W, C); the same object when it has that size already.

    Raises:
        OptionError: for a size that is smaller.
    """
    small = _size(volume)
    _check(small, size, "bicubic")
    return volume if size == small else _applied(volume, small, size, "bicubic", "enlarge")


def raised(volume: Tensor, size: Size, camera: str = "bicubic") -> Tensor:
    """The least fine video that a camera turns into ``volume``: ``S+`` of it.

    Args:
        volume: (T, h, w, C).
        size: (H, W), pixels, at least (h, w).
        camera: see :func:`shrink`.

    Returns:
        Volume (T, H, W, C).

    Raises:
        OptionError: for a size that is smaller, or an unknown camera.
    """
    small = _size(volume)
    _check(small, size, camera)
    return volume if size == small else _applied(volume, small, size, camera, "raise_")


def agree(fine: Tensor, coarse: Tensor, camera: str = "bicubic") -> Tensor:
    """A video close to ``fine`` that shrinks to ``coarse`` exactly (Irani and Peleg 1991, solved).

    Back-projection comes there in many rounds, and for a kernel that is not its own adjoint to
    another video; this is the nearest one, in one round.

    Args:
        fine: (T, H, W, C).
        coarse: (T, h, w, C), no larger.
        camera: see :func:`shrink`.

    Returns:
        A volume like ``fine``.

    Raises:
        OptionError: for a coarse video that is larger, or an unknown camera.
    """
    lacking = coarse - shrink(fine, _size(coarse), camera)
    return raised(lacking, _size(fine), camera).add_(fine)


def _size(volume: Tensor) -> Size:
    return volume.shape[1], volume.shape[2]


def _check(small: Size, large: Size, camera: str) -> None:
    if camera not in CAMERAS:
        raise OptionError(f"camera is {camera!r}; expected one of {', '.join(CAMERAS)}")
    if small[0] > large[0] or small[1] > large[1] or min(small) < 1:
        raise OptionError(
            f"{small[1]} x {small[0]} pixels are not within {large[1]} x {large[0]}; expected at "
            "least 1 pixel, and at most as many to each side; choose another `scale`"
        )


class _Band:
    """A matrix whose rows are zero away from a diagonal, in dense blocks of rows."""

    def __init__(self, matrix: Tensor) -> None:
        self.rows = len(matrix)
        weights = matrix.where(matrix.abs() > _NOTHING * matrix.abs().max(), 0)
        self._blocks: list[tuple[slice, slice, Tensor]] = []
        for first in range(0, self.rows, _BLOCK):
            rows = slice(first, min(first + _BLOCK, self.rows))
            used = weights[rows].any(0).nonzero().flatten()
            columns = slice(int(used[0]), int(used[-1]) + 1)
            self._blocks.append((rows, columns, weights[rows, columns].float()))

    def to(self, device: torch.device) -> _Band:
        """The same on a device."""
        moved = object.__new__(_Band)
        moved.rows = self.rows
        moved._blocks = [(r, c, block.to(device)) for r, c, block in self._blocks]
        return moved

    def down(self, planes: Tensor) -> Tensor:
        """Apply it along the columns of planes (N, H, W)."""
        result = planes.new_empty(len(planes), self.rows, planes.shape[2])
        for rows, columns, block in self._blocks:
            result[:, rows] = block @ planes[:, columns]
        return result

    def across(self, planes: Tensor) -> Tensor:
        """Apply it along the rows of planes (N, H, W)."""
        result = planes.new_empty(*planes.shape[:2], self.rows)
        for rows, columns, block in self._blocks:
            result[..., rows] = planes[..., columns] @ block.T
        return result


class _Axis(NamedTuple):
    """The operators of one axis."""

    shrink: _Band  # (coarse, fine)
    enlarge: _Band  # (fine, coarse)
    raise_: _Band  # (fine, coarse)


@cache
def _axis(coarse: int, fine: int, camera: str, device: torch.device) -> _Axis:
    if device.type != "cpu":
        bands = _axis(coarse, fine, camera, torch.device("cpu"))
        return _Axis(*(band.to(device) for band in bands))
    sees = {"bicubic": _cubic, "area": _area}[camera](fine, coarse)
    # (S S^T) reaches a few pixels to each side only, so that its inverse fades soon.
    gram = sees @ sees.T
    reach = int((gram.abs() > 0).nonzero().diff(dim=1).abs().max())
    band = torch.zeros(reach + 1, coarse, dtype=torch.float64)
    for away in range(reach + 1):
        band[away, : coarse - away] = gram.diagonal(-away)
    from scipy import linalg  # noqa: PLC0415, for who enlarges alone: it takes a while to load

    unmixed = linalg.solveh_banded(band.numpy(), torch.eye(coarse).double().numpy(), lower=True)
    back = sees.T @ torch.from_numpy(unmixed)
    return _Axis(_Band(sees), _Band(_cubic(coarse, fine)), _Band(back))


def _positions(given: int, made: int) -> Tensor:
    """Middles of the pixels made, in pixels of those that are given: (made, 1)."""
    return ((torch.arange(made, dtype=torch.float64) + 0.5) * (given / made))[:, None]


def _cubic(given: int, made: int) -> Tensor:
    """Keys' cubic (a = -0.5), as wide as a pixel that is made, if that is larger: (made, given)."""
    wide = max(1.0, given / made)
    x = (_positions(given, made) - (torch.arange(given) + 0.5)).abs() / wide
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return _whole(torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x))))


def _area(given: int, made: int) -> Tensor:
    """The mean over the area of a pixel that is made: (made, given)."""
    half = given / made / 2
    middle = _positions(given, made)
    left = torch.arange(given, dtype=torch.float64)
    covered = torch.minimum(middle + half, left + 1) - torch.maximum(middle - half, left)
    return _whole(covered.clamp(min=0))


def _whole(weights: Tensor) -> Tensor:
    return weights / weights.sum(1, keepdim=True)


def _applied(volume: Tensor, coarse: Size, fine: Size, camera: str, name: str) -> Tensor:
    """Apply an operator to both axes of the frames, one by one, for the memory."""
    down, across = (
        getattr(_axis(small, large, camera, volume.device), name)
        for small, large in zip(coarse, fine, strict=True)
    )
    result = volume.new_empty(len(volume), down.rows, across.rows, volume.shape[3])
    for number, frame in enumerate(volume):
        planes = frame.movedim(2, 0).contiguous()  # (C, H, W)
        planes = across.across(down.down(planes))
        result[number] = planes.movedim(0, 2)  # (H, W, C)
    return result
