"""The ends of a network: frames come in with their differences, and leave as moments.

What these do is homogeneous: no layer has a bias, so that what was learnt at one contrast holds at
others. A layer pads with zeros while a network learns, and not at all where it is streamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.moments import MOMENTS, frames_of_moments
from deeptsr.networks.streaming import convolve_by, slide

__all__ = ["FrameBlock", "Head", "TimeBlock", "convolved", "inner", "with_differences"]


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


class Head(nn.Module):
    """The last layer: moments of the residual (:mod:`deeptsr.networks.moments`). It starts at 0.

    Args:
        channels: of what it sees.
        fold: pixels a side that it unfolds.
    """

    def __init__(self, channels: int, fold: int) -> None:
        super().__init__()
        self.fold = fold
        made = 3 * fold * fold * MOMENTS
        self.leave = nn.Conv3d(channels, made, (1, 3, 3), bias=False)
        nn.init.zeros_(self.leave.weight)

    def multiplications(self, factor: int) -> float:
        """For the frames of a step, of one place."""
        return self.leave.weight.numel() * factor / MOMENTS

    def forward(self, hidden: Tensor, factor: int, exposure: str) -> Tensor:
        """(N, channels, T, H / fold, W / fold) -> residuals (N, C, T * factor, H, W)."""
        weight = self._frames(factor, exposure).flatten(0, 1)
        x = functional.conv3d(hidden.relu(), weight, padding=(0, 1, 1))
        n, _, t, h, w = x.shape
        f = self.fold
        x = x.view(n, factor, -1, f, f, t, h, w).permute(0, 2, 5, 1, 6, 3, 7, 4)
        return x.reshape(n, -1, t * factor, h * f, w * f)

    def stream(self, hidden: Iterable[Tensor], factor: int, exposure: str) -> Iterator[Tensor]:
        """Residuals of all frames of a step but the one that follows from the others.

        With full exposure the residuals of a step add up to 0; with delta exposure that of its
        first frame, which is known, is 0.

        Yields:
            (N, T, factor - 1, H / fold, fold, W / fold, fold * C), one pixel a side less.
        """
        f = self.fold
        weight = self._frames(factor, exposure)
        weight = weight.reshape(factor, -1, f, f, *weight.shape[2:])
        weight = weight.movedim(1, 3)  # (k, y, x, C, channels, 1, 3, 3)
        weight = weight[:-1] if exposure == "full" else weight[1:]
        others, weight = len(weight), weight.flatten(0, 3)
        for x in hidden:
            y = convolve_by(weight.to(x.dtype), x.relu()).movedim(1, -1)
            yield y.reshape(*y.shape[:4], others, f, -1).permute(0, 1, 4, 2, 5, 3, 6)

    def _frames(self, factor: int, exposure: str) -> Tensor:
        """Weights for the frames of a step, (k, C*f*f, channels, 1, 3, 3)."""
        weight = self.leave.weight
        sums = frames_of_moments(factor, exposure).to(weight)
        moments = weight.view(MOMENTS, -1, *weight.shape[1:])  # (M, C*f*f, channels, 1, 3, 3)
        return (sums.view(-1, MOMENTS, *[1] * weight.ndim) * moments).sum(1)
