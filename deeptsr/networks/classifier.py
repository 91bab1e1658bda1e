"""`Classifier`: tells where motion is beyond the aliasing limit, as log odds.

Blades that turn by a share *s* of their distance within a frame leave the blur of others, of the
opposite contrast, that turn by 1 - *s* the other way. What is seen behind them tells the two apart,
and how wide they are far from the axis and near it: so this one sees much of the picture, at three
sizes, where networks that restore it see some pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.imaging.shapes import Batch
from deeptsr.networks.parts.blocks import TimeBlock

__all__ = ["CELL", "Classifier"]

CELL = 4  # pixels a side of what a number is told of
_FOLD, _COARSEST = 2, 8  # pixels a side of a place, at the finest of three sizes and the coarsest
_FINE, _WIDE = 16, 32  # channels at the finest size, and at the others
_FAINT = 4e-5  # mean square change from frame to frame below which contrast is not made up for
_MOST = 4.0  # of what it sees, in shares of the contrast around


class Classifier(nn.Module):
    """(N, 3, T, H, W) -> (N, T, H / CELL, W / CELL) log odds, of sides rounded up.

    Attributes:
        reach: input frames to each side that a number depends on.
    """

    reach = 9  # what is around a difference, the layer that enters, and six blocks

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv3d(9 * _FOLD**2, _FINE, 3, padding=1)
        self.fine = nn.ModuleList([TimeBlock(_FINE)])
        self.widen = nn.Conv3d(_FINE, _WIDE, 1)
        self.middle = _row(2)
        self.down = nn.Conv3d(_WIDE, _WIDE, 1)
        self.coarse = _row(2)
        self.up = nn.Conv3d(_WIDE, _WIDE, 1)
        self.end = _row(1)
        self.tell, self.tell_coarse = (nn.Conv3d(_WIDE, 1, 1) for _ in range(2))
        for last in (self.tell, self.tell_coarse):  # it begins in doubt
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    @classmethod
    def of(cls, weights: dict[str, Tensor], device: torch.device) -> Classifier:
        """One with weights that are known, which draws no random numbers."""
        with torch.device("meta"):
            made = cls()
        made.load_state_dict(weights, assign=True)
        return made.to(device).eval()

    def forward(self, ltr: Batch) -> Tensor:
        """Tell; beyond its ends and borders the clip stands still."""
        height, width = ltr.shape[3:]
        beyond = (0, -width % _COARSEST, 0, -height % _COARSEST, 0, 0)
        ltr = functional.pad(ltr, beyond, "replicate")
        step, still = ltr.diff(dim=2), torch.zeros_like(ltr[:, :, :1])
        ahead, back = torch.cat([step, still], 2), torch.cat([still, step], 2)
        moved = (ahead.square() + back.square()).mean(1, keepdim=True)
        contrast = (2 * _around(moved) + _FAINT).sqrt()
        seen = torch.cat([ahead, back, ltr - _around(ltr)], 1) / contrast  # (N, 9, T, H, W)
        x = seen.clamp(-_MOST, _MOST)
        x = functional.pixel_unshuffle(x.transpose(1, 2), _FOLD).transpose(1, 2)
        x = self.enter(x.contiguous(memory_format=torch.channels_last_3d))
        for block in self.fine:
            x = block(x)
        x = self.widen(_halved(x))
        for block in self.middle:
            x = block(x)
        coarse = self.down(_halved(x))
        for block in self.coarse:
            coarse = block(coarse)
        coarse.relu_()
        x = x + _doubled(self.up(coarse))
        for block in self.end:
            x = block(x)
        odds = self.tell(x.relu_()) + _doubled(self.tell_coarse(coarse))
        told: Tensor = odds[:, 0, :, : -(-height // CELL), : -(-width // CELL)]
        return told


def _around(x: Tensor) -> Tensor:
    """Means over three frames and five places of the coarsest size, where these are."""
    sides = (1, _COARSEST, _COARSEST)
    places = functional.avg_pool3d(x, sides)
    sums, counts = (
        functional.avg_pool3d(functional.pad(each, (2, 2, 2, 2, 1, 1)), (3, 5, 5), 1)
        for each in (places, torch.ones_like(places[:1, :1]))
    )
    return functional.interpolate(sums / counts, scale_factor=sides)


def _row(blocks: int) -> nn.ModuleList:
    return nn.ModuleList(TimeBlock(_WIDE) for _ in range(blocks))


def _halved(x: Tensor) -> Tensor:
    return functional.avg_pool3d(x.relu(), (1, 2, 2))


def _doubled(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 3).repeat_interleave(2, 4)
