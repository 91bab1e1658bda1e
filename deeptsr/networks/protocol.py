"""What every network of this project promises."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from deeptsr.errors import OptionError
from deeptsr.imaging.shapes import Batch, FineBatch
from deeptsr.networks.parts.streaming import slide

__all__ = ["Request", "StepNetwork"]


@dataclass(frozen=True)
class Request:
    """What a network is asked for.

    Attributes:
        parts: how many results each frame that it receives becomes, for equal parts of its time:
            the factor of a step. A network that is ``anytime`` answers any number.
        first: the number, in its scene, of the first frame that it receives; below 0 where the
            clip is continued beyond its start, and in a clip that runs backwards, whose frame n
            has the number -n. What a network does by a grid of frames, it does by these: then
            its results do not depend on the chunk.
    """

    parts: int
    first: int = 0

    def after(self, frames: int) -> Request:
        """The same for what comes so many frames later."""
        return replace(self, first=self.first + frames)


class StepNetwork(nn.Module):
    """One step of the climb: (N, C, T, H, W) -> (N, C, T * factor, H, W), on the LTR frame grid.

    The result exposes to the input exactly. A network knows nothing of files, devices, schedules.

    Attributes:
        factor: output frames an input frame, where nothing else is asked for.
        exposure: "full" or "delta".
        reach: how far an output looks, in (input frames, pixels) to each side. A network that
            carries a state says from where on, at most, a result depends on it.
        anytime: whether it can be asked for another number of parts: its weights do not depend on
            the factor.
        multiple: H and W must be multiples of this.
        width: values of a hidden layer for one input pixel of one frame.
        tile: side of the tiles that its device has memory for, pixels; None: where it never ran
            out of it. The network itself knows nothing of it.
    """

    factor: int
    exposure: str
    reach: tuple[int, int]
    width: float
    anytime: bool = False
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

    def forward(self, ltr: Batch, asked: Request | None = None) -> FineBatch:
        """(N, C, T, H, W) in [0, 1] -> (N, C, T * parts, H, W), not clipped.

        Args:
            ltr: the clip; beyond its ends it stands still.
            asked: what for; None: ``factor`` parts of the time of each frame, from number 0 on.
        """
        raise NotImplementedError

    def asked(self, request: Request | None) -> Request:
        """The request, or what is meant by None.

        Raises:
            OptionError: for another number of parts than a network knows that is not ``anytime``.
        """
        if request and request.parts != self.factor and not self.anytime:
            raise OptionError(
                f"{request.parts} parts of a frame's time are asked for, and the network makes "
                f"{self.factor}; expected as many; take a network that serves any"
            )
        return request or Request(self.factor)

    @property
    def edge(self) -> int:
        """Pixels that :meth:`stream` takes off each side, a multiple of ``multiple``."""
        return math.ceil(self.reach[1] / self.multiple) * self.multiple

    def stream(
        self, slabs: Iterable[Tensor], precision: torch.dtype, asked: Request | None = None
    ) -> Iterator[Tensor]:
        """:meth:`forward` without gradients, on a clip that comes slab by slab.

        What lies within reach of the clip's ends and borders is not returned: there the network
        would have to make up what lies beyond. A network may do this with less work than here.

        Args:
            slabs: (N, C, t, H, W), one after the other, of any lengths, together T frames.
            precision: of the convolutions.
            asked: as in :meth:`forward`; its ``first`` is that of the first slab.

        Yields:
            (N, C, t * parts, H - 2 * edge, W - 2 * edge), float32, together the results for all
            frames but the first and the last ``reach[0]``.
        """
        asked, seen = self.asked(asked), 2 * self.reach[0]
        frames, edge = self.reach[0] * asked.parts, self.edge
        for slab in slide(slabs, seen):
            with torch.autocast(slab.device.type, precision, enabled=precision != torch.float32):
                output = self(slab, asked)
            asked = asked.after(slab.shape[2] - seen)
            length, height, width = output.shape[2:]
            yield output[:, :, frames : length - frames, edge : height - edge, edge : width - edge]
