"""One step of teaching a prior, down a weighted error; and how one that was left goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from deeptsr.config import PretrainSettings
from deeptsr.errors import InputError
from deeptsr.learning.optimizers.muon import Muon

__all__ = ["Optimizer", "damaged_told", "descend", "optimizer_of"]

Optimizer = Muon | torch.optim.Optimizer


def optimizer_of(learner: nn.Module, settings: PretrainSettings) -> Optimizer:
    """What teaches a network, before its first step."""
    parameters = learner.parameters()
    return Muon(parameters) if settings.optimizer == "muon" else torch.optim.Adam(parameters)


def descend(
    optimizer: Optimizer,
    loss: Tensor,
    network: nn.Module,
    average: nn.Module,
    settings: PretrainSettings,
    progress: tuple[int, int],
) -> None:
    """Make a step, at a rate that warms up and then falls to zero as a cosine does.

    Args:
        optimizer: of the parameters that learn.
        loss: a number.
        network: whose weights are averaged.
        average: their running mean, changed in place.
        settings: rate, warm-up, bound of the gradient, decay of the mean.
        progress: steps that are made, and steps in all.
    """
    step, steps = progress
    rate = settings.peak * min(1.0, (step + 1) / settings.warmup)
    for group in optimizer.param_groups:
        group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    learning = [p for group in optimizer.param_groups for p in group["params"]]
    nn.utils.clip_grad_norm_(learning, settings.clip_gradient)
    optimizer.step()
    share = 1 - min(settings.averaging, (step + 1) / (step + 11))
    with torch.no_grad():
        for mean, now in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, share)


@contextmanager
def damaged_told() -> Iterator[None]:
    """Take up what an earlier call kept of a teaching.

    Raises:
        InputError: when it is damaged.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(
            "what an earlier call kept is damaged; expected a whole state; begin anew (--no-resume)"
        ) from error
