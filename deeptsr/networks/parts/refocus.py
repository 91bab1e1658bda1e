"""The refocused block: attention that forgets weak matches, and a gated change (LRTI-VSR)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.parts.ratios import bounded, likeness, size_of

__all__ = ["Refocus"]

_SIDE = 3  # pixels of the neighbourhood that attention looks at


class Refocus(nn.Module):
    """What this frame finds of itself in the states before, and around itself.

    ::

        w_j    = relu(likeness(query x, key m_j)) ** 2      for each place j of 3 x 3
        found  = mean of w_j * value m_j                    in x and in both states: 27 places
        result = 2 sigmoid(conv(state / size)) * found

    The square of a ReLU for softmax: a weak match counts for exactly nothing. What was found is
    gated by the state of the frame before.

    Differs from the paper: neighbourhoods instead of windows, so that tiles need no alignment and a
    state sees a pixel a frame, no more; likeness instead of a product, so that it is homogeneous;
    the gate stands behind the attention, without a feed-forward network of its own; it is bounded.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 2)
        self.query = nn.Conv3d(channels, inner, 1, bias=False)
        self.key = nn.Conv3d(channels, inner, 1, bias=False)
        self.value = nn.Conv3d(channels, channels, 1, bias=False)
        self.gate = nn.Conv3d(channels, channels, 1, bias=False)
        nn.init.zeros_(self.gate.weight)

    @property
    def multiplications(self) -> float:
        """Of a place: keys and values of three frames, and what is done with 27 of them."""
        pointwise = self.query.weight.numel() + self.gate.weight.numel()
        memories = 3 * (self.key.weight.numel() + self.value.weight.numel())
        each = len(self.key.weight) + len(self.value.weight)
        return float(pointwise + memories + 3 * _SIDE**2 * each)

    def forward(self, frame: Tensor, states: Sequence[Tensor], most: float) -> Tensor:
        """Look for a frame's features in states.

        Args:
            frame: (N, C, H, W).
            states: (N, C, H, W) each, the latest first.
            most: times the largest value of what it looks at that any of its own is, at most.
        """
        query = _by(self.query, frame)
        value = bounded(self.value.weight[:, :, 0], most / 2)  # the gate at most doubles it
        found, places = torch.zeros_like(frame), 0
        for memory in (frame, *states):
            keys = _around(_by(self.key, memory))
            values = _around(functional.conv2d(memory, value.to(memory.dtype)))
            for key, shown in zip(keys, values, strict=True):
                weight = likeness(query, key).relu().square()
                found = found + weight.to(frame.dtype) * shown
                places += 1
        latest = states[0]
        gate = 2 * _by(self.gate, latest / size_of(latest, found)).sigmoid()
        shown_on_average: Tensor = gate * found / places
        return shown_on_average


def _by(layer: nn.Conv3d, x: Tensor) -> Tensor:
    return functional.conv2d(x, layer.weight[:, :, 0].to(x.dtype))


def _around(x: Tensor) -> list[Tensor]:
    """Each place's neighbours, zeros beyond the borders: _SIDE ** 2 tensors like ``x``."""
    h, w = x.shape[-2:]
    wide = functional.pad(x, [_SIDE // 2] * 4)
    return [wide[..., y : y + h, z : z + w] for y in range(_SIDE) for z in range(_SIDE)]
