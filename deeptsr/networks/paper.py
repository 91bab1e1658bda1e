"""The network of the paper (section 4.1, figure 8a)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from deeptsr.imaging.exposure import correct
from deeptsr.imaging.resample import interpolate_time
from deeptsr.imaging.shapes import Batch, FineBatch
from deeptsr.networks.parts.streaming import (
    Lookback,
    add_to_interpolation,
    consistent,
    convolve,
    regroup,
    slide,
)
from deeptsr.networks.protocol import Request, StepNetwork

__all__ = ["Paper"]

_TIME_KERNELS = (3, 3, 1, 1, 1, 1, 1, 3)  # layers 1, 2 and 8 are 3x3x3, the others 1x3x3
_HTR_REACH = sum(t // 2 for t in _TIME_KERNELS)  # interpolated frames that it sees to each side
_CUBIC_TAPS = 2  # frames to each side that interpolation sees


class Paper(StepNetwork):
    """Eight 3D convolutions add a residual to the cubically interpolated clip.

    Differs from the paper: no BatchNorm (the paper names none; the published code has it, frozen
    early by accident); the last layer has no ReLU, since a residual is signed, and starts at zero;
    a temporal correction follows, as after every step of the published pyramid.
    """

    def __init__(self, factor: int, exposure: str = "full", channels: int = 128) -> None:
        super().__init__()
        self.factor, self.exposure = factor, exposure
        layers: list[nn.Module] = []
        for index, time in enumerate(_TIME_KERNELS):
            width_in = 3 if index == 0 else channels
            width_out = 3 if index == len(_TIME_KERNELS) - 1 else channels
            layers.append(nn.Conv3d(width_in, width_out, (time, 3, 3), padding=(time // 2, 1, 1)))
            layers.append(nn.ReLU(inplace=True))
        layers.pop()
        self.layers = nn.Sequential(*layers)
        last = layers[-1]
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self._positions = float(factor)
        self.width = float(channels * factor)
        corrected = int(exposure == "delta")  # the correction fades into the next frame's
        seen = math.ceil(_HTR_REACH / factor) + _CUBIC_TAPS + corrected
        self.reach = (seen, len(_TIME_KERNELS))

    def forward(self, ltr: Batch, asked: Request | None = None) -> FineBatch:
        """Interpolate, add the residual, correct."""
        self.asked(asked)
        base = interpolate_time(ltr, self.factor, self.exposure, axis=2, cubic=True)
        return correct(base + self.layers(base), ltr, self.factor, self.exposure, axis=2)

    def stream(
        self, slabs: Iterable[Tensor], precision: torch.dtype, asked: Request | None = None
    ) -> Iterator[Tensor]:
        """Like :meth:`forward`, layer by layer along time; see the base class."""
        k, reach = self.asked(asked).parts, self.reach[0]
        lookback = Lookback(slabs, self.edge)
        x = self._interpolated(lookback, precision)
        for number, time in enumerate(_TIME_KERNELS):
            x = self._layer(x, 2 * number, time - 1)
        x = regroup(x, (reach - _CUBIC_TAPS) * k - _HTR_REACH, k)
        ahead = k if self.exposure == "delta" else 0
        residuals = (
            consistent(_grouped(output.movedim(1, -1).float(), k), self.exposure)
            for output in slide(x, ahead)
        )
        yield from add_to_interpolation(residuals, lookback, reach, k, self.exposure, cubic=True)

    def _interpolated(self, frames: Iterable[Tensor], precision: torch.dtype) -> Iterator[Tensor]:
        k, seen = self.factor, _CUBIC_TAPS
        for ltr in slide(frames, 2 * seen):
            base = interpolate_time(ltr, k, self.exposure, axis=2, cubic=True)
            yield base[:, :, seen * k : base.shape[2] - seen * k].to(precision)

    def _layer(self, slabs: Iterable[Tensor], index: int, keep: int) -> Iterator[Tensor]:
        layer, last = self.layers[index], index + 1 == len(self.layers)
        for x in slide(slabs, keep):
            yield convolve(layer, x, relu=not last)  # type: ignore[arg-type]


def _grouped(frames: Tensor, factor: int) -> Tensor:
    n, _, h, w, c = frames.shape
    return frames.reshape(n, -1, factor, h, 1, w, c)
