"""Lets clips end within some crops: what becomes of a clip's first and last frame is taught.

What comes before a clip's first frame, and after its last one, is not known: there the clip stands
still (`pyramid.predict`). A crop from its middle never shows that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from deeptsr.imaging.shapes import Batch

__all__ = ["with_ends"]

_BEYOND = 2  # frames of a crop that lie beyond the end: more of them change what is made by little


def with_ends(ltr: Batch, draws: Tensor, share: float) -> tuple[Batch, Tensor]:
    """Let some clips begin, or end, within their crops.

    Args:
        ltr: crops (N, C, T, H, W), T >= 3.
        draws: a number in [0, 1) for each, (N,).
        share: of the crops in which that happens, half of them each way.

    Returns:
        Crops whose first or last frames stand still where it does, and 1 for the frames that are
        there, else 0, (N, 1, T, 1, 1).

    >>> crops, there = with_ends(torch.arange(5.0).view(1, 1, 5, 1, 1), torch.zeros(1), 0.5)
    >>> crops.flatten().tolist(), there.flatten().tolist()
    ([2.0, 2.0, 2.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0, 1.0])
    """
    length, draws = ltr.shape[2], draws[:, None]
    beyond = min(_BEYOND, (length - 1) // 2)
    times = torch.arange(length, device=ltr.device)[None]
    first = beyond * (draws < share / 2)  # (N, 1)
    last = length - 1 - beyond * (draws >= 1 - share / 2)
    seen = torch.minimum(torch.maximum(times, first), last)  # (N, T)
    there = (seen == times).to(ltr)[:, None, :, None, None]
    return ltr.gather(2, seen[:, None, :, None, None].expand_as(ltr)), there
