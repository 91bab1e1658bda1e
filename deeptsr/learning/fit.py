"""Fits a network on pairs: schedule, validation, early stop (paper section 4.1)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from deeptsr.config import FitSettings
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.volume import to_network
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.networks import StepNetwork
from deeptsr.system.cudagraph import RecordedStep

__all__ = ["FitResult", "Keeper", "fit"]


@dataclass(frozen=True)
class FitResult:
    """What came of a fit."""

    steps: int  # optimiser steps made
    score: float  # of the weights that were kept
    improved: bool  # whether they are others than those it started from


class Keeper(Protocol):
    """Keeps the state of a fit while it runs, so that a later run goes on from there."""

    def load(self, network: StepNetwork, generator: torch.Generator) -> dict[str, Any] | None:
        """The state that an earlier run left of this network; None when there is none."""

    def offer(self, state: Callable[[], dict[str, Any]], *, now: bool = False) -> None:
        """Keep a state if it is time to, or in any case."""


def _rate(settings: FitSettings, peak: float, step: int, steps: int) -> float:
    """The learning rate of a step."""
    warm = min(1.0, (step + 1) / max(1, settings.warmup))
    if settings.schedule == "halving":
        return peak * warm * 0.5 ** (4 * step // steps)
    return peak * warm * 0.5 * (1 + math.cos(math.pi * step / steps))


def _loss(
    network: StepNetwork, htr: Tensor, margin: tuple[int, int], precision: torch.dtype
) -> Tensor:
    """Mean square error (the paper's loss) away from the crop's borders."""
    k = network.factor
    ltr = expose(htr, k, network.exposure, axis=2)
    with torch.autocast(htr.device.type, precision, enabled=precision != torch.float32):
        made = network(ltr.contiguous(memory_format=torch.channels_last_3d))
    error: Tensor = made - htr  # (N, C, T*k, H, W)
    # At a crop's ends the network lacks what lies beyond.
    frames, pixels = margin[0] * k, margin[1]
    t, h, w = error.shape[2:]
    inner = error[:, :, frames : t - frames, pixels : h - pixels, pixels : w - pixels]
    return inner.square().mean()


class _Learner:
    """A network that learns, and the running mean of its weights."""

    def __init__(
        self,
        network: StepNetwork,
        source: PairSource,
        settings: FitSettings,
        generator: torch.Generator,
        precision: torch.dtype,
    ) -> None:
        self._network, self._source, self._settings = network, source, settings
        self._generator, self._precision = generator, precision
        self.average = copy.deepcopy(network)
        card = source.device.type == "cuda"
        self._optimizer = torch.optim.Adam(network.parameters(), fused=card, capturable=card)
        # Numbers; on a card tensors, whose values a replayed step finds changed.
        self._rate: float | Tensor = 0.0
        self._share: float | Tensor = 0.0
        if card:
            self._rate, self._share = torch.zeros(2, device=source.device).unbind()

    def set_pace(self, rate: float, share: float) -> None:
        """Set the learning rate, and the share of the new weights in their mean."""
        if isinstance(self._rate, Tensor) and isinstance(self._share, Tensor):
            self._rate.fill_(rate)
            self._share.fill_(share)
        else:
            self._rate, self._share = rate, share
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate

    def learn(self) -> None:
        """Make a step."""
        htr = to_network(self._source.draw(self._generator))  # (N, C, T*k, H, W)
        loss = _loss(self._network, htr, self._settings.margin, self._precision)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        with torch.no_grad():
            for mean, now in zip(
                self.average.parameters(), self._network.parameters(), strict=True
            ):
                mean.lerp_(now, self._share)

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._generator.set_state(state["random"])

    def state(self) -> dict[str, Any]:
        """All that a later run needs to go on."""
        return {
            "network": self._network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "random": self._generator.get_state(),
        }


def fit(
    network: StepNetwork,
    source: PairSource,
    settings: FitSettings,
    generator: torch.Generator,
    score: Callable[[StepNetwork], float],
    *,
    steps: int,
    rate: float | None = None,
    slack: float = 0.0,
    precision: torch.dtype = torch.float32,
    on_step: Callable[[int], None] = lambda step: None,
    keeper: Keeper | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Fit a network in place; it ends with the last weights that validation found good.

    Args:
        network: where to start from, on the device of ``source``.
        source: draws the HTR examples; their LTR halves are made here.
        settings: schedule and validation.
        generator: the only source of randomness, on that device.
        score: validation, higher is better; asked before the first step and ``settings.checks``
            times after it. Weights are kept only while they score no worse than any before
            them, those to start from included; so a fit never makes worse.
        steps: optimiser steps at most.
        rate: peak learning rate; None: ``settings.learning_rate``.
        slack: how much worse is no worse, unless a gain becomes a loss: the held-out frames are
            few, and may not ask what the pairs teach.
        precision: of the convolutions.
        on_step: told after each step how many were made; when it raises, the state is kept first.
        keeper: of the state after each step. A fit that goes on from one ends as if it had not
            been interrupted, to the bit on a CPU.
        enough: asked after each step, and before the first, whether the time for it is up.

    Differs from the paper: a running mean of the weights is what is validated and kept.
    """
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    learner = _Learner(network, source, settings, generator, precision)
    make_step = RecordedStep(learner.learn, generator)
    begun = keeper.load(network, generator) if keeper else None
    if begun is None:
        kept, kept_score = copy.deepcopy(network.state_dict()), score(network)
        top, improved, stale, step = kept_score, False, 0, 0
    else:
        learner.load(begun)
        kept = begun["kept"]
        kept_score, top, improved, stale, step = begun["counts"]

    def state() -> dict[str, Any]:
        counts = (kept_score, top, improved, stale, step)
        return learner.state() | {"kept": kept, "counts": counts}

    peak = settings.learning_rate if rate is None else rate
    interval = max(1, math.ceil(steps / settings.checks))
    over = enough()
    while step < steps and stale < settings.patience and not over:
        decay = min(settings.averaging, (step + 1) / (step + 11))
        learner.set_pace(_rate(settings, peak, step, steps), 1 - decay)
        make_step()
        step += 1
        stopped: BaseException | None = None
        try:
            on_step(step)
        except BaseException as error:  # the step is finished and kept first
            stopped = error
        over = enough()
        if step % interval == 0 or step == steps or over:
            found = score(learner.average)
            if found > top - slack and (found > 0 or top <= 0):
                kept, kept_score, stale = copy.deepcopy(learner.average.state_dict()), found, 0
                top, improved = max(top, found), True
            else:
                stale += 1
        if keeper:
            keeper.offer(state, now=stopped is not None)
        if stopped:
            raise stopped
    network.load_state_dict(kept)
    network.eval()
    return FitResult(step, kept_score, improved)
