"""What the networks' trunk is made of: blocks that learn, and stream, by the same weights.

What these do is homogeneous: no layer has a bias, so that what was learnt at one contrast holds at
others. A layer pads with zeros while a network learns, and not at all where it is streamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.parts.streaming import convolve, convolve_by, slide

__all__ = ["Block", "TimeBlock", "convolved", "inner"]


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


class Block(nn.Module):
    """A change of what the layers before it made. It starts as the identity.

    Attributes:
        frames: that its result sees, to each side.
        pixels: the same; places of the tensor that it receives.
    """

    frames: int
    pixels: int

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """Change a whole clip.

        Args:
            x: (N, channels, T, H, W).
            first: number, in its scene, of the first frame.

        Returns:
            The same shape.
        """
        raise NotImplementedError

    def stream(self, slabs: Iterable[Tensor], first: int = 0) -> Iterator[Tensor]:
        """The same slab by slab, without :attr:`frames` at each end and :attr:`pixels` a side.

        Args:
            slabs: (N, channels, t, H, W), one after the other.
            first: number, in its scene, of the first frame of all.
        """
        raise NotImplementedError


class TimeBlock(Block):
    """A residual block: it looks along time, then in the frame."""

    frames, pixels = 1, 2

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.time = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.frame = nn.Conv3d(channels, channels, (1, 3, 3), padding=(0, 1, 1), bias=False)
        nn.init.zeros_(self.frame.weight)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """See the base class."""
        change: Tensor = self.frame(self.time(x).relu_())
        return x + change

    def stream(self, slabs: Iterable[Tensor], first: int = 0) -> Iterator[Tensor]:
        """See the base class."""
        return map(self._within, slide(slabs, 2))

    def _within(self, x: Tensor) -> Tensor:
        """What becomes of what is not at the ends and borders of a slab."""
        change = convolve(self.frame, convolve(self.time, x, relu=True))
        return change.add_(x[:, :, 1:-1, 2:-2, 2:-2])
