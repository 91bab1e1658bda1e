"""A network that fuses what each of a few frames shows: STVUN's early fusion, in time alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.moments import MomentNetwork
from deeptsr.networks.parts.blocks import FrameBlock, convolved, inner, with_differences
from deeptsr.networks.parts.efst import EarlyFusion
from deeptsr.networks.streaming import convolve_by, slide

__all__ = ["SPAN", "Fusion"]

SPAN = 5  # frames that are fused
_DIFFERENCES = 1  # frames to each side that come with one


class Fusion(MomentNetwork):
    """One encoder for all frames, EFST over five of them, a decoder, moments of the residual.

    Its arithmetic is that of the compact network of as many channels and blocks, about; without the
    weights of the fusion, the decoder has another block for them.

    Differs from the paper: each frame comes with its differences to its neighbours; one fusion
    instead of one a block; residual blocks instead of dense ones; no optical flow: what lies
    between frames is left to the last layer, which predicts moments of the residual of linear
    interpolation; frames keep their size.

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
        super().__init__(factor, exposure, channels, fold)
        encoding = max(1, blocks // 3)
        decoding = max(1, 2 * blocks - 2 - encoding) + (not weighted)
        self.enter = nn.Conv3d(9 * fold * fold, channels, (1, 3, 3), bias=False)
        self.encoder = nn.ModuleList(FrameBlock(channels) for _ in range(encoding))
        self.fusion = EarlyFusion(channels, span, weighted=weighted)
        self.join = nn.Conv3d(2 * channels, channels, (1, 3, 3), bias=False)
        self.decoder = nn.ModuleList(FrameBlock(channels) for _ in range(decoding))
        self.leave = self.last_layer(channels)
        self._around = span // 2
        enter_join_leave = 3
        places = enter_join_leave + self.fusion.pixels + 2 * (encoding + decoding)
        self.reach = (self._around + _DIFFERENCES, fold * (places + 1) - 1)

    def features(self, ltr: Tensor, first: int = 0) -> Tensor:
        """Encode, fuse, decode; see the base class."""
        seen = self._encoded(
            convolved(self.enter, with_differences(ltr, self.fold, True), True), True
        )
        ends = (0, 0, 0, 0, self._around, self._around)
        seen = functional.pad(seen, ends, "replicate")  # beyond its ends a clip stands still
        return self._decoded(seen, True).relu()

    def _encoded(self, x: Tensor, padded: bool) -> Tensor:
        for block in self.encoder:
            x = block(x, padded)
        return x

    def _decoded(self, seen: Tensor, padded: bool) -> Tensor:
        """Features of frames with those around them -> what the last layer sees."""
        fused = self.fusion(seen, padded)
        middle = seen[:, :, self._around : seen.shape[2] - self._around]
        middle = inner(middle, self.fusion.pixels, padded)
        x = convolved(self.join, torch.cat([middle, fused], 1), padded)
        for block in self.decoder:
            x = block(x, padded)
        return x

    def stream_features(
        self, slabs: Iterable[Tensor], precision: torch.dtype, first: int
    ) -> Iterator[Tensor]:
        """Each frame is encoded once, and seen by those around it; see the base class."""

        def encoded() -> Iterator[Tensor]:
            for slab in slide(slabs, 2 * _DIFFERENCES):
                # In float32: small differences would drown in bfloat16.
                x = convolve_by(self.enter.weight, with_differences(slab, self.fold, False))
                yield self._encoded(x.to(precision), False)

        for seen in slide(encoded(), 2 * self._around):
            yield self._decoded(seen, False).relu_()
