"""Stills without time: blocks are hidden in each frame, and a network draws them again.

Seed "Time Without Time": a still is copied to some frames, blocks of each are hidden, and the very
network that is to be used draws what is hidden from the frames that show it. An error counts by
1 / (1 + v), where v frames show its block: what is seen in few is hard, and counts more.

Differs from it: our networks add to interpolation, which hidden blocks would spoil, and predict a
change whose mean is 0; so a layer of its own draws the frames, and is then thrown away.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks import MomentNetwork

__all__ = ["BLOCK", "PseudoTime", "hidden"]

BLOCK = 4  # pixels a side of what is hidden
_GRAY = 0.5  # what is hidden looks as nothing does to a network that sees differences to gray


def hidden(stills: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Copy stills to frames, and hide blocks.

    Args:
        stills: (N, C, H, W), sides multiples of :data:`BLOCK`.
        shown: (N, 1, T, H / BLOCK, W / BLOCK), 1 where a block is shown, 0 where it is hidden.

    Returns:
        The frames, (N, C, T, H, W), and the weight of each pixel, (N, 1, 1, H, W).
    """
    sides = (1, BLOCK, BLOCK)
    seen = functional.interpolate(shown, scale_factor=sides, mode="nearest")
    weight = 1 / (1 + seen.sum(2, keepdim=True))
    return torch.lerp(torch.full_like(seen, _GRAY), stills[:, :, None], seen), weight


class PseudoTime(nn.Module):
    """A network's own layers, and one that draws frames from what they see."""

    def __init__(self, network: MomentNetwork, generator: torch.Generator) -> None:
        super().__init__()
        self.network = network
        weight = network.leave.weight
        colours = 3 * network.fold**2
        self.draw = nn.Conv3d(weight.shape[1], colours, (1, 3, 3), padding=(0, 1, 1))
        with torch.no_grad():
            noise = torch.randn(self.draw.weight.shape, generator=generator)
            self.draw.weight.copy_(noise / (9 * weight.shape[1]) ** 0.5)
            self.draw.bias.fill_(_GRAY)  # type: ignore[union-attr]

    def forward(self, frames: Tensor) -> Tensor:
        """Draw frames whose blocks are partly hidden, (N, C, T, H, W)."""
        n, c, t, h, w = frames.shape
        f = self.network.fold
        drawn = self.draw(self.network.features(frames))
        drawn = drawn.view(n, c, f, f, t, h // f, w // f).permute(0, 1, 4, 5, 2, 6, 3)
        whole: Tensor = drawn.reshape(n, c, t, h, w)
        return whole
