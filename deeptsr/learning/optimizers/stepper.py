"""What every optimiser of ours holds, in the form that torch's own have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch.nn import Parameter

__all__ = ["Stepper"]


class Stepper:
    """Parameters that learn, all at one rate.

    Args:
        parameters: that learn.
    """

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(parameters), "lr": 1e-3}]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or make them zero."""
        for parameter in self._parameters:
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.zero_()

    def _told(self, state: dict[int, dict[str, Any]]) -> dict[str, Any]:
        """What a later run needs to go on, of what is held of each parameter."""
        group = {"lr": self.param_groups[0]["lr"], "params": [*range(len(self._parameters))]}
        return {"state": state, "param_groups": [group]}

    @property
    def _parameters(self) -> list[Parameter]:
        parameters: list[Parameter] = self.param_groups[0]["params"]
        return parameters
