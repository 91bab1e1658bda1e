"""What surfaces look like: from 1/f noise to hard edges."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.learning.rendering.dice import Dice

__all__ = ["noise", "sample", "texture"]

_SIDE = 96  # pixels of a texture
_PICTURED = 0.6  # share of the surfaces that are pictures, where there are any
_KINDS = ("noise", "spots", "stripes", "checks", "plain")
_WEIGHTS = (0.55, 0.15, 0.1, 0.1, 0.1)


def noise(dice: Dice, slope: float, channels: int = 3) -> Tensor:
    """Periodic noise whose amplitude falls with frequency as f**-slope: (channels, side, side).

    It has mean 0 and deviation 1.
    """
    rows, columns = torch.fft.fftfreq(_SIDE)[:, None], torch.fft.rfftfreq(_SIDE)[None]
    frequency = (rows.square() + columns.square()).sqrt().clamp(min=1 / _SIDE)
    spectrum = torch.view_as_complex(dice.normal(channels, _SIDE, _SIDE // 2 + 1, 2))
    clouds = torch.fft.irfft2(spectrum / frequency**slope, s=(_SIDE, _SIDE))
    clouds = clouds - clouds.mean((1, 2), keepdim=True)
    scaled: Tensor = clouds / clouds.std((1, 2), keepdim=True)
    return scaled


def texture(dice: Dice) -> Tensor:
    """A surface, (3, side, side), about in [-2, 2]; its colours are alike in some share."""
    if dice.pictures and dice.chance(_PICTURED):
        return 4 * dice.pictures[dice.whole(0, len(dice.pictures) - 1)] - 2
    kind = dice.choose(_KINDS, _WEIGHTS)
    if kind == "plain":
        return torch.zeros(3, _SIDE, _SIDE)
    if kind == "noise":
        surface = noise(dice, dice.between(0.6, 1.8))
    elif kind == "spots":
        hardness = dice.between(2, 12)
        threshold = dice.between(-1, 1)
        surface = torch.tanh(hardness * (noise(dice, dice.between(1.2, 2)) - threshold))
    else:
        y, x = torch.meshgrid(torch.arange(_SIDE), torch.arange(_SIDE), indexing="ij")
        turns = [2 * torch.pi * dice.whole(2, 16) / _SIDE for _ in range(2)]
        across = torch.sin(x * turns[0])
        if kind == "checks":
            across = across * torch.sin(y * turns[1])
        surface = torch.tanh(dice.between(1, 8) * across).expand(3, -1, -1)
        surface = surface * (0.5 + dice.uniform(3, 1, 1))
    alike = dice.between(0, 1)
    return (1 - alike) * surface + alike * surface.mean(0, keepdim=True) * 1.5


def sample(surface: Tensor, x: Tensor, y: Tensor, scale: float) -> Tensor:
    """Look a surface up, mirrored beyond its borders.

    Args:
        surface: (C, side, side).
        x: (n, H, W), pixels from the surface's middle.
        y: the same, downwards.
        scale: texture pixels a pixel.

    Returns:
        (n, C, H, W).
    """
    grid = torch.stack([x, y], -1) * (2 * scale / _SIDE)  # (n, H, W, 2)
    many = surface[None].expand(len(x), -1, -1, -1)
    return functional.grid_sample(many, grid, padding_mode="reflection", align_corners=False)
