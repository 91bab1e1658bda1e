"""What folders of images and GIFs have in common: Pillow reads them."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from deeptsr.errors import InputError
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import ColorTags
from deeptsr.video.picture.convert import multiplied

__all__ = ["BROKEN", "MOST_PIXELS", "RGB", "as_probed", "opened_image", "to_picture"]

RGB = ColorTags("gbr", "pc")
MOST_PIXELS = 1 << 26  # of a picture: a file of some bytes may claim billions

# Pillow knows many more, and hands PostScript to another program.
_FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

# What Pillow raises for broken files: it leaves many a check to what its parsing trips over.
BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error),
    Image.DecompressionBombError,
)


@contextmanager
def opened_image(path: Path, formats: tuple[str, ...] = _FORMATS) -> Iterator[Image.Image]:
    """Open an image of a format that is read here, by what is in it; its pixels are not read yet.

    Args:
        path: of a file.
        formats: Pillow's names of those that it may have.

    Raises:
        InputError: when it has more pixels than :data:`MOST_PIXELS`.
        Exception: one of :data:`BROKEN`, when it is none of them, or is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path, formats=formats)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_large(path) from None
    with image:
        if image.width * image.height > MOST_PIXELS:
            raise _too_large(path)
        yield image


def _too_large(path: Path) -> InputError:
    return InputError(
        f"{path} claims to have more than {MOST_PIXELS} pixels; expected less than that; scale it "
        "down first"
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
