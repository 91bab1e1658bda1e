"""The teaching of one network: stills without time first, where asked for, and then motion."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.descent import Optimizer, descend, optimizer_of
from deeptsr.learning.pretraining.crops import Crops, aliased, kinds
from deeptsr.learning.pretraining.ends import with_ends
from deeptsr.learning.pretraining.pseudo_time import BLOCK, PseudoTime, hidden
from deeptsr.learning.pretraining.variants import Variant
from deeptsr.learning.rendering.clips import render
from deeptsr.networks import MomentNetwork, Request, build_teachable, taken_over
from deeptsr.networks.chance import seeded

__all__ = ["Course", "Damage"]

_JUDGES, _JUDGED_FRAMES = 12, 24  # clips of each kind that are never taught, and their frames
_FIRST_JUDGE = 10**9  # their seeds
_QUIET = 1e-5  # mean square error that is added, so that a still clip counts no more than that

Damage = Callable[[Tensor], Tensor]  # LTR crops (N, C, T, H, W) as a codec or a sensor spoils them


class Course:
    """How far one network of a prior has come.

    Args:
        network: name and size of what is taught.
        settings: how it is taught.
        variant: which of the prior's networks it is.
        steps: optimiser steps, of both parts together.
        seed: of all that is drawn.
        device: that does the work.
        precision: of the convolutions.
        pictures: surfaces beside those that are drawn, (3, side, side) each.
        damage: what spoils the input in the settings' share of the steps; None: nothing does.
    """

    def __init__(
        self,
        network: NetworkSettings,
        settings: PretrainSettings,
        variant: Variant,
        steps: int,
        *,
        seed: int,
        device: torch.device,
        precision: torch.dtype,
        pictures: Sequence[Tensor] = (),
        damage: Damage | None = None,
    ) -> None:
        self.variant, self.settings, self.steps = variant, settings, steps
        self._device, self._precision, self._damage = device, precision, damage
        with seeded(seed):
            self.network = build_teachable(network, 2, variant.exposure, variant.fold)
        self._still_steps = round(settings.still * steps) if variant.start is None else 0
        self._stills = PseudoTime(self.network, torch.Generator().manual_seed(seed))
        self._stills.to(device).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self._optimizer = self._fresh(bool(self._still_steps))
        self._crops = Crops(settings, variant, seed, pictures)
        self.step = 0

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Take over what another course, or a prior, has taught."""
        state = taken_over(self.network, state)
        self.network.load_state_dict(state)
        self.average.load_state_dict(state)

    def run(
        self, on_step: Callable[[int], None], on_check: Callable[[dict[str, float]], None]
    ) -> None:
        """Teach to the end.

        Args:
            on_step: told the steps that are done.
            on_check: told the gains (:meth:`gains`) every so often, and at the end.
        """
        self._crops.fill()
        while self.step < self.steps:
            if self.step % self.settings.clip_every == 0:
                self._crops.renew()
            if self.step < self._still_steps:
                self._descend(*self._hidden())
            else:
                if self._still_steps and self.step == self._still_steps:
                    self._optimizer = self._fresh(False)
                self._descend(*self._restored())
            self.step += 1
            on_step(self.step)
            if self.step % self.settings.check == 0 or self.step == self.steps:
                on_check(self.gains())

    def state(self) -> dict[str, Any]:
        """All that a later run needs to go on but the clips, which are drawn anew."""
        return {
            "network": self._stills.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "crops": self._crops.state(),
            "step": self.step,
            "still": self._still_steps,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.step = state["step"]
        self._still_steps = state.get("still", self._still_steps)  # as it was begun
        stills = 0 < self._still_steps >= self.step
        self._optimizer = self._fresh(stills)
        self._stills.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._crops.load(state["crops"])

    def gains(self) -> dict[str, float]:
        """Mean gain over interpolation on clips that are never taught, by kind, dB."""
        gains = {}
        with torch.no_grad():
            for told, kind in zip(("leaves", "rotor"), kinds(self.variant), strict=True):
                htr, where = (part.to(self._device) for part in _judges(kind))
                parts = zip(torch.split(htr, 4), torch.split(where, 4), strict=True)
                pairs = [self._errors(self.average, *part, 2) for part in parts]
                error, plain = (torch.cat(e) + 1e-7 for e in zip(*pairs, strict=True))
                gains[told] = float((10 * torch.log10(plain / error)).mean())
        return gains

    def _fresh(self, stills: bool) -> Optimizer:
        return optimizer_of(self._stills if stills else self.network, self.settings)

    def _descend(self, error: Tensor, weight: Tensor) -> None:
        loss, progress = (error * weight).mean(), (self.step, self.steps)
        descend(self._optimizer, loss, self.network, self.average, self.settings, progress)

    def _restored(self) -> tuple[Tensor, Tensor]:
        """Errors of clips in motion (N,), and what each counts."""
        factor = self._crops.factor()
        htr, where = self._crops.batch(factor)
        where = where.to(self._device)
        error, plain = self._errors(self.network, self._placed(htr), where, factor, taught=True)
        return error, ((plain + _QUIET) * 1e3) ** -self.settings.balance

    def _hidden(self) -> tuple[Tensor, Tensor]:
        """Errors of stills whose blocks are hidden (N,), and what each counts."""
        stills = self._crops.stills()
        count, _, height, width = stills.shape
        blocks = (count, 1, self.settings.frames, height // BLOCK, width // BLOCK)
        shown = (self._crops.uniform(*blocks) >= self.settings.hidden).float()
        frames, weight = hidden(stills, shown)
        with self._autocast():
            drawn = self._stills(self._placed(frames))
        error = weight.to(self._device) * (drawn - stills[:, :, None].to(self._device)).square()
        return error.mean((1, 2, 3, 4)), torch.ones(count, device=self._device)

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
        if taught and self._damage and self._crops.chance() < self.settings.damaged:
            spoilt = self._damage(ltr)
            # What a frame's damage looks like is told by that frame, and stays in all it becomes.
            htr, ltr = htr + (spoilt - ltr).repeat_interleave(factor, 2), spoilt
        there = torch.ones(())
        if taught:
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
        learns, counts, wanted = self.variant.learns, torch.ones_like(where), htr
        if learns == "which":
            wanted = torch.lerp(plain, htr, where)
        elif learns != "all":
            counts = where if learns == "aliased" else 1 - where
        counts = counts * there
        error, usual = (restored - wanted) * counts, (plain - htr) * counts
        return _inner(error, factor), _inner(usual, factor)

    def _placed(self, crops: Tensor) -> Tensor:
        return crops.to(self._device, memory_format=torch.channels_last_3d)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self._device.type, self._precision, enabled=self._precision != torch.float32
        )


@cache
def _judges(kind: str) -> tuple[Tensor, Tensor]:
    """Clips that are never taught, (N, C, T * 2, H, W), and where they are aliased, (N, T)."""
    clips = [render(_FIRST_JUDGE + n, kind, frames=_JUDGED_FRAMES) for n in range(_JUDGES)]
    htr = torch.stack([clip.frames.float() for clip in clips]).permute(0, 4, 1, 2, 3)
    return htr, torch.stack([aliased(clip, range(_JUDGED_FRAMES), 2) for clip in clips])


def _inner(error: Tensor, ends: int) -> Tensor:
    """Mean square away from a crop's borders, where a network lacks what lies beyond."""
    return error[:, :, ends:-ends, 2:-2, 2:-2].square().mean((1, 2, 3, 4))
