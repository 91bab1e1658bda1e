"""What changes within a frame's time, as a few numbers: one head serves steps of any size.

A network that predicted each of the k frames of a step would need a head for each k. Ours predicts
the moments of the residual, a function of the time within an LTR frame: with full exposure its
Legendre coefficients but the mean, which the LTR frame has; with delta exposure those of sines,
which are 0 where frames are known. The frames of a step are fixed sums of these.

Differs from the paper, whose network has one step (section 4.1).
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

__all__ = ["MOMENTS", "frames_of_moments"]

MOMENTS = 4  # as many as a step of 5 can tell apart


@cache
def frames_of_moments(factor: int, exposure: str) -> Tensor:
    """What each moment adds to each frame of a step.

    Args:
        factor: HTR frames an LTR frame.
        exposure: "full": an HTR frame is a mean over its share of the time; "delta": an instant.

    Returns:
        (factor, MOMENTS), float32. Of full exposure, each column has a mean of 0.

    >>> frames_of_moments(2, "full")[:, 0].tolist()
    [-0.5, 0.5]
    """
    orders = torch.arange(1, MOMENTS + 1, dtype=torch.float64)
    if exposure == "delta":
        instants = torch.arange(factor, dtype=torch.float64)[:, None] / factor
        return torch.sin(torch.pi * instants * orders).float()
    edges = 2 * torch.arange(factor + 1, dtype=torch.float64) / factor - 1
    legendre = [torch.ones_like(edges), edges]
    for n in range(1, MOMENTS + 1):
        legendre.append(((2 * n + 1) * edges * legendre[n] - n * legendre[n - 1]) / (n + 1))
    # The integral of P_n is (P_{n+1} - P_{n-1}) / (2 n + 1); a frame's share is 2 / factor long.
    means = [
        (legendre[n + 1] - legendre[n - 1]).diff() / (2 * n + 1) * factor / 2
        for n in range(1, MOMENTS + 1)
    ]
    return torch.stack(means, 1).float()
