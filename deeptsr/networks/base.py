"""What every network of this project promises."""

from __future__ import annotations

from torch import Tensor, nn

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

    # Places that a kernel visits for one input pixel of one frame.
    _positions: float = 1.0

    def forward(self, ltr: Tensor) -> Tensor:
        """(N, C, T, H, W) in [0, 1] -> (N, C, T * factor, H, W), not clipped."""
        raise NotImplementedError
