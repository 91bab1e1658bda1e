"""The network of the paper (section 4.1, figure 8a)."""

from __future__ import annotations

import math

from torch import Tensor, nn

from deeptsr.exposure import correct
from deeptsr.networks.base import StepNetwork
from deeptsr.resample import interpolate_time

__all__ = ["Paper"]

_TIME_KERNELS = (3, 3, 1, 1, 1, 1, 1, 3)  # layers 1, 2 and 8 are 3x3x3, the others 1x3x3


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
        cubic_taps = 2
        corrected = int(exposure == "delta")  # the correction fades into the next frame's
        seen = math.ceil(sum(t // 2 for t in _TIME_KERNELS) / factor) + cubic_taps + corrected
        self.reach = (seen, len(_TIME_KERNELS))

    def forward(self, ltr: Tensor) -> Tensor:
        """Interpolate, add the residual, correct."""
        base = interpolate_time(ltr, self.factor, self.exposure, axis=2, cubic=True)
        return correct(base + self.layers(base), ltr, self.factor, self.exposure, axis=2)
