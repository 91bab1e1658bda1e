"""`Specialist`: takes the places of a result where motion is aliased, as a judge sees it.

Where blades turn by more than half of their distance a frame, two worlds explain what the slow
camera saw. An expert who always takes the longer way is right there, and wrong elsewhere. One who
is taught both worlds makes, in doubt, what errs least in the mean square: a mean of both ways, each
as likely as it is. So that one judges where the longer way is the right one: the share of the
specialist's change that it makes, too, tells how likely it takes that to be.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deeptsr.imaging.resample import around, pool
from deeptsr.imaging.shapes import Cells, Frames, Volume
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.trust import blend

__all__ = ["NEAR", "Specialist", "likely", "parts_of", "take"]

NEAR = 2  # LTR frames to each side that decide who takes a frame
_UNSEEN = 1 / 255**2  # mean square of a change that nobody sees: one 8-bit level
# Share of the specialist's change that a judge makes who takes both ways to be as likely: less than
# half, as the shorter way undoes a part of the longer one; and how fast doubt fades away from it
# (docs/measurements.md, "Who takes which place", tells the rotors that both were chosen on).
_DOUBT, _FADES = 0.25, 0.08


@dataclass(frozen=True)
class Specialist:
    """Two networks for one step: who makes the longer way, and who tells where it is right."""

    network: StepNetwork
    judge: StepNetwork


def parts_of(theirs: Volume, judged: Volume, plain: Volume, factor: int) -> Tensor:
    """What of a specialist's change its judge makes, too, and that change.

    Args:
        theirs: the specialist's result, volume (T * factor, H, W, C).
        judged: what its judge makes.
        plain: interpolation.
        factor: HTR frames an LTR frame.

    Returns:
        Mean products and mean squares, (2, T, rows, columns).
    """
    both, change = [], []
    for n in range(0, len(plain), factor):
        away = theirs[n : n + factor] - plain[n : n + factor]
        both.append(pool(((judged[n : n + factor] - plain[n : n + factor]) * away).mean(0)))
        change.append(pool(away.square_().mean(0)))
    return torch.stack([torch.stack(both), torch.stack(change)])


def likely(parts: Tensor) -> Cells:
    """How likely the specialist is right, (T, rows, columns), of :func:`parts_of`: 0 to 1."""
    both, change = (around(around(part)) for part in parts)
    return torch.sigmoid((both / (change + _UNSEEN) - _DOUBT) / _FADES)


def take(result: Frames, theirs: Volume, likelihood: Cells) -> None:
    """Give the specialist, in place, the places where it is more likely right than not.

    Args:
        result: volume (T * factor, H, W, C).
        theirs: the specialist's.
        likelihood: :func:`likely`.
    """
    blend(result, theirs, (likelihood <= 0.5).to(result))
