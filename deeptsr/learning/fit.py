"""Fits a network on pairs: schedule, validation, early stop (paper section 4.1)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any, Protocol, TypedDict

import torch
from torch import Tensor

from deeptsr.config import FitSettings
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.volume import to_network
from deeptsr.learning.optimizers.adam import Adam
from deeptsr.learning.optimizers.muon import Muon
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.networks import StepNetwork
from deeptsr.system.cudagraph import RecordedStep

__all__ = ["FitResult", "FitState", "Hooks", "Keeper", "Regime", "fit"]


@dataclass(frozen=True)
class Regime:
    """How long and how fast a network learns in one fit, and which weights are good."""

    settings: FitSettings  # schedule and validation
    steps: int  # of the optimiser, at most
    rate: float | None = None  # peak learning rate; None: that of the settings
    # How much worse is no worse, unless a gain becomes a loss: the held-out frames are few, and may
    # not ask what the pairs teach.
    slack: float = 0.0
    precision: torch.dtype = torch.float32  # of the convolutions
    marks: tuple[float, ...] = ()  # shares of the steps after which it is judged; (): evenly

    def rate_of(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        s, steps = self.settings, self.steps
        peak = s.learning_rate if self.rate is None else self.rate
        warm = min(1.0, (step + 1) / max(1, s.warmup))
        if s.schedule == "halving":
            return peak * warm * 0.5 ** (4 * step // steps)
        return peak * warm * 0.5 * (1 + math.cos(math.pi * step / steps))

    def share_of(self, step: int) -> float:
        """The share of a step's weights, counted from 0, in the running mean."""
        return 1 - min(self.settings.averaging, (step + 1) / (step + 11))

    def validates(self, count: int) -> bool:
        """Whether the weights are judged after so many steps."""
        if self.marks:
            return any(count == math.ceil(mark * self.steps) for mark in self.marks)
        return count == self.steps or count % math.ceil(self.steps / self.settings.checks) == 0


@dataclass(frozen=True)
class FitResult:
    """What came of a fit."""

    steps: int  # optimiser steps made
    score: float  # of the weights that were kept
    improved: bool  # whether they are others than those it started from


class _LearnerState(TypedDict):
    """What goes on changing while a network learns."""

    network: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    random: Tensor


class FitState(_LearnerState):
    """What is kept of a fit that is not finished: tensors and numbers, so that it can be a file."""

    kept: dict[str, Tensor]  # the weights that validation found good
    counts: tuple[float, float, bool, int, int]  # a `_Standing`


class Keeper(Protocol):
    """Keeps the state of a fit while it runs, so that a later run goes on from there."""

    def load(self, network: StepNetwork, generator: torch.Generator) -> FitState | None:
        """The state that an earlier run left of this network; None when there is none."""

    def offer(self, state: Callable[[], FitState], *, now: bool = False) -> None:
        """Keep a state if it is time to, or in any case."""


@dataclass(frozen=True)
class Hooks:
    """Who follows a fit from step to step."""

    # It is told after each step how many were made; when it raises, the state is kept first.
    on_step: Callable[[int], None] = lambda step: None
    # It is asked after each step, and before the first, whether the time for the fit is up.
    enough: Callable[[], bool] = lambda: False
    # It is offered the state after each step. A fit that goes on from one ends as if it had not
    # been interrupted, to the bit on a CPU.
    keeper: Keeper | None = None


_UNFOLLOWED = Hooks()


@dataclass
class _Standing:
    """How a fit stands; in this order it is kept."""

    score: float  # of the weights that are kept
    best: float  # of all weights that ever were
    improved: bool = False  # whether they are others than those it started from
    stale: int = 0  # validations in a row whose weights were not kept
    step: int = 0  # steps made

    def judge(self, score: float, slack: float) -> bool:
        """Count a validation; return whether its weights are kept."""
        good = score > self.best - slack and (score > 0 or self.best <= 0)
        if good:
            self.score, self.best = score, max(self.best, score)
            self.improved, self.stale = True, 0
        else:
            self.stale += 1
        return good


