"""What folders of images and GIFs have in common: Pillow reads them."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL.Image import DecompressionBombError

from deeptsr.errors import InputError
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import ColorTags
from deeptsr.video.picture.convert import multiplied

__all__ = ["BROKEN", "RGB", "as_probed", "to_picture"]

RGB = ColorTags("gbr", "pc")

# What Pillow raises for broken files: it leaves many a check to what its parsing trips over.
BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error),
    DecompressionBombError,
)


def to_picture(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Turn grey or RGBA of any type into (H, W, 4): see ``picture.convert.multiplied``."""
    whole = np.iinfo(pixels.dtype).max if np.issubdtype(pixels.dtype, np.integer) else 1
    scaled = pixels.astype(np.float32) * np.float32(1 / whole)
    if scaled.ndim == 2:
        return multiplied(scaled[..., None].repeat(3, 2), None)
    return multiplied(scaled[..., :3], scaled[..., 3])


def as_probed(
    picture: npt.NDArray[np.float32], info: VideoInfo, name: str
) -> npt.NDArray[np.float32]:
    """Return a picture (H, W, 4) without the alpha that no picture of its input uses.

    Raises:
        InputError: when it has another size than was probed.
    """
    if picture.shape != (info.height, info.width, 4):
        raise InputError(
            f"{name} of {info.path} has {picture.shape[1]}x{picture.shape[0]} pixels; expected "
            f"{info.width}x{info.height}; leave the input as it is while it is read"
        )
    return np.ascontiguousarray(picture if info.alpha else picture[..., :3])
