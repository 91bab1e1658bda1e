"""Our network: the paper's idea at a tenth of its arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.imaging.exposure import correct
from deeptsr.imaging.resample import interpolate_time
from deeptsr.imaging.shapes import Batch, FineBatch
from deeptsr.networks.moments import MOMENTS, frames_of_moments
from deeptsr.networks.protocol import StepNetwork
from deeptsr.networks.streaming import Lookback, add_to_interpolation, convolve, convolve_by, slide

__all__ = ["Compact"]


class _Block(nn.Module):
    """A residual block: it looks along time, then in the frame. It starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.time = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.frame = nn.Conv3d(channels, channels, (1, 3, 3), padding=(0, 1, 1), bias=False)
        nn.init.zeros_(self.frame.weight)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.frame(self.time(x).relu_())
        return x + change

    def stream(self, slabs: Iterable[Tensor]) -> Iterator[Tensor]:
        """The same slab by slab, without its first and last frame and 2 pixels a side."""
        for x in slide(slabs, 2):
            change = convolve(self.frame, convolve(self.time, x, relu=True))
            yield change.add_(x[:, :, 1:-1, 2:-2, 2:-2])


class Compact(StepNetwork):
    """Residual blocks on the LTR frame grid predict how each frame changes within its time.

    It sees each frame and its differences to the frames before and after. No layer has a bias, so
    that what it learnt at one contrast holds at others: the blur of the input is always shorter,
    and so its contrast higher, than that of the pairs it learns from.

    Its weights do not depend on the step: the last layer predicts moments of the residual
    (:mod:`deeptsr.networks.moments`), of which the ``factor`` frames are fixed sums.

    Differs from the paper: it works on the LTR grid instead of interpolated frames; it may fold
    ``fold`` x ``fold`` pixels into channels; the residual is added to linear interpolation.
    """

    def __init__(
        self, factor: int, exposure: str, channels: int, blocks: int, fold: int = 1
    ) -> None:
        super().__init__()
        self.factor, self.exposure, self.fold = factor, exposure, fold
        self.multiple, self._positions = fold, 1 / fold**2
        self.width = channels / fold**2
        colours = 3 * fold * fold
        self.enter = nn.Conv3d(3 * colours, channels, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*(_Block(channels) for _ in range(blocks)))
        moments = colours * MOMENTS
        self.leave = nn.Conv3d(channels, moments, (1, 3, 3), padding=(0, 1, 1), bias=False)
        nn.init.zeros_(self.leave.weight)
        differences = 1
        self.reach = (1 + blocks + differences, fold * (3 + 2 * blocks) - 1)

    def forward(self, ltr: Batch) -> FineBatch:
        """Fold, predict, unfold, add to the interpolation, correct."""
        n, c, t, h, w = ltr.shape
        f, k = self.fold, self.factor
        hidden = self.features(ltr)
        x = functional.conv3d(hidden, self._leaving().flatten(0, 1), padding=(0, 1, 1))
        # (N, k*C*f*f, T, H/f, W/f)
        x = x.view(n, k, c, f, f, t, h // f, w // f).permute(0, 2, 5, 1, 6, 3, 7, 4)
        residual = x.reshape(n, c, t * k, h, w)  # (N, C, T*k, H, W)
        base = interpolate_time(ltr, k, self.exposure, axis=2)
        return correct(base + residual, ltr, k, self.exposure, axis=2)

    def features(self, ltr: Tensor) -> Tensor:
        """What the last layer sees, (N, channels, T, H/f, W/f)."""
        n, c, t, h, w = ltr.shape
        f = self.fold
        step = ltr.diff(dim=2)
        still = torch.zeros_like(ltr[:, :, :1])
        x = torch.cat(
            [torch.cat([step, still], 2), torch.cat([still, step], 2), ltr - 0.5], 1
        )  # (N, 3C, T, H, W)
        if f > 1:
            x = x.view(n, 3 * c, t, h // f, f, w // f, f).permute(0, 1, 4, 6, 2, 3, 5)
            x = x.reshape(n, 3 * c * f * f, t, h // f, w // f)  # (N, 3C*f*f, T, H/f, W/f)
        seen: Tensor = self.blocks(self.enter(x)).relu()
        return seen

    def _leaving(self) -> Tensor:
        """Weights of the last layer for the frames of the step, (k, C*f*f, channels, 1, 3, 3)."""
        weight = self.leave.weight
        sums = frames_of_moments(self.factor, self.exposure).to(weight)
        moments = weight.view(MOMENTS, -1, *weight.shape[1:])  # (M, C*f*f, channels, 1, 3, 3)
        return (sums.view(-1, MOMENTS, *[1] * weight.ndim) * moments).sum(1)

    @property
    def operations(self) -> float:
        """Of the last layer, those for the frames of the step."""
        moments = self.leave.weight.numel()
        return super().operations + 2 * moments * (self.factor / MOMENTS - 1) * self._positions

    @property
    def streaming_operations(self) -> float:
        """Fewer: differences are part of the first layer, and the last leaves out what is known."""
        merged = self.enter.weight.numel() * (1 - 5 / 9)
        known = self.leave.weight.numel() / MOMENTS if self.exposure == "full" else 0
        return self.operations - 2 * (merged + known) * self._positions

    @property
    def edge(self) -> int:
        """Whole folds: within the outermost of its reach it needs no pixels before its own fold."""
        return self.fold * (2 + 2 * len(self.blocks))

    def stream(self, slabs: Iterable[Tensor], precision: torch.dtype) -> Iterator[Tensor]:
        """Like :meth:`forward`, layer by layer along time; see the base class."""
        seen = Lookback(slabs, self.edge)
        x: Iterator[Tensor] = self._entered(seen, precision)
        for block in self.blocks:
            x = block.stream(x)  # type: ignore[operator]
        yield from add_to_interpolation(
            self._left(x), seen, self.reach[0], self.factor, self.exposure
        )

    def _entered(self, frames: Iterable[Tensor], precision: torch.dtype) -> Iterator[Tensor]:
        """What the first layer makes of frames, by one kernel that looks at the frames themselves.

        With x the frames, :meth:`forward` gives that layer x[t+1] - x[t], x[t] - x[t-1] and
        x[t] - 1/2. Say A, B and M are its kernels for these, with times j = -1, 0, 1. It makes::

            sum_j A[j] (x[t+j+1] - x[t+j]) + B[j] (x[t+j] - x[t+j-1]) + M[j] (x[t+j] - 1/2)
              =  sum_i L[i] x[t+i]  -  sum_j M[j] / 2
            where  L[i] = (M + B - A)[i] + A[i-1] - B[i+1],  i = -2 .. 2,  0 beyond a kernel's ends

        So L has 5 frames, and what is left is a bias. It works in float32: the differences of
        frames, which L holds, would drown in bfloat16.

        A fold takes f x f pixels into channels. Along x that is a view of channels-last memory.
        Along y, row y of fold r is row r * f + y of the clip: the 3 rows of the kernel become 3 f,
        and it goes on by f.

        Oracle: :meth:`forward`, which does it step by step (`test_streaming_is_the_same`).
        """
        f, weight = self.fold, self.enter.weight
        ahead, back, middle = weight.view(len(weight), 3, -1, f, f, 3, 3, 3).unbind(1)  # A, B, M
        long = functional.pad(middle + back - ahead, (0, 0, 0, 0, 1, 1))  # (O, C, y, x, 5, 3, 3)
        long[..., 2:, :, :] += ahead
        long[..., :-2, :, :] -= back
        tall = long.permute(0, 3, 1, 4, 5, 2, 6).reshape(len(weight), -1, 5, 3 * f, 3)
        # (O, x * C, 5, 3 rows of folds * y, 3)
        bias = middle.flatten(1).sum(1) / -2
        for slab in slide(frames, 4):
            ltr = slab.movedim(1, -1)  # (N, T + 4, H, W, C)
            n, t, h, w, c = ltr.shape
            folded = ltr.reshape(n, t, h, w // f, f * c).movedim(-1, 1)
            yield convolve_by(tall, folded, bias, stride=(1, f, 1)).to(precision)

    def _left(self, hidden: Iterable[Tensor]) -> Iterator[Tensor]:
        """Residuals of all frames of a group but the one that follows from the others.

        A frame's residual is a sum of moments, so that its kernel is the same sum of the moments'
        kernels. With full exposure these add up to 0 over the frames, and the last frame's residual
        is minus the others'; with delta exposure the first frame is known, and its residual is 0.

        Yields:
            (N, T, k - 1, H/f, f, W/f, f*C), with the channels of a pixel last.

        Oracle: as :meth:`_entered`.
        """
        f, weight = self.fold, self._leaving()
        weight = weight.reshape(self.factor, -1, f, f, *weight.shape[2:])
        weight = weight.movedim(1, 3)  # (k, y, x, C, channels, 1, 3, 3)
        weight = weight[:-1] if self.exposure == "full" else weight[1:]
        others, weight = len(weight), weight.flatten(0, 3)
        for x in hidden:
            y = convolve_by(weight.to(x.dtype), x.relu_()).movedim(1, -1)
            yield y.reshape(*y.shape[:4], others, f, -1).permute(0, 1, 4, 2, 5, 3, 6)
