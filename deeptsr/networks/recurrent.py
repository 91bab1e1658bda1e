"""A network that carries a state through the scene, forwards and backwards (LRTI-VSR)."""

from __future__ import annotations

from torch import nn

from deeptsr.networks.compact import Compact
from deeptsr.networks.parts.carry import Carry
from deeptsr.networks.parts.memory import Memory

__all__ = ["Recurrent"]


class Recurrent(Compact):
    """The compact network with a memory of the scene in its middle, for one of its blocks.

    Differs from the paper: states warm up anew for each crop instead of being stored, as crops are
    turned and mirrored; no optical flow; it is homogeneous in contrast, and cannot diverge
    (:class:`~deeptsr.networks.parts.carry.Carry`).

    Args:
        factor: output frames an input frame.
        exposure: "full" or "delta".
        channels: of each hidden layer; states have half as many.
        blocks: as many as the compact network of the same arithmetic has.
        fold: pixels a side that become channels.
        grid: frames after which states begin anew, >= 1; None: two more than the blocks.
        warm: frames that they have seen then, >= 0; None: the same.
        refocused: whether states look for what they know by attention, too.
    """

    def __init__(
        self,
        factor: int,
        exposure: str,
        channels: int,
        blocks: int,
        fold: int = 1,
        grid: int | None = None,
        warm: int | None = None,
        *,
        refocused: bool = False,
    ) -> None:
        grid, warm = (blocks + 2 if n is None else n for n in (grid, warm))
        super().__init__(
            *(factor, exposure, channels, blocks, fold),
            Memory(channels, grid, warm, refocused=refocused),
        )
        self.grid, self.warm, self.refocused = grid, warm, refocused
        self.width = 2 * channels / fold**2  # features of a frame, and states

    @property
    def operations(self) -> float:
        """With those of states that are no convolution's."""
        told = sum(m.weight.numel() for m in self._carries.modules() if isinstance(m, nn.Conv3d))
        return super().operations + 2 * (self._carried - told) * self._positions

    @property
    def streaming_operations(self) -> float:
        """More: each state is made again to warm up the next."""
        again = self._carried * self.warm / self.grid
        return super().streaming_operations + 2 * again * self._positions

    @property
    def _carries(self) -> nn.ModuleList:
        return nn.ModuleList(m for m in self.modules() if isinstance(m, Carry))

    @property
    def _carried(self) -> float:
        """Multiplications of a place, in both directions."""
        return sum(carry.multiplications for carry in self._carries)  # type: ignore[misc]
