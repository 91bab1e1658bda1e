"""A network that weighs what each of a few frames shows: STVUN's early fusion, in time alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.compact import Compact
from deeptsr.networks.parts.blocks import Block, inner
from deeptsr.networks.parts.efst import EarlyFusion
from deeptsr.networks.parts.streaming import slide

__all__ = ["SPAN", "Fusion"]

SPAN = 5  # frames that are fused


class Fusion(Compact):
    """The compact network with EFST over five frames in its middle, for one of its blocks.

    Its arithmetic is that of the compact network of as many channels and blocks, about; without the
    weights of the fusion, it has another block for them.

    Differs from the paper: each frame comes with its differences to its neighbours; one fusion
    instead of one a block; residual blocks along time around it, instead of dense ones in the
    frame; no optical flow: what lies between frames is left to the last layer, which predicts
    moments of the residual of linear interpolation; frames keep their size.

    Args:
        factor: output frames an input frame.
        exposure: "full" or "delta".
        channels: of each hidden layer.
        blocks: as many as the compact network would have.
        fold: pixels a side that become channels.
        span: frames that are fused, odd.
        weighted: whether fusion has its spatio-temporal weights; else it is the early fusion alone.
    """

    def __init__(
        self,
        factor: int,
        exposure: str,
        channels: int,
        blocks: int,
        fold: int = 1,
        span: int = SPAN,
        *,
        weighted: bool = True,
    ) -> None:
        fused = _Fused(channels, span, weighted=weighted)
        super().__init__(factor, exposure, channels, blocks + (not weighted), fold, fused)


class _Fused(Block):
    """Adds to each frame what is fused of those around it; beyond its ends a clip stands still."""

    def __init__(self, channels: int, span: int, *, weighted: bool) -> None:
        super().__init__()
        self.fusion = EarlyFusion(channels, span, weighted=weighted)
        nn.init.zeros_(self.fusion.fuse.weight)
        self.frames, self.pixels = span // 2, self.fusion.pixels

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """See the base class."""
        ends = (0, 0, 0, 0, self.frames, self.frames)
        fused: Tensor = self.fusion(functional.pad(x, ends, "replicate"), True)
        return x + fused

    def stream(self, slabs: Iterable[Tensor], first: int = 0) -> Iterator[Tensor]:
        """See the base class."""
        for x in slide(slabs, 2 * self.frames):
            middle = x[:, :, self.frames : x.shape[2] - self.frames]
            yield self.fusion(x, False) + inner(middle, self.pixels, False)
