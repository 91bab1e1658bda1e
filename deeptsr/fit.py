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
from deeptsr.exposure import expose
from deeptsr.networks import StepNetwork
from deeptsr.pairs import PairSource
from deeptsr.volume import to_network

__all__ = ["FitResult", "Keeper", "fit"]


@dataclass(frozen=True)
class FitResult:
    """What came of a fit."""

    steps: int  # optimiser steps made
    score: float  # of the weights that were kept
    improved: bool  # whether they are others than those it started from


class Keeper(Protocol):
    """Keeps the state of a fit while it runs, so that a later run goes on from there."""

    def load(self) -> dict[str, Any] | None:
        """The state that an earlier run left; None when there is none."""

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
    average = copy.deepcopy(network)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, fused=source.device.type == "cuda"
    )
    begun = keeper.load() if keeper else None
    if begun is None:
        kept, kept_score = copy.deepcopy(network.state_dict()), score(network)
        top, improved, stale, step = kept_score, False, 0, 0
    else:
        network.load_state_dict(begun["network"])
        average.load_state_dict(begun["average"])
        optimizer.load_state_dict(begun["optimizer"])
        generator.set_state(begun["random"])
        kept = begun["kept"]
        kept_score, top, improved, stale, step = begun["counts"]

    def state() -> dict[str, Any]:
        return {
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "random": generator.get_state(),
            "kept": kept,
            "counts": (kept_score, top, improved, stale, step),
        }

    peak = settings.learning_rate if rate is None else rate
    interval = max(1, math.ceil(steps / settings.checks))
    over = enough()
    while step < steps and stale < settings.patience and not over:
        for group in optimizer.param_groups:
            group["lr"] = _rate(settings, peak, step, steps)
        step += 1
        htr = to_network(source.draw(generator))  # (N, C, T*k, H, W)
        loss = _loss(network, htr, settings.margin, precision)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        decay = min(settings.averaging, step / (step + 10))
        with torch.no_grad():
            for mean, now in zip(average.parameters(), network.parameters(), strict=True):
                mean.lerp_(now, 1 - decay)
        stopped: BaseException | None = None
        try:
            on_step(step)
        except BaseException as error:  # the step is finished and kept first
            stopped = error
        over = enough()
        if step % interval == 0 or step == steps or over:
            found = score(average)
            if found > top - slack and (found > 0 or top <= 0):
                kept, kept_score, stale = copy.deepcopy(average.state_dict()), found, 0
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