def _loss(
    network: StepNetwork, htr: Tensor, margin: tuple[int, int], precision: torch.dtype
) -> Tensor:
    """Mean square error (the paper's loss) away from the crop's borders."""
    k = network.factor
    ltr = expose(htr, k, network.exposure, axis=2)
    with torch.autocast(htr.device.type, precision, enabled=precision != torch.float32):
        restored = network(ltr.contiguous(memory_format=torch.channels_last_3d))
    error: Tensor = restored - htr  # (N, C, T*k, H, W)
    frames, pixels = margin[0] * k, margin[1]
    t, h, w = error.shape[2:]
    inner = error[:, :, frames : t - frames, pixels : h - pixels, pixels : w - pixels]
    return inner.square().mean()


def _optimizer(network: StepNetwork, name: str, card: bool) -> Muon | Adam | torch.optim.Adam:
    if name == "muon":
        return Muon(network.parameters())
    if card:
        return torch.optim.Adam(network.parameters(), fused=True, capturable=True)
    return Adam(network.parameters())


class _Learner:
    """A network that learns, and the running mean of its weights."""

    def __init__(
        self,
        network: StepNetwork,
        source: PairSource,
        regime: Regime,
        generator: torch.Generator,
    ) -> None:
        self._network, self._source = network, source
        self._regime, self._generator = regime, generator
        self.average = copy.deepcopy(network)
        card = source.device.type == "cuda"
        self._optimizer = _optimizer(network, regime.settings.optimizer, card)
        # These are numbers; on a card tensors, since a replayed step sees what is in them by then.
        self._rate: float | Tensor = 0.0
        self._share: float | Tensor = 0.0
        if card:
            self._rate, self._share = torch.zeros(2, device=source.device).unbind()

    def set_pace(self, step: int) -> None:
        """Set the learning rate of a step, and the share of its weights in their mean."""
        rate, share = self._regime.rate_of(step), self._regime.share_of(step)
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
        margin, precision = self._regime.settings.margin, self._regime.precision
        loss = _loss(self._network, htr, margin, precision)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        with torch.no_grad():
            for mean, now in zip(
                self.average.parameters(), self._network.parameters(), strict=True
            ):
                mean.lerp_(now, self._share)

    def load(self, state: _LearnerState) -> None:
        """Go on from a state."""
        self._network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._generator.set_state(state["random"])

    def state(self) -> _LearnerState:
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
    regime: Regime,
    generator: torch.Generator,
    score: Callable[[StepNetwork], float],
    hooks: Hooks = _UNFOLLOWED,
) -> FitResult:
    """Fit a network in place; it ends with the last weights that validation found good.

    Args:
        network: where to start from, on the device of ``source``.
        source: draws the HTR examples; their LTR halves are made here.
        regime: how long, how fast, and what is good.
        generator: the only source of randomness, on that device.
        score: validation, higher is better; asked before the first step and ``settings.checks``
            times after it. Weights are kept only while they score no worse than any before
            them, those to start from included; so a fit never makes worse.
        hooks: who follows it.

    Differs from the paper: a running mean of the weights is what is validated and kept.
    """
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    learner = _Learner(network, source, regime, generator)
    make_step = RecordedStep(learner.learn, generator)
    begun = hooks.keeper.load(network, generator) if hooks.keeper else None
    if begun is None:
        kept, first = copy.deepcopy(network.state_dict()), score(network)
        standing = _Standing(first, first)
    else:
        learner.load(begun)
        kept, standing = begun["kept"], _Standing(*begun["counts"])

    def state() -> FitState:
        return {**learner.state(), "kept": kept, "counts": astuple(standing)}

    network.train()  # whatever its first validation left it in
    over, patience = hooks.enough(), regime.settings.patience
    while standing.step < regime.steps and standing.stale < patience and not over:
        learner.set_pace(standing.step)
        make_step()
        standing.step += 1
        stopped: BaseException | None = None
        try:
            hooks.on_step(standing.step)
        except BaseException as error:  # the step is finished and kept first
            stopped = error
        over = hooks.enough()
        if over or regime.validates(standing.step):
            good = standing.judge(score(learner.average), regime.slack)
            kept = copy.deepcopy(learner.average.state_dict()) if good else kept
        if hooks.keeper:
            hooks.keeper.offer(state, now=stopped is not None)
        if stopped:
            raise stopped
    network.load_state_dict(kept)
    network.eval()
    return FitResult(standing.step, standing.score, standing.improved)
