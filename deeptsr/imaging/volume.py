"""The one array convention: a volume is a float32 tensor (T, H, W, C), RGB in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deeptsr.errors import InputError
from deeptsr.imaging.shapes import AnyGrid, Batches, Grid, Volume, Volumes

__all__ = [
    "LUMA",
    "as_array",
    "as_volume",
    "part_of",
    "pieces",
    "swap",
    "to_network",
    "to_volume",
    "wider",
]

_PIECE = 4  # frames
LUMA = (0.299, 0.587, 0.114)  # of R'G'B', after BT.601: how bright a colour looks


def as_volume(frames: Any, device: torch.device | str = "cpu") -> Volume:
    """Turn frames into a volume.

    Args:
        frames: array or tensor (T, H, W, C) with C = 1 or 3; unsigned integers of 8 or 16 bits are
            scaled by their largest value, floats must lie in [0, 1].
        device: where the volume lives.

    Returns:
        Tensor (T, H, W, C), float32.

    Raises:
        InputError: for another shape, type or range.
    """
    array = as_array(frames)
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        raise InputError(
            f"frames have the shape {array.shape}; expected (T, H, W, C) with 1 or 3 channels"
        )
    if array.dtype in (np.uint8, np.uint16):
        array = array.astype(np.float32) / np.iinfo(array.dtype).max
    elif np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float32)
        if array.size and not (np.isfinite(array).all() and 0 <= array.min() <= array.max() <= 1):
            raise InputError(
                "frames hold values outside [0, 1] or not finite; scale them to [0, 1] first"
            )
    else:
        raise InputError(f"frames are of type {array.dtype}; expected uint8, uint16 or floats")
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def as_array(frames: Any) -> npt.NDArray[Any]:
    """Return what numpy makes of an array or a tensor, of any layout and type of number.

    Raises:
        InputError: for what makes no array.
    """
    try:
        if not isinstance(frames, Tensor):
            return np.asarray(frames)
        dense = frames.detach().to("cpu")
        dense = dense.dequantize() if dense.is_quantized else dense
        dense = dense.to_dense() if dense.layout != torch.strided else dense
        narrow = dense.is_floating_point() and dense.element_size() < 4  # numpy lacks some of them
        return (dense.float() if narrow else dense).resolve_conj().resolve_neg().numpy()
    except MemoryError:
        raise
    except Exception as error:  # whatever the object of a stranger's class comes to
        if "DefaultCPUAllocator" in str(error):
            raise
        raise InputError(
            f"frames are a {type(frames).__name__} that makes no array ({error}); expected "
            "(T, H, W, C), such as an array of numpy or a tensor"
        ) from error


def swap(volume: Grid, axis: int) -> AnyGrid:
    """Exchange time with a space axis: 1 for y, 2 for x. Twice is the identity (section 3.2)."""
    return volume.transpose(0, axis)


def to_network(volume: Volumes) -> Batches:
    """(..., T, H, W, C) as what a network receives, (..., C, T, H, W)."""
    return volume.movedim(-1, -4)  # (..., C, T, H, W)


def to_volume(batch: Batches) -> Volumes:
    """The inverse of :func:`to_network`."""
    return batch.movedim(-4, -1)  # (..., T, H, W, C)


def wider(frames: range, by: int, length: int) -> range:
    """A range with some frames more to each side, as far as the clip goes."""
    return range(max(0, frames.start - by), min(length, frames.stop + by))


def pieces(frames: range, length: int = _PIECE) -> list[range]:
    """A range in parts of some frames: by default few enough to take little memory at once."""
    return [frames[n : n + length] for n in range(0, len(frames), length)]


def part_of(volume: Tensor, frames: range, held: range | None = None, step: int = 1) -> Tensor:
    """What some frames have become, of a volume with that of the frames ``held``: a view."""
    first = held.start if held else 0
    return volume[(frames.start - first) * step : (frames.stop - first) * step]
