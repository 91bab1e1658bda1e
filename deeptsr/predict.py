"""A network over a clip of any size: tiles that overlap by what the network sees."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.networks import StepNetwork
from deeptsr.volume import to_network, to_volume

__all__ = ["predict"]


def _pad(volume: Tensor, reach: tuple[int, int], multiple: int) -> Tensor:
    """Let the clip stand still beyond its ends, and mirror it beyond its borders."""
    frames, pixels = reach
    _, height, width, _ = volume.shape
    x = to_network(volume)  # (C, T, H, W)
    below = pixels + -(height + 2 * pixels) % multiple
    right = pixels + -(width + 2 * pixels) % multiple
    # A replicated border is as good as a mirrored one here, and allowed for clips of any size.
    return functional.pad(x[None], (pixels, right, pixels, below, frames, frames), "replicate")


def predict(
    network: StepNetwork, ltr: Tensor, *, tile: int = 256, precision: torch.dtype = torch.float32
) -> Tensor:
    """Take one step of the climb.

    Args:
        network: fitted, on the device of ``ltr``.
        ltr: volume (T, H, W, C).
        tile: side of a tile's result, pixels.
        precision: of the convolutions.

    Returns:
        Volume (T * factor, H, W, C), not clipped, exposing to ``ltr``. Independent of ``tile``.
    """
    length, height, width, channels = ltr.shape
    frames, pixels = network.reach
    pixels = math.ceil(pixels / network.multiple) * network.multiple
    tile = math.ceil(tile / network.multiple) * network.multiple
    padded = _pad(ltr, (frames, pixels), network.multiple)
    k = network.factor
    result = torch.empty(length * k, height, width, channels, device=ltr.device)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            piece = padded[..., top : top + tile + 2 * pixels, left : left + tile + 2 * pixels]
            with (
                torch.no_grad(),
                torch.autocast(ltr.device.type, precision, enabled=precision != torch.float32),
            ):
                made = to_volume(network(piece)[0])  # (T', h, w, C)
            rows, columns = min(tile, height - top), min(tile, width - left)
            result[:, top : top + rows, left : left + columns] = made[
                frames * k : (frames + length) * k,
                pixels : pixels + rows,
                pixels : pixels + columns,
            ]
    return result
