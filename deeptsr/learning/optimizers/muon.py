"""Muon: steps whose size is alike in all directions of a layer's weights (Jordan et al., 2024)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from deeptsr.learning.optimizers.stepper import Stepper

__all__ = ["Muon"]

_MOMENTUM = 0.9  # decay of the running mean of the gradient
_QUINTIC = (3.4445, -4.7750, 2.0315)  # published: five rounds bring singular values to 0.7 .. 1.2
_ROUNDS = 5


class Muon(Stepper):
    """Goes down the running mean of each layer's gradient, made orthogonal.

    A gradient, as a matrix of outputs by all that each is made of, has a few large singular values,
    and steps of Adam hardly go along the others. Here all are made alike, by a polynomial that
    takes few products of small matrices (Newton-Schulz). So a short fit learns more with each step
    (docs/trials.md, "Muon for Adam"). A step changes weights by about the rate, in the root mean
    square.

    torch's own takes matrices alone, and imports torch's compiler when it begins.

    Args:
        parameters: that learn, real, of any shape; one of one dimension is a matrix of one row.
    """

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        super().__init__(parameters)
        self._means: dict[int, Tensor] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Make a step at the group's rate; parameters without a gradient stay as they are."""
        rate = self.param_groups[0]["lr"]
        for number, parameter in enumerate(self._parameters):
            gradient = parameter.grad
            if gradient is None:
                continue
            if number not in self._means:
                self._means[number] = torch.zeros_like(gradient)
            mean = self._means[number].lerp_(gradient, 1 - _MOMENTUM)
            ahead = gradient.lerp(mean, _MOMENTUM)  # Nesterov
            matrix = _orthogonal(ahead.flatten(1) if ahead.dim() > 1 else ahead.reshape(1, -1))
            longest = max(matrix.shape)
            parameter.sub_(matrix.reshape(parameter.shape) * (rate * longest**0.5))

    def state_dict(self) -> dict[str, Any]:
        """What a later run needs to go on."""
        return self._told({number: {"mean": mean} for number, mean in self._means.items()})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._means = {
            int(number): held["mean"].detach().clone() for number, held in state["state"].items()
        }


def _orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with singular values that are all about 1, and the same singular vectors."""
    wide: Tensor = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-12)
    first, third, fifth = _QUINTIC
    for _ in range(_ROUNDS):
        square: Tensor = wide @ wide.T
        wide = first * wide + (third * square + fifth * square @ square) @ wide
    return wide if wide.shape == matrix.shape else wide.T
