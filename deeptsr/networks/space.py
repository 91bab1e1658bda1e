"""The network of a step in space: frames of twice as many pixels a side."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.parts.streaming import convolve_by

__all__ = ["STEP", "SpaceNetwork"]

STEP = 2  # pixels a side that one becomes
_TIMELY = 3  # of so many blocks the first looks along time


class _Block(nn.Module):
    """A residual block; without padding 2 pixels a side less, and a frame if it looks in time."""

    def __init__(self, channels: int, *, timely: bool) -> None:
        super().__init__()
        self.frames = int(timely)  # taken off each end
        first = (3 if timely else 1, 3, 3)
        self.first = nn.Conv3d(channels, channels, first, bias=False)
        self.second = nn.Conv3d(channels, channels, (1, 3, 3), bias=False)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, padded: bool) -> Tensor:
        change = _convolve(
            _convolve(x, self.first.weight, padded).relu_(), self.second.weight, padded
        )
        if padded:
            return change + x
        end = x.shape[2] - self.frames
        return change + x[:, :, self.frames : end, 2:-2, 2:-2]


def _convolve(x: Tensor, weight: Tensor, padded: bool) -> Tensor:
    if padded:
        return functional.conv3d(x, weight, padding=[n // 2 for n in weight.shape[2:]])
    return convolve_by(weight.to(x.dtype), x)


class SpaceNetwork(nn.Module):
    """What bicubic interpolation to twice the size lacks: (N, 3, T, h, w) -> (N, 3, t, 2h', 2w').

    It sees a few frames to each side. Unless it is told to pad, ``t`` is less by twice ``reach[0]``
    than ``T``, and ``h'`` by twice ``reach[1]`` than ``h``. No layer has a bias, and the kernels of
    the first each sum to 0, so that what is flat comes out as 0, and what was learnt at one
    contrast and brightness holds at others.

    Attributes:
        reach: how far an output looks, in (frames, pixels of the input) to each side.
        width: values of a hidden layer for one input pixel of one frame.
    """

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.width = channels
        self.enter = nn.Conv3d(3, channels, 3, bias=False)
        self.blocks = nn.ModuleList(
            _Block(channels, timely=number % _TIMELY == 0) for number in range(blocks)
        )
        self.leave = nn.Conv3d(channels, 3 * STEP**2, (1, 3, 3), bias=False)
        nn.init.zeros_(self.leave.weight)
        timely = -(-blocks // _TIMELY)
        self.reach = (1 + timely, 2 + 2 * blocks)

    @property
    def operations(self) -> float:
        """Floating-point operations for one input pixel of one frame."""
        return 2.0 * sum(weight.numel() for weight in self.parameters())

    def forward(
        self, coarse: Tensor, precision: torch.dtype = torch.float32, *, padded: bool = False
    ) -> Tensor:
        """Predict the residual.

        Args:
            coarse: (N, 3, T, h, w) in [0, 1].
            precision: of all layers but the first: in bfloat16 small differences would drown.
            padded: return as many frames and pixels as there are, those at the ends and borders
                less well founded: to learn from small crops.
        """
        weight = self.enter.weight
        weight = weight - weight.mean((2, 3, 4), keepdim=True)
        x = functional.pad(coarse, [1] * 6, mode="replicate") if padded else coarse
        x = convolve_by(weight, x - 0.5)
        if not padded:
            x = x.to(precision)
        with torch.autocast(x.device.type, precision, enabled=padded and precision != x.dtype):
            for block in self.blocks:
                x = block(x, padded)
            x = _convolve(x.relu(), self.leave.weight, padded)
        n, _, t, h, w = x.shape
        x = x.float().view(n, 3, STEP, STEP, t, h, w).permute(0, 1, 4, 5, 2, 6, 3)
        return x.reshape(n, 3, t, STEP * h, STEP * w)  # (N, 3, t, 2h', 2w')
