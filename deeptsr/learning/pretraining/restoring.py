"""The teaching of a network that restores: stills first, where asked for, and then motion."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.descent import Optimizer, optimizer_of
from deeptsr.learning.pretraining.course import Course, judges
from deeptsr.learning.pretraining.crops import kinds
from deeptsr.learning.pretraining.ends import with_ends
from deeptsr.learning.pretraining.pseudo_time import BLOCK, PseudoTime, hidden
from deeptsr.learning.pretraining.variants import Variant
from deeptsr.networks import MomentNetwork, Request, build_teachable

__all__ = ["Restoring"]

_QUIET = 1e-5  # mean square error that is added, so that a still clip counts no more than that


class Restoring(Course[MomentNetwork]):
    """The course of a network that restores the frames of a faster camera.

    Args:
        network: name and size of what is taught.
        settings: how it is taught.
        variant: which of the prior's networks it is.
        steps: optimiser steps, of both parts together.
        seed: of all that is drawn.
        others: as of :class:`Course`.
    """

    _learner: PseudoTime

    def __init__(
        self,
        network: NetworkSettings,
        settings: PretrainSettings,
        variant: Variant,
        steps: int,
        *,
        seed: int,
        **others: Any,
    ) -> None:
        def build() -> MomentNetwork:
            return build_teachable(network, 2, variant.exposure, variant.fold)

        self._still_steps = round(settings.still * steps) if variant.start is None else 0
        super().__init__(build, settings, variant, steps, seed=seed, **others)

    def state(self) -> dict[str, Any]:
        """See the base class."""
        return super().state() | {"still": self._still_steps}

    def load(self, state: dict[str, Any]) -> None:
        """See the base class."""
        self._still_steps = state.get("still", self._still_steps)  # as it was begun
        super().load(state)

    def gains(self) -> dict[str, float]:
        """Mean gain over interpolation, dB."""
        gains = {}
        with torch.no_grad():
            for told, kind in zip(("leaves", "rotor"), kinds(self.variant), strict=True):
                htr, where, _ = (part.to(self._device) for part in judges(kind))
                parts = zip(torch.split(htr, 4), torch.split(where, 4), strict=True)
                pairs = [self._errors(self.average, *part, 2) for part in parts]
                error, plain = (torch.cat(e) + 1e-7 for e in zip(*pairs, strict=True))
                gains[told] = float((10 * torch.log10(plain / error)).mean())
        return gains

    def _learning(self, seed: int) -> PseudoTime:
        return PseudoTime(self.network, torch.Generator().manual_seed(seed))

    def _fresh(self) -> Optimizer:
        stills = 0 < self._still_steps >= self.step
        return optimizer_of(self._learner if stills else self.network, self.settings)

    def _loss(self) -> Tensor:
        if self.step < self._still_steps:
            return self._hidden()
        if self._still_steps and self.step == self._still_steps:
            self._optimizer = optimizer_of(self.network, self.settings)
        return self._restored()

    def _restored(self) -> Tensor:
        """The error of clips in motion."""
        factor = self._crops.factor()
        htr, where, _ = self._crops.batch(factor)
        where = where.to(self._device)
        error, plain = self._errors(self.network, self._placed(htr), where, factor, taught=True)
        weight: Tensor = ((plain + _QUIET) * 1e3) ** -self.settings.balance
        return (error * weight).mean()

    def _hidden(self) -> Tensor:
        """The error of stills whose blocks are hidden."""
        stills = self._crops.stills()
        count, _, height, width = stills.shape
        blocks = (count, 1, self.settings.frames, height // BLOCK, width // BLOCK)
        shown = (self._crops.uniform(*blocks) >= self.settings.hidden).float()
        frames, weight = hidden(stills, shown)
        with self._autocast():
            drawn: Tensor = self._learner(self._placed(frames))
        error = weight.to(self._device) * (drawn - stills[:, :, None].to(self._device)).square()
        return error.mean()

    def _errors(
        self,
        network: MomentNetwork,
        htr: Tensor,
        where: Tensor,
        factor: int,
        taught: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Mean square errors of what counts, (N,) each.

        Returns:
            Of the network, from what it is to make; and of interpolation, from the truth.
        """
        exposure = self.variant.exposure
        ltr = expose(htr, factor, exposure, axis=2)
        there = torch.ones(())
        if taught:
            htr, ltr = self._damaged(htr, ltr)
            draws = self._crops.uniform(len(ltr)).to(ltr.device)
            ltr, there = with_ends(ltr, draws, self.settings.ended)
            there = there.repeat_interleave(factor, 2)
        with self._autocast():
            contiguous = ltr.contiguous(memory_format=torch.channels_last_3d)
            restored = network(contiguous, Request(factor))
        with torch.no_grad():
            plain = interpolate_time(ltr, factor, exposure, axis=2)
            plain = correct(plain, ltr, factor, exposure, axis=2)
        # What comes before and after the frames that count tells which way blades turn.
        where = where.repeat_interleave(factor, 1)[:, None, :, None, None]
        learns, counts, wanted = self.variant.learns, there, htr
        if learns == "which":
            wanted = torch.lerp(plain, htr, where)
        elif learns != "all":
            counts = there * (where if learns == "aliased" else 1 - where)
        error, usual = (restored - wanted) * counts, (plain - htr) * counts
        return _inner(error, factor), _inner(usual, factor)


def _inner(error: Tensor, ends: int) -> Tensor:
    """Mean square away from a crop's borders, where a network lacks what lies beyond."""
    return error[:, :, ends:-ends, 2:-2, 2:-2].square().mean((1, 2, 3, 4))
