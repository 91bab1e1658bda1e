"""Adam on a CPU, without what torch's own loads on first use: two seconds, and 70 MB of memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from deeptsr.learning.optimizers.stepper import Stepper

__all__ = ["Adam"]

_BETAS = (0.9, 0.999)  # of the running means of the gradient and of its square
_EPS = 1e-8
_NAMES = ("step", "exp_avg", "exp_avg_sq")  # of what is held of a parameter


class Adam(Stepper):
    """The steps of ``torch.optim.Adam`` with its defaults, to the bit, and its state's form.

    That one imports torch's compiler when it begins, though nothing is compiled, and the compiler
    imports eight hundred modules.

    Args:
        parameters: that learn, real and on the CPU.
    """

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        super().__init__(parameters)
        self._state: dict[int, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Make a step at the group's rate; parameters without a gradient stay as they are."""
        rate = self.param_groups[0]["lr"]
        for number, parameter in enumerate(self._parameters):
            gradient = parameter.grad
            if gradient is None:
                continue
            if number not in self._state:
                self._state[number] = _begun(parameter)
            held = self._state[number]
            held["step"] += 1
            count, mean, square = held["step"].item(), held["exp_avg"], held["exp_avg_sq"]
            mean.lerp_(gradient, 1 - _BETAS[0])
            square.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
            # In torch's order, so that every rounding is the same.
            of_mean, of_square = (1 - beta**count for beta in _BETAS)
            root = (square.sqrt() / of_square**0.5).add_(_EPS)
            parameter.addcdiv_(mean, root, value=-(rate / of_mean))

    def state_dict(self) -> dict[str, Any]:
        """What a later run needs to go on."""
        return self._told(self._state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state, this one's or that of torch's own."""
        self._state = {
            int(number): {name: held[name].detach().clone() for name in _NAMES}
            for number, held in state["state"].items()
        }


def _begun(parameter: Tensor) -> dict[str, Tensor]:
    """What is known of a parameter before its first step."""
    means = (torch.zeros_like(parameter, memory_format=torch.preserve_format) for _ in _BETAS)
    return dict(zip(_NAMES, (torch.tensor(0.0), *means), strict=True))
