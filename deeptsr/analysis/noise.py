"""How noisy the frames of a video are: what a sensor adds, to each pixel and frame anew.

What two frames beside one have in common with it is taken off, and of the rest what is smooth in
space. Where nothing moves and in flat places only noise is left: the quietest places tell it. It is
as strong in a wider band as in the finest; of a texture that moves, or of what a codec has left,
more is in the wider one, and as much as that tells is taken off.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["noise_of"]

_FRAMES = 8  # of the middle of a video that are looked at, at most
_BLOCK = 16  # side of a place, pixels
_QUIETEST = 0.2  # share of the places that tell
_TEXTURE = 2.5  # times what a moving texture has in the finest band, it has more in the wider one
_FEWEST = 16  # places that must be looked at for some to be quiet
_LEAST = 1 / 255  # below that, noise is not told from rounding
_SECOND = (1.0, -2.0, 1.0)  # along rows and columns: what is left of a smooth picture is nothing


def noise_of(volume: Tensor) -> float:
    """The standard deviation of the noise, in [0, 1]; 0 where there is none that can be told.

    Args:
        volume: (T, H, W, C) in [0, 1], frames that follow each other, none of them twice.
    """
    frames, height, width = volume.shape[:3]
    if frames < 3 or min(height, width) < _BLOCK + 2 * len(_SECOND) - 2:
        return 0.0
    first = max(0, (frames - _FRAMES) // 2)
    part = volume[first : first + _FRAMES]
    alone = (part[1:-1] - (part[:-2] + part[2:]) / 2) / 1.5**0.5  # of a deviation as it was
    fine, wide = (_powers(alone, away) for away in (1, 2))
    if len(fine) < _FEWEST:
        return 0.0
    quiet = (fine + wide).argsort()[: max(1, round(_QUIETEST * len(fine)))]
    power, wider = float(fine[quiet].mean()), float(wide[quiet].mean())
    power -= max(0.0, wider - power) / _TEXTURE
    return power**0.5 if power >= _LEAST**2 else 0.0


def _powers(volume: Tensor, away: int) -> Tensor:
    """Mean squares of a band, place by place: (T, H, W, C) -> (places,).

    The band is that of second differences between pixels ``away`` from each other, along both axes,
    which leave white noise as strong as it is.
    """
    second = torch.tensor(_SECOND).to(volume)
    mask = torch.outer(second, second) / second.square().sum()
    planes = volume.movedim(3, 1).flatten(0, 1)[:, None]  # (T * C, 1, H, W)
    edge = 2 - away  # both bands have the same places
    planes = planes[..., edge : planes.shape[-2] - edge, edge : planes.shape[-1] - edge]
    band = functional.conv2d(planes, mask[None, None], dilation=away)
    powers = functional.avg_pool2d(band.square(), _BLOCK)
    return powers.view(len(volume), volume.shape[3], -1).mean(1).flatten()
