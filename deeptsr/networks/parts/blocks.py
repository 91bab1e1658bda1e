"""How frames come in with their differences, and blocks that learn and stream by the same code.

What these do is homogeneous: no layer has a bias, so that what was learnt at one contrast holds at
others. A layer pads with zeros while a network learns, and not at all where it is streamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.streaming import convolve_by, slide

__all__ = ["FrameBlock", "TimeBlock", "convolved", "inner", "with_differences"]


def convolved(layer: nn.Conv3d, x: Tensor, padded: bool) -> Tensor:
    """Convolve; padded, by zeros in space and along time, with gradients."""
    if padded:
        sizes = zip(layer.dilation, layer.kernel_size, strict=True)
        padding = [dilation * (n // 2) for dilation, n in sizes]
        weight = layer.weight.to(x.dtype)
        return functional.conv3d(x, weight, padding=padding, dilation=layer.dilation)
    if max(layer.dilation) > 1:
        return functional.conv3d(x, layer.weight.to(x.dtype), dilation=layer.dilation)
    return convolve_by(layer.weight.to(x.dtype), x)


def inner(x: Tensor, pixels: int, padded: bool) -> Tensor:
    """Without so many pixels a side, where nothing pads."""
    if padded or not pixels:
        return x
    return x[..., pixels:-pixels, pixels:-pixels]


def with_differences(ltr: Tensor, fold: int, padded: bool) -> Tensor:
    """Each frame, less a half, behind its differences to the one after and to the one before.

    Args:
        ltr: (N, C, T, H, W) in [0, 1].
        fold: pixels a side that become channels.
        padded: whether there are as many frames as before, beyond whose ends nothing moves; else
            the first and the last are lacking.

    Returns:
        (N, 3 * C * fold * fold, T or T - 2, H / fold, W / fold).
    """
    step = ltr.diff(dim=2)
    frames = ltr if padded else ltr[:, :, 1:-1]
    if padded:
        step = functional.pad(step, (0, 0, 0, 0, 1, 1))
    x = torch.cat([step[:, :, 1:], step[:, :, :-1], frames - 0.5], 1)
    n, c, t, h, w = x.shape
    x = x.view(n, c, t, h // fold, fold, w // fold, fold).permute(0, 1, 4, 6, 2, 3, 5)
    return x.reshape(n, c * fold * fold, t, h // fold, w // fold)


class FrameBlock(nn.Module):
    """A residual block within each frame; it starts as the identity. It sees 2 pixels a side."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(channels, channels, (1, 3, 3), bias=False)
        self.second = nn.Conv3d(channels, channels, (1, 3, 3), bias=False)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, padded: bool) -> Tensor:
        """(N, C, T, H, W) -> the same, or without 2 pixels a side."""
        change = convolved(self.second, convolved(self.first, x, padded).relu_(), padded)
        return change + inner(x, 2, padded)


class TimeBlock(nn.Module):
    """A residual block along time, then in the frame; it starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(channels, channels, 3, bias=False)
        self.second = nn.Conv3d(channels, channels, (1, 3, 3), bias=False)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, padded: bool) -> Tensor:
        """(N, C, T, H, W) -> the same, or without a frame at each end and 2 pixels a side."""
        change = convolved(self.second, convolved(self.first, x, padded).relu_(), padded)
        return change + inner(x if padded else x[:, :, 1:-1], 2, padded)

    def stream(self, slabs: Iterable[Tensor]) -> Iterator[Tensor]:
        """The same slab by slab, without padding."""
        for x in slide(slabs, 2):
            yield self(x, False)
