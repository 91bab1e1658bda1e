"""Draws crops of rendered clips, as a video's own pairs are drawn."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from deeptsr.config import PretrainSettings
from deeptsr.imaging.exposure import expose
from deeptsr.learning.pretraining.pseudo_time import BLOCK
from deeptsr.learning.pretraining.variants import Variant
from deeptsr.learning.prior import BELOW, SPECIALIST
from deeptsr.learning.rendering.clips import Clip, render

__all__ = ["Crops", "aliased", "kinds", "within"]

_STEPS = ((2, 0.82), (3, 0.08), (4, 0.05), (5, 0.05))  # and their shares of the batches
_RENDERED = 40  # HTR frames of a clip, unless a crop of two an LTR frame has more
_KEPT = 4  # clips that are kept, as a multiple of those that are there from the start
_RIM = 1.1  # of its radius, as far as something turns
_LIMIT = 0.5  # of the blades' distance: what turns by more within a frame is aliased


def kinds(variant: Variant) -> tuple[str, str]:
    """What a variant is taught on, or judged by: the kind of clip beside and with blades."""
    return "leaves", {BELOW: "below", SPECIALIST: "beyond"}.get(variant.expert, "rotor")


def aliased(clip: Clip, frames: range, factor: int) -> Tensor:
    """Where what turns in a clip turns beyond the aliasing limit, (T,): 1, else 0.

    Args:
        clip: see there.
        frames: HTR frames, T * factor.
        factor: of these in an LTR frame.
    """
    if clip.rotor is None:
        return torch.zeros(len(frames) // factor)
    turned = clip.rotor.distances[frames.start : frames.stop]
    return (turned.reshape(-1, factor).sum(1) > _LIMIT).float()


def within(clip: Clip) -> Tensor:
    """Where something turns in a clip, (H, W): 1, else 0."""
    height, width = clip.frames.shape[1:3]
    if clip.rotor is None:
        return torch.zeros(height, width)
    row, column = clip.rotor.center
    y, x = torch.arange(height)[:, None] - row, torch.arange(width) - column
    return (x.square() + y.square() < (_RIM * clip.rotor.radius) ** 2).float()


class Crops:
    """A pool of clips, renewed as the course goes on, and what is cut from it.

    Args:
        settings: of the course.
        variant: of the prior's networks that is taught.
        seed: of all that is drawn.
        pictures: surfaces beside those that are drawn, (3, side, side) each.
    """

    def __init__(
        self,
        settings: PretrainSettings,
        variant: Variant,
        seed: int,
        pictures: Sequence[Tensor],
    ) -> None:
        self.settings, self._variant, self._pictures = settings, variant, pictures
        self._rendered = max(_RENDERED, 2 * settings.frames)
        self.side = BLOCK * round(variant.wide * settings.crop / BLOCK)
        self.count = math.ceil(variant.batch * settings.batch)
        self._dice = torch.Generator().manual_seed(seed)
        self._next = seed * 10_000_000  # seed of the next clip
        self._kinds = kinds(variant)
        self._pools: dict[tuple[str, int], list[Clip]] = defaultdict(list)

    def fill(self) -> None:
        """Render the clips that are there from the start."""
        shown = self._variant.rotors < 1, self._variant.rotors > 0
        for kind in (kind for kind, show in zip(self._kinds, shown, strict=True) if show):
            for step in self._steps_of(kind):
                while len(self._pools[kind, step]) < self.settings.pool:
                    self._render(kind, step)

    def renew(self) -> None:
        """Render another clip, for the oldest one if there are many."""
        kind = self._kind()
        self._render(kind, self._choice(self._steps_of(kind)))

    def factor(self) -> int:
        """Of the next batch: HTR frames an LTR frame; an expert for blades sees theirs alone."""
        if self._variant.expert != "any":
            return self._choice(self._variant.steps)
        draw = self.chance()
        for factor, share in _STEPS:
            draw -= share
            if draw < 0:
                return factor
        return 2

    def batch(self, factor: int) -> tuple[Tensor, Tensor, Tensor]:
        """HTR crops, where they are :func:`aliased`, and :func:`within` what turns.

        Returns:
            (N, C, T * factor, side, side), T as the settings say, or what a clip has; (N, T); and
            (N, side, side).
        """
        frames = min(self.settings.frames, self._rendered // factor)
        # Blades have the speeds of some steps.
        bladed = factor in self._variant.steps
        drawn = [self._kind() if bladed else self._kinds[0] for _ in range(self.count)]
        crops = [self._crop(kind, factor, frames) for kind in drawn]
        htr, where, inside = (torch.stack(parts) for parts in zip(*crops, strict=True))
        return htr, where, inside

    def stills(self) -> Tensor:
        """Frames of the clips, (N, C, side, side)."""
        crops = [self._crop(self._kind(), 1, 1)[0] for _ in range(self.count)]
        return torch.stack(crops).squeeze(2)

    def chance(self) -> float:
        """A number in [0, 1)."""
        return float(torch.rand((), generator=self._dice))

    def uniform(self, *shape: int) -> Tensor:
        """The same, many of them."""
        return torch.rand(shape, generator=self._dice)

    def normal(self, *shape: int) -> Tensor:
        """Numbers of mean 0 and deviation 1."""
        return torch.randn(shape, generator=self._dice)

    def state(self) -> dict[str, Any]:
        """What a later run needs to go on; the clips are drawn anew."""
        return {"random": self._dice.get_state(), "next": self._next}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._dice.set_state(state["random"])
        self._next = state["next"]

    def _kind(self) -> str:
        return self._kinds[self.chance() < self._variant.rotors]

    def _steps_of(self, kind: str) -> tuple[int, ...]:
        """What the clips of a kind are drawn for."""
        return (2,) if kind == "leaves" else self._variant.steps

    def _choice(self, steps: tuple[int, ...]) -> int:
        return steps[self._below(len(steps))] if len(steps) > 1 else steps[0]

    def _below(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self._dice))

    def _render(self, kind: str, step: int) -> None:
        self._next += 1
        pool = self._pools[kind, step]
        pool.append(
            render(self._next, kind, frames=self._rendered, pictures=self._pictures, step=step)
        )
        if len(pool) > _KEPT * self.settings.pool:
            pool.pop(0)

    def _crop(self, kind: str, factor: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """A crop of a clip in one of its views: see :meth:`batch`."""
        s, side = self.settings, self.side
        steps = self._steps_of(kind)
        step, frames = factor if factor in steps else steps[0], frames * factor
        pool = self._pools[kind, step]
        while factor > max(clip.longest for clip in pool):
            self._render(kind, step)  # no blades of the pool are slow enough
        # An HTR frame is a mean of so many.
        slow = 2 if self.chance() < s.slowed and kind == "leaves" else 1
        if slow * factor > max(c.longest for c in pool) or slow * frames > len(pool[0].frames):
            slow = 1
        fitting = [clip for clip in pool if slow * factor <= clip.longest]
        clip, length = fitting[self._below(len(fitting))], slow * frames
        t, y, x = (
            self._below(n - size + 1)
            for n, size in zip(clip.frames.shape, (length, side, side), strict=False)
        )
        crop = clip.frames[t : t + length, y : y + side, x : x + side].float()
        crop = expose(crop, slow).permute(3, 0, 1, 2)  # (C, T * factor, side, side)
        where = aliased(clip, range(t, t + length), slow * factor)
        inside = within(clip)[y : y + side, x : x + side]
        turned = [axis for axis in (1, 2, 3) if self.chance() < 0.5]
        crop = crop.flip(turned)
        inside = inside.flip([axis - 2 for axis in turned if axis > 1])
        if 1 in turned:
            where = where.flip(0)
        if self.chance() < 0.5:
            crop, inside = crop.transpose(2, 3), inside.T
        crop = crop[torch.randperm(3, generator=self._dice)]
        if self.chance() < s.gray:
            crop = torch.lerp(crop, crop.mean(0, keepdim=True), self.chance())
        return 1 - crop if self.chance() < 0.5 else crop, where, inside
