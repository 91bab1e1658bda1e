"""EFST: early fusion of neighbouring frames, mended by spatio-temporal weights (STVUN, 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deeptsr.networks.parts.blocks import convolved, inner
from deeptsr.networks.parts.ratios import likeness, size_of

__all__ = ["EarlyFusion"]

_SHARP = 2.0  # by which likeness is multiplied before it becomes a confidence, at the start


class EarlyFusion(nn.Module):
    """Features of ``span`` frames become those of the middle one.

    ::

        E   = conv(e_0 .. e_n)                  early fusion
        s_t = sigmoid(a * likeness(theta e_t, delta E))
        G   = convs(s_0 e_0 .. s_n e_n)
        result = alpha * E + beta,   alpha = 2 sigmoid(conv(G / size)),  beta = conv(G)

    Where ``weighted`` is false, the result is E: what the ablation leaves.

    Differs from the paper: confidence comes of likeness instead of a dot product, alpha of a ratio,
    and no layer has a bias, so that all of it is homogeneous in contrast; a kernel with gaps stands
    for the pyramid of poolings, so that tiles need no alignment. Alpha begins at 1, beta at 0.

    Attributes:
        pixels: that it sees to each side.
    """

    def __init__(self, channels: int, span: int, *, weighted: bool) -> None:
        super().__init__()
        self.span, self.weighted = span, weighted
        self.pixels = 3 if weighted else 0
        self.fuse = nn.Conv3d(channels, channels, (span, 1, 1), bias=False)
        if weighted:
            one, frame = 1, (1, 3, 3)
            self.theta = nn.Conv3d(channels, channels, one, bias=False)
            self.delta = nn.Conv3d(channels, channels, one, bias=False)
            self.sharpness = nn.Parameter(torch.tensor([_SHARP]))
            self.gather = nn.Conv3d(span * channels, channels, one, bias=False)
            self.near = nn.Conv3d(channels, channels, frame, bias=False)
            self.far = nn.Conv3d(channels, channels, frame, dilation=(1, 2, 2), bias=False)
            self.scale = nn.Conv3d(channels, channels, one, bias=False)
            self.shift = nn.Conv3d(channels, channels, one, bias=False)
            nn.init.zeros_(self.scale.weight)
            nn.init.zeros_(self.shift.weight)

    def forward(self, features: Tensor, padded: bool) -> Tensor:
        """Fuse.

        Args:
            features: (N, channels, T + span - 1, H, W).
            padded: whether to return as many pixels; else :attr:`pixels` less a side.

        Returns:
            (N, channels, T, H, W).
        """
        early = convolved(self.fuse, features, False)
        if not self.weighted:
            return early
        length = early.shape[2]
        sought = convolved(self.delta, early, padded)
        offered = convolved(self.theta, features, padded)
        confident = []
        for at in range(self.span):
            frames = slice(at, at + length)
            score = likeness(sought, offered[:, :, frames]) * self.sharpness
            confident.append(features[:, :, frames] * score.sigmoid().to(features.dtype))
        x = convolved(self.gather, torch.cat(confident, 1), padded).relu_()
        x = convolved(self.far, convolved(self.near, x, padded).relu_(), padded).relu_()
        early = inner(early, self.pixels, padded)
        scale = convolved(self.scale, x / size_of(x, early), padded).sigmoid() * 2
        return scale * early + convolved(self.shift, x, padded)
