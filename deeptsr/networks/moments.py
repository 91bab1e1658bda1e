"""What changes within a frame's time, as a few numbers: one head serves steps of any size.

A network that predicted each of the k frames of a step would need a head for each k. Ours predict
the moments of the residual, a function of the time within an LTR frame: with full exposure its
Legendre coefficients but the mean, which the LTR frame has; with delta exposure those of sines,
which are 0 where frames are known. The frames of a step are fixed sums of these.

Differs from the paper, whose network has one step (section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.imaging.exposure import correct
from deeptsr.imaging.resample import interpolate_time
from deeptsr.imaging.shapes import Batch, FineBatch
from deeptsr.networks.parts.streaming import Lookback, add_to_interpolation, convolve_by
from deeptsr.networks.protocol import Request, StepNetwork

__all__ = ["MOMENTS", "MomentNetwork", "frames_of_moments"]

MOMENTS = 4  # as many as a step of 5 can tell apart


@cache
def frames_of_moments(factor: int, exposure: str) -> Tensor:
    """What each moment adds to each frame of a step.

    Args:
        factor: HTR frames an LTR frame.
        exposure: "full": an HTR frame is a mean over its share of the time; "delta": an instant.

    Returns:
        (factor, MOMENTS), float32. Of full exposure, each column has a mean of 0.

    >>> frames_of_moments(2, "full")[:, 0].tolist()
    [-0.5, 0.5]
    """
    orders = torch.arange(1, MOMENTS + 1, dtype=torch.float64)
    if exposure == "delta":
        instants = torch.arange(factor, dtype=torch.float64)[:, None] / factor
        return torch.sin(torch.pi * instants * orders).float()
    edges = 2 * torch.arange(factor + 1, dtype=torch.float64) / factor - 1
    legendre = [torch.ones_like(edges), edges]
    for n in range(1, MOMENTS + 1):
        legendre.append(((2 * n + 1) * edges * legendre[n] - n * legendre[n - 1]) / (n + 1))
    # The integral of P_n is (P_{n+1} - P_{n-1}) / (2 n + 1); a frame's share is 2 / factor long.
    means = [
        (legendre[n + 1] - legendre[n - 1]).diff() / (2 * n + 1) * factor / 2
        for n in range(1, MOMENTS + 1)
    ]
    return torch.stack(means, 1).float()


class MomentNetwork(StepNetwork):
    """A network whose last layer, ``leave``, predicts moments from what the others see.

    The residual is added to linear interpolation. A subclass ends its layers with
    :meth:`last_layer`, sets ``reach`` and, where they are not those of plain layers, ``width`` and
    ``operations``; it says what the last layer sees, once for whole clips (:meth:`features`), and
    once for clips that come slab by slab (:meth:`stream_features`).

    Attributes:
        fold: pixels a side that are folded into channels.
        leave: the last layer.
    """

    anytime = True
    leave: nn.Conv3d

    def __init__(self, factor: int, exposure: str, channels: int, fold: int = 1) -> None:
        """Say what it is for.

        Args:
            factor: frames made of one, where nothing else is asked for.
            exposure: "full" or "delta".
            channels: of a hidden layer.
            fold: see the class.
        """
        super().__init__()
        self.factor, self.exposure, self.fold = factor, exposure, fold
        self.multiple, self._positions = fold, 1 / fold**2
        self.width = channels / fold**2

    @property
    def edge(self) -> int:
        """Whole folds: within the outermost of its reach it needs no pixels before its own fold."""
        return self.reach[1] + 1 - self.fold

    def last_layer(self, channels: int) -> nn.Conv3d:
        """The layer that predicts moments of what has so many channels; it starts as 0."""
        moments = 3 * self.fold**2 * MOMENTS
        layer = nn.Conv3d(channels, moments, (1, 3, 3), padding=(0, 1, 1), bias=False)
        nn.init.zeros_(layer.weight)
        return layer

    def features(self, ltr: Tensor, first: int = 0) -> Tensor:
        """What the last layer sees of a clip (N, C, T, H, W), from frame number ``first`` on.

        Returns:
            (N, channels, T, H/fold, W/fold), 0 or more.
        """
        raise NotImplementedError

    def stream_features(
        self, slabs: Iterable[Tensor], precision: torch.dtype, first: int
    ) -> Iterator[Tensor]:
        """The same slab by slab, without what lies within reach of the clip's ends and borders.

        Args:
            slabs: as of :meth:`stream`.
            precision: of the convolutions.
            first: number of the first frame.

        Yields:
            (N, channels, t, h, w), without ``reach[0]`` frames at each end; ``h`` and ``w`` are one
            more to each side than the result has, which the last layer takes off. It may change
            them in place.
        """
        raise NotImplementedError

    def forward(self, ltr: Batch, asked: Request | None = None) -> FineBatch:
        """Fold, predict, unfold, add to the interpolation, correct."""
        asked = self.asked(asked)
        n, c, t, h, w = ltr.shape
        f, k = self.fold, asked.parts
        hidden = self.features(ltr, asked.first)
        x = functional.conv3d(hidden, self._leaving(k).flatten(0, 1), padding=(0, 1, 1))
        # (N, k*C*f*f, T, H/f, W/f)
        x = x.view(n, k, c, f, f, t, h // f, w // f).permute(0, 2, 5, 1, 6, 3, 7, 4)
        residual = x.reshape(n, c, t * k, h, w)  # (N, C, T*k, H, W)
        base = interpolate_time(ltr, k, self.exposure, axis=2)
        return correct(base + residual, ltr, k, self.exposure, axis=2)

    def _leaving(self, parts: int) -> Tensor:
        """Weights of the last layer for the frames of a step, (k, C*f*f, channels, 1, 3, 3)."""
        weight = self.leave.weight
        sums = frames_of_moments(parts, self.exposure).to(weight)
        moments = weight.view(MOMENTS, -1, *weight.shape[1:])  # (M, C*f*f, channels, 1, 3, 3)
        return (sums.view(-1, MOMENTS, *[1] * weight.ndim) * moments).sum(1)

    @property
    def operations(self) -> float:
        """Of the last layer, those for the frames of the step."""
        moments = self.leave.weight.numel()
        return super().operations + 2 * moments * (self.factor / MOMENTS - 1) * self._positions

    @property
    def streaming_operations(self) -> float:
        """Fewer: the last layer leaves out what is known."""
        known = self.leave.weight.numel() / MOMENTS if self.exposure == "full" else 0
        return self.operations - 2 * known * self._positions

    def stream(
        self, slabs: Iterable[Tensor], precision: torch.dtype, asked: Request | None = None
    ) -> Iterator[Tensor]:
        """Like :meth:`forward`, layer by layer along time; see the base class."""
        asked = self.asked(asked)
        seen = Lookback(slabs, self.edge)
        hidden = self.stream_features(seen, precision, asked.first)
        yield from add_to_interpolation(
            self._left(hidden, asked.parts), seen, self.reach[0], asked.parts, self.exposure
        )

    def _left(self, hidden: Iterable[Tensor], parts: int) -> Iterator[Tensor]:
        """Residuals of all frames of a group but the one that follows from the others.

        A frame's residual is a sum of moments, so that its kernel is the same sum of the moments'
        kernels. With full exposure these add up to 0 over the frames, and the last frame's residual
        is minus the others'; with delta exposure the first frame is known, and its residual is 0.

        Returns:
            (N, T, k - 1, H/f, f, W/f, f*C) each, with the channels of a pixel last.

        Oracle: :meth:`forward` (`test_streaming_is_the_same`).
        """
        f, weight = self.fold, self._leaving(parts)
        weight = weight.reshape(parts, -1, f, f, *weight.shape[2:])
        weight = weight.movedim(1, 3)  # (k, y, x, C, channels, 1, 3, 3)
        weight = weight[:-1] if self.exposure == "full" else weight[1:]
        others, weight = len(weight), weight.flatten(0, 3)

        def left(x: Tensor) -> Tensor:
            y = convolve_by(weight.to(x.dtype), x).movedim(1, -1)
            return y.reshape(*y.shape[:4], others, f, -1).permute(0, 1, 4, 2, 5, 3, 6)

        return map(left, hidden)
