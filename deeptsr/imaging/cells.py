"""Cells of a frame: what is measured of a picture is measured in pieces of its size over 16."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from deeptsr.imaging.shapes import Cells

__all__ = ["around", "pool", "spread"]

_CELLS = 16  # that the short side is divided into; measures are means over 5 x 5 of them


def pool(picture: Tensor) -> Tensor:
    """Means of a picture (H, W, C) over cells and channels: (rows, columns)."""
    height, width, _ = picture.shape
    side = max(1, min(height, width) // _CELLS)
    gray = picture.mean(2)[None, None]
    return functional.avg_pool2d(gray, side, ceil_mode=True, count_include_pad=False)[0, 0]


def around(values: Cells) -> Cells:
    """Mean over 3 frames and 5 x 5 cells; beyond the ends those at the ends go on."""
    padded = functional.pad(values[None, None], (2, 2, 2, 2, 1, 1), "replicate")
    return functional.avg_pool3d(padded, (3, 5, 5), 1)[0, 0]  # (T, rows, columns)


def spread(values: Tensor, size: tuple[int, int]) -> Tensor:
    """A number for each cell (rows, columns) as one for each pixel, (H, W, 1)."""
    wide = functional.interpolate(values[None, None], size, mode="bilinear", align_corners=False)
    return wide[0, 0, :, :, None]
