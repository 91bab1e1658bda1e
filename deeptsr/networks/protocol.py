"""What every network of this project promises."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from deeptsr.imaging.shapes import Batch, FineBatch
from deeptsr.networks.streaming import slide

__all__ = ["StepNetwork"]


class StepNetwork(nn.Module):
    """One step of the climb: (N, C, T, H, W) -> (N, C, T * factor, H, W), on the LTR frame grid.

    The result exposes to the input exactly. A network knows nothing of files, devices, schedules.

    Attributes:
        factor: output frames an input frame.
        exposure: "full" or "delta".
        reach: how far an output looks, in (input frames, pixels) to each side.
        multiple: H and W must be multiples of this.
        width: values of a hidden layer for one input pixel of one frame.
        tile: side of the tiles that its device has memory for, pixels; None: where it never ran
            out of it. The network itself knows nothing of it.
    """

    factor: int
    exposure: str
    reach: tuple[int, int]
    width: float
    multiple: int = 1
    tile: int | None = None

    @property
    def operations(self) -> float:
        """Floating-point operations of the convolutions for one input pixel of one frame."""
        weights = sum(m.weight.numel() for m in self.modules() if isinstance(m, nn.Conv3d))
        return 2 * weights * self._positions

    @property
    def streaming_operations(self) -> float:
        """Those that :meth:`stream` takes for the same."""
        return self.operations

    # Places that a kernel visits for one input pixel of one frame.
    _positions: float = 1.0

    def forward(self, ltr: Batch) -> FineBatch:
        """(N, C, T, H, W) in [0, 1] -> (N, C, T * factor, H, W), not clipped."""
        raise NotImplementedError

    @property
    def edge(self) -> int:
        """Pixels that :meth:`stream` takes off each side, a multiple of ``multiple``."""
        return math.ceil(self.reach[1] / self.multiple) * self.multiple

    def stream(self, slabs: Iterable[Tensor], precision: torch.dtype) -> Iterator[Tensor]:
        """:meth:`forward` without gradients, on a clip that comes slab by slab.

        What lies within reach of the clip's ends and borders is not returned: there the network
        would have to make up what lies beyond. A network may do this with less work than here.

        Args:
            slabs: (N, C, t, H, W), one after the other, of any lengths, together T frames.
            precision: of the convolutions.

        Yields:
            (N, C, t * factor, H - 2 * edge, W - 2 * edge), float32, together the results for all
            frames but the first and the last ``reach[0]``.
        """
        frames, edge = self.reach[0] * self.factor, self.edge
        for slab in slide(slabs, 2 * self.reach[0]):
            with torch.autocast(slab.device.type, precision, enabled=precision != torch.float32):
                output = self(slab)
            length, height, width = output.shape[2:]
            yield output[:, :, frames : length - frames, edge : height - edge, edge : width - edge]
