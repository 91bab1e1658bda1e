"""Our network: the paper's idea at a tenth of its arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.moments import MomentNetwork
from deeptsr.networks.parts.blocks import Block, TimeBlock
from deeptsr.networks.parts.streaming import convolve_by, slide

__all__ = ["Compact"]

_DIFFERENCES, _ENTER, _LEAVE = 1, 1, 1  # frames, or pixels, that these look to each side


class Compact(MomentNetwork):
    """Residual blocks on the LTR frame grid predict how each frame changes within its time.

    It sees each frame and its differences to the frames before and after. No layer has a bias, so
    that what it learnt at one contrast holds at others: the blur of the input is always shorter,
    and so its contrast higher, than that of the pairs it learns from.

    Differs from the paper: it works on the LTR grid instead of interpolated frames; it may fold
    ``fold`` x ``fold`` pixels into channels; the residual is added to linear interpolation.

    Other networks are this one with a block of another kind in the middle, for its last one. Their
    other layers have the same names and shapes, so that they can start from what it knows.

    Args:
        factor: output frames an input frame.
        exposure: "full" or "delta".
        channels: of each hidden layer.
        blocks: of any kind.
        fold: pixels a side that become channels.
        middle: a block in the middle that is of another kind; None: none is.
    """

    def __init__(
        self,
        factor: int,
        exposure: str,
        channels: int,
        blocks: int,
        fold: int = 1,
        middle: Block | None = None,
    ) -> None:
        super().__init__(factor, exposure, channels, fold)
        colours = 3 * fold * fold
        self.enter = nn.Conv3d(3 * colours, channels, 3, padding=1, bias=False)
        self.middle = middle
        count = blocks if middle is None else blocks - 1
        self.blocks = nn.ModuleList(TimeBlock(channels) for _ in range(count))
        self.leave = self.last_layer(channels)
        frames = sum(block.frames for block in self._row)
        pixels = sum(block.pixels for block in self._row)
        places = _ENTER + pixels + _LEAVE + 1
        self.reach = (_DIFFERENCES + _ENTER + frames, fold * places - 1)

    @property
    def _row(self) -> list[Block]:
        """All blocks, in their order."""
        row: list[Block] = list(self.blocks)  # type: ignore[arg-type]
        if self.middle is not None:
            row.insert((len(row) + 1) // 2, self.middle)
        return row

    def features(self, ltr: Tensor, first: int = 0) -> Tensor:
        """What the last layer sees; see the base class."""
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
        seen: Tensor = self.enter(x)
        for block in self._row:
            seen = block(seen, first)
        return seen.relu()

    @property
    def streaming_operations(self) -> float:
        """Fewer: differences are part of the first layer, too."""
        merged = self.enter.weight.numel() * (1 - 5 / 9)
        return super().streaming_operations - 2 * merged * self._positions

    def stream_features(
        self, slabs: Iterable[Tensor], precision: torch.dtype, first: int
    ) -> Iterator[Tensor]:
        """Layer by layer along time; see the base class."""
        x: Iterator[Tensor] = self._entered(slabs, precision)
        first += _DIFFERENCES + _ENTER
        for block in self._row:
            x = block.stream(x, first)
            first += block.frames
        return map(Tensor.relu_, x)

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

        def entered(slab: Tensor) -> Tensor:
            ltr = slab.movedim(1, -1)  # (N, T + 4, H, W, C)
            n, t, h, w, c = ltr.shape
            folded = ltr.reshape(n, t, h, w // f, f * c).movedim(-1, 1)
            return convolve_by(tall, folded, bias, stride=(1, f, 1)).to(precision)

        return map(entered, slide(frames, 4))
