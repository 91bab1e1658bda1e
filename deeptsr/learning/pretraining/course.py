"""How one network of a prior is taught: crops are drawn, and it goes down its error."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from deeptsr.config import PretrainSettings
from deeptsr.learning.descent import Optimizer, descend, optimizer_of
from deeptsr.learning.pretraining.crops import Crops, aliased, within
from deeptsr.learning.pretraining.variants import Variant
from deeptsr.learning.rendering.clips import render
from deeptsr.networks import taken_over
from deeptsr.networks.chance import seeded

__all__ = ["Course", "Damage", "judges"]

_JUDGES, _JUDGED_FRAMES = 12, 24  # clips of each kind that are never taught, and their frames
_FIRST_JUDGE = 10**9  # their seeds

Network = TypeVar("Network", bound=nn.Module)
Damage = Callable[[Tensor], Tensor]  # LTR crops (N, C, T, H, W) as a codec or a sensor spoils them


class Course(Generic[Network]):
    """How far one network of a prior has come.

    Args:
        build: makes the network.
        settings: how it is taught.
        variant: which of the prior's networks it is.
        steps: optimiser steps, of all parts together.
        seed: of all that is drawn.
        device: that does the work.
        precision: of the convolutions.
        pictures: surfaces beside those that are drawn, (3, side, side) each.
        damage: what spoils the input in the settings' share of the steps; None: nothing does.
    """

    def __init__(
        self,
        build: Callable[[], Network],
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
            self.network = build()
        self._learner = self._learning(seed)  # whose weights change
        self._learner.to(device).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self._crops = Crops(settings, variant, seed, pictures)
        self.step = 0
        self._optimizer = self._fresh()

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Take over what another course, or a prior, has taught: what both have in common."""
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
                for _ in range(self.variant.fresh):
                    self._crops.renew()
            loss, progress = self._loss(), (self.step, self.steps)
            descend(self._optimizer, loss, self.network, self.average, self.settings, progress)
            self.step += 1
            on_step(self.step)
            if self.step % self.settings.check == 0 or self.step == self.steps:
                on_check(self.gains())

    def state(self) -> dict[str, Any]:
        """All that a later run needs to go on but the clips, which are drawn anew."""
        return {
            "network": self._learner.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "crops": self._crops.state(),
            "step": self.step,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.step = state["step"]
        self._optimizer = self._fresh()
        self._learner.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._crops.load(state["crops"])

    def gains(self) -> dict[str, float]:
        """How good the mean of the weights is on clips that are never taught, by kind."""
        raise NotImplementedError

    def _learning(self, seed: int) -> nn.Module:
        """What learns: the network, or what it is a part of."""
        return self.network

    def _fresh(self) -> Optimizer:
        """What teaches from this step on."""
        return optimizer_of(self.network, self.settings)

    def _loss(self) -> Tensor:
        """The error of this step's crops, a number."""
        raise NotImplementedError

    def _damaged(self, htr: Tensor, ltr: Tensor) -> tuple[Tensor, Tensor]:
        """What is wanted and what is filmed, which is spoilt in some of the steps."""
        if self._damage and self._crops.chance() < self.settings.damaged:
            spoilt = self._damage(ltr)
            # What a frame's damage looks like is told by that frame, and stays in all it becomes.
            parts = htr.shape[2] // ltr.shape[2]
            return htr + (spoilt - ltr).repeat_interleave(parts, 2), spoilt
        return htr, ltr

    def _placed(self, crops: Tensor) -> Tensor:
        return crops.to(self._device, memory_format=torch.channels_last_3d)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self._device.type, self._precision, enabled=self._precision != torch.float32
        )


@cache
def judges(kind: str) -> tuple[Tensor, Tensor, Tensor]:
    """Clips that are never taught.

    Returns:
        (N, C, T * 2, H, W), where they are aliased, (N, T), and where something turns, (N, H, W).
    """
    clips = [render(_FIRST_JUDGE + n, kind, frames=_JUDGED_FRAMES) for n in range(_JUDGES)]
    htr = torch.stack([clip.frames.float() for clip in clips]).permute(0, 4, 1, 2, 3)
    where = torch.stack([aliased(clip, range(_JUDGED_FRAMES), 2) for clip in clips])
    return htr, where, torch.stack([within(clip) for clip in clips])
