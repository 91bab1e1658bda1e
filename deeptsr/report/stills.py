"""Pictures in 8 bits, as a page holds them."""

from __future__ import annotations

import base64
import io as memory
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["Bytes", "Still", "shrunk", "still", "to_bytes"]

Bytes = npt.NDArray[np.uint8]  # (H, W, 3)


@dataclass(frozen=True)
class Still:
    """A picture, ready for a page."""

    uri: str
    width: int
    height: int


def still(picture: Bytes, *, exact: bool = False) -> Still:
    """Make a picture ready for a page.

    Args:
        picture: (H, W, 3).
        exact: keep every bit.
    """
    target = memory.BytesIO()
    quality: dict[str, Any] = {"lossless": True} if exact else {"quality": 90}
    Image.fromarray(np.ascontiguousarray(picture)).save(target, "WEBP", method=4, **quality)
    height, width = picture.shape[:2]
    return Still(
        f"data:image/webp;base64,{base64.b64encode(target.getvalue()).decode()}", width, height
    )


def to_bytes(picture: npt.NDArray[np.float32]) -> Bytes:
    """Round values in [0, 1] to 8 bits; what a method overshoots is cut off."""
    return (picture * 255 + 0.5).clip(0, 255).astype(np.uint8)


def shrunk(picture: Bytes, size: tuple[int, int]) -> Bytes:
    """Bring a picture to a size: width and height, pixels."""
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
