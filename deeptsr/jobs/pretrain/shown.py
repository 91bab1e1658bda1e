"""What is shown while a prior is taught, beside what is drawn: pictures, and damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.errors import InputError
from deeptsr.system import ram
from deeptsr.video import compressed
from deeptsr.video.reading.pillow import BROKEN, opened_image

__all__ = ["Damage", "pictures_of"]

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM")  # of pictures
_SIDE = 96  # pixels of a surface
_BYTES = 3 * _SIDE**2 * 4  # of a surface
_SHARE = 4  # this part of the memory holds surfaces, at most
_USUAL_MEMORY = 8 * 2**30  # bytes, where it cannot be told
_NOISE = 8 / 255  # standard deviation of a sensor's noise, at most
_CRF = (18, 32)  # of H.264, between


class Damage:
    """What a sensor or a codec makes of crops: noise, or H.264, each half of the time."""

    def __init__(self, seed: int) -> None:
        self._dice = np.random.default_rng(seed)

    def __call__(self, ltr: Tensor) -> Tensor:
        """Spoil crops (N, C, T, H, W) in [0, 1]."""
        if self._dice.random() < 0.5:
            noise = torch.from_numpy(self._dice.standard_normal(ltr.shape, np.float32))
            return (ltr + self._dice.uniform(0, _NOISE) * noise.to(ltr.device)).clamp(0, 1)
        count, colours, frames, height, width = ltr.shape
        # All crops beside each other are one film: a codec takes longer to start than to work.
        film = ltr.permute(2, 3, 0, 4, 1).reshape(frames, height, count * width, colours)
        whole = (film * 255).round().clamp(0, 255).byte().cpu().numpy()
        even = np.pad(whole, ((0, 0), (0, height % 2), (0, count * width % 2), (0, 0)), "edge")
        coded = compressed(even, int(self._dice.integers(*_CRF)))[:, :height, : count * width]
        crops = torch.from_numpy(coded).to(ltr) / 255
        return crops.view(frames, height, count, width, colours).permute(2, 4, 0, 1, 3)


def pictures_of(folder: Path, *, tiled: bool) -> tuple[Tensor, ...]:
    """All pictures of a folder as surfaces: the middle of each, or tiles of it.

    Where memory cannot hold all, every second one is left out, or three of four, and so on.
    """
    surfaces: list[Tensor] = []
    most, every = max(1, (ram.total() or _USUAL_MEMORY) // (_SHARE * _BYTES)), 1
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        try:
            if not path.is_file():  # a pipe would be waited for
                continue
            with opened_image(path, _FORMATS) as image:
                pixels = np.asarray(image.convert("RGB"), np.float32) / 255
        except (InputError, *BROKEN):
            continue  # it is no picture, or claims to be a huge one
        if min(pixels.shape[:2]) >= _SIDE:
            picture = torch.from_numpy(pixels).movedim(2, 0)  # (3, H, W)
            found = _tiles(picture)[::every] if tiled else [_middle(picture)]
            surfaces += [tile.clone() for tile in found]  # else each would hold all of its picture
            while len(surfaces) > most:
                surfaces, every = surfaces[::2], 2 * every
    if not surfaces:
        raise InputError(
            f"{folder} has no pictures of at least {_SIDE} x {_SIDE} pixels; expected a folder of "
            f"{', '.join(_FORMATS)} files"
        )
    return tuple(surfaces)


def _middle(picture: Tensor) -> Tensor:
    """The largest square in the middle of a picture (3, H, W), as a surface."""
    height, width = picture.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _sized(picture[:, top : top + side, left : left + side], (_SIDE, _SIDE))


def _tiles(picture: Tensor) -> list[Tensor]:
    """Surfaces that overlap by half, of a picture of half the size, where all pixels are sharp."""
    shrink = max(0.5, _SIDE / min(picture.shape[1:]))
    small = _sized(picture, (round(picture.shape[1] * shrink), round(picture.shape[2] * shrink)))
    rows, columns = (range(0, n - _SIDE + 1, _SIDE // 2) for n in small.shape[1:])
    return [small[:, y : y + _SIDE, x : x + _SIDE] for y in rows for x in columns]


def _sized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    sized: Tensor = functional.interpolate(picture[None], size, mode="bilinear", antialias=True)[0]
    return sized
