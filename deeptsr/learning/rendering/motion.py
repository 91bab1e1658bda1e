"""How things move: a number for each instant."""

from __future__ import annotations

import torch
from torch import Tensor

from deeptsr.learning.rendering.dice import Dice

__all__ = ["path", "turning"]

_KINDS = ("still", "steady", "faster", "to and fro", "shaking")
_WEIGHTS = (0.2, 0.4, 0.18, 0.15, 0.07)
_LIMIT = 0.5  # distances of the blades an LTR frame: beyond it motion is aliased
_NEAR, _FARTHEST = 0.16, 0.42  # from it, in these
_STEADY = 0.6  # of what does not cross the limit
_CROSSING = 0.5  # share of what turns


def path(dice: Dice, times: Tensor, fastest: float) -> Tensor:
    """A way that is gone: still, steadily, ever faster, to and fro, or shaking.

    Args:
        dice: random choices.
        times: (n,), HTR frames.
        fastest: units an HTR frame.

    Returns:
        (n,), in these units, from 0.
    """
    kind, speed = dice.choose(_KINDS, _WEIGHTS), dice.between(-fastest, fastest)
    last = float(times[-1]) or 1.0
    if kind == "still":
        return torch.zeros_like(times)
    if kind == "steady":
        return speed * times
    if kind == "faster":  # or slower: the speed changes by up to its double
        return speed * times * (1 + dice.between(-0.5, 0.5) * (2 * times / last - 1))
    if kind == "to and fro":
        period, phase = dice.between(4, 40), dice.between(0, 6.28)
        swing = torch.sin(2 * torch.pi * times / period + phase)
        return speed * period / (2 * torch.pi) * (swing - swing[0])
    shaken = torch.zeros_like(times)
    for _ in range(3):
        period, phase = dice.between(3, 16), dice.between(0, 6.28)
        shaken = shaken + torch.sin(2 * torch.pi * times / period + phase) * period
    return speed / 12 * (shaken - shaken[0])


def turning(
    dice: Dice, times: Tensor, apart: float, *, side: str = "rotor", step: int = 2
) -> tuple[Tensor, float]:
    """The angle of what turns and goes on turning the same way: steadily, or at a changing speed.

    Half of the speeds are near the aliasing limit: there both ways look most alike, and a network
    is longest in doubt. As many are below it as beyond, each as far from it as the other that looks
    alike, so that nothing but what is seen tells which it is.

    Args:
        dice: random choices.
        times: (n,), HTR frames.
        apart: distance of the blades, radians.
        side: "below" or "beyond" the limit, where it has to be at one end at least, or "rotor".
        step: HTR frames an LTR frame.

    Returns:
        (n,) radians, and the greatest speed, radians an HTR frame.
    """

    def speed(far: bool) -> float:
        away = dice.between(0, _NEAR if dice.chance(0.5) else _FARTHEST)
        return apart / step * (_LIMIT + away if far else _LIMIT - away)

    first = {"below": False, "beyond": True}.get(side)
    if first is None:
        first = dice.chance(0.5)
    crosses = dice.chance(_CROSSING)
    ends = [speed(first), speed(first != crosses)]
    if not crosses and dice.chance(_STEADY):
        ends[1] = ends[0]
    if dice.chance(0.5):
        ends.reverse()
    last = float(times[-1]) or 1.0
    angle = ends[0] * times + (ends[1] - ends[0]) * times.square() / (2 * last)
    return dice.sign() * angle, max(ends)
