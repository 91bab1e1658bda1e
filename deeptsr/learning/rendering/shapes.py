"""Outlines of things: how far inside of one a point lies."""

from __future__ import annotations

import torch
from torch import Tensor

from deeptsr.learning.rendering.dice import Dice

__all__ = ["Rotor", "cover", "shape"]

_FORMS = ("sector", "paddle", "leaf", "tapered", "dots")
_FORM_WEIGHTS = (0.4, 0.17, 0.15, 0.13, 0.15)


def cover(depth: Tensor, softness: float = 0.9) -> Tensor:
    """How much of a pixel a thing covers, in [0, 1], from the depth of its middle in pixels."""
    return (depth / softness + 0.5).clamp(0, 1)


def shape(dice: Dice, x: Tensor, y: Tensor, radius: float) -> Tensor:
    """Depth of points in an ellipse, a bar, a ring, a blob, a cross or a star.

    Args:
        dice: random choices.
        x: (n, H, W), pixels from the thing's middle, in its own frame.
        y: the same.
        radius: of the thing, pixels.

    Returns:
        (n, H, W), pixels; negative outside.
    """
    kinds = ("ellipse", "bar", "ring", "blob", "cross", "star")
    kind = dice.choose(kinds, (0.25, 0.25, 0.1, 0.15, 0.1, 0.15))
    r = (x.square() + y.square()).sqrt()
    if kind == "ellipse":
        return radius - (x.square() + (y * dice.between(1, 3)).square()).sqrt()
    if kind == "bar":
        return torch.minimum(radius - x.abs(), radius * dice.between(0.1, 1) - y.abs())
    if kind == "ring":
        return radius * dice.between(0.1, 0.3) - (r - 0.7 * radius).abs()
    if kind == "cross":
        arm = radius * dice.between(0.12, 0.4)
        bars = [torch.minimum(radius - a.abs(), arm - b.abs()) for a, b in ((x, y), (y, x))]
        return torch.maximum(*bars)
    angle, lobes = torch.atan2(y, x), dice.whole(2, 7)
    bulge = dice.between(0.1, 0.4) if kind == "blob" else dice.between(0.4, 0.8)
    return radius * (1 - bulge + bulge * torch.cos(lobes * angle)) - r


class Rotor:
    """Equal blades around an axis: a fan, a wheel, a propeller."""

    def __init__(self, dice: Dice, radius: float) -> None:
        self.blades = dice.whole(2, 9)
        self.radius = radius
        self._width = dice.between(0.05, 0.45)  # half of a blade, as a share of their distance
        self._form = dice.choose(_FORMS, _FORM_WEIGHTS)
        self._curve = dice.between(-0.8, 0.8) if dice.chance(0.4) else 0.0  # radians at the tip
        self._hub = radius * dice.between(0.08, 0.32) if dice.chance(0.75) else 0.0
        self._rim = dice.between(0.8, 2.5) if dice.chance(0.15) else 0.0
        self._inner = radius * dice.between(0.0, 0.25)
        rings = dice.whole(1, 3)
        self._rings = [radius * (n + dice.between(0.5, 0.9)) / rings for n in range(rings)]
        self._dot = dice.between(0.25, 0.48)  # of the smaller of the distances between dots

    def depth(self, x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        """Depth of points when it has turned by an angle, and how far from a blade's middle.

        Args:
            x: (n, H, W), pixels from the axis.
            y: the same.
            angle: (n, 1, 1), radians.

        Returns:
            (n, H, W) pixels; and the same in shares of the blades' distance, -0.5 to 0.5.
        """
        r = (x.square() + y.square()).sqrt()
        far = (r / self.radius).clamp(max=1.2)
        apart = 2 * torch.pi / self.blades
        own = torch.atan2(y, x) - angle - self._curve * far
        place = (own / apart + 0.5).floor()
        beside = own - place * apart  # radians from the nearest blade's middle
        if self._form == "dots":
            return self._dots(r, beside, apart), beside / apart
        half: Tensor | float = self._width * apart
        if self._form == "paddle":
            half = (half * 0.6 / far.clamp(min=0.15)).clamp(max=0.48 * apart)
        elif self._form == "leaf":
            half = half * (4 * far * (1.05 - far)).clamp(min=0).sqrt()
        elif self._form == "tapered":
            half = half * (1.3 - far)
        blade = torch.minimum((half - beside.abs()) * r, self.radius - r)
        blade = torch.minimum(blade, r - self._inner)
        if self._hub:
            blade = torch.maximum(blade, self._hub - r)
        if self._rim:
            blade = torch.maximum(blade, self._rim - (r - self.radius).abs())
        return blade, beside / apart

    def _dots(self, r: Tensor, beside: Tensor, apart: float) -> Tensor:
        """Dots or holes on rings around the axis."""
        gap = self.radius / len(self._rings)
        depth: Tensor | None = None
        for ring in self._rings:
            dot = self._dot * min(gap, ring * apart)
            away = (r.square() + ring**2 - 2 * r * ring * torch.cos(beside)).clamp(min=0).sqrt()
            depth = dot - away if depth is None else torch.maximum(depth, dot - away)
        assert depth is not None
        return depth
