"""Random choices of a renderer, all from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

__all__ = ["Dice"]

T = TypeVar("T")


class Dice:
    """Numbers from a generator of its own: the same seed gives the same clip."""

    def __init__(self, seed: int, pictures: Sequence[Tensor] = ()) -> None:
        self.pictures = pictures  # that surfaces may be taken from
        self._generator = torch.Generator().manual_seed(seed)

    def between(self, low: float, high: float) -> float:
        """A number between two others."""
        return low + (high - low) * torch.rand((), generator=self._generator).item()

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in a share of all cases."""
        return self.between(0, 1) < share

    def sign(self) -> int:
        """1 or -1."""
        return 1 if self.chance(0.5) else -1

    def whole(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return int(torch.randint(low, high + 1, (), generator=self._generator))

    def choose(self, things: Sequence[T], weights: Sequence[float]) -> T:
        """One of some things, each as likely as its weight says."""
        odds = torch.tensor(weights, dtype=torch.float64)
        return things[int(torch.multinomial(odds, 1, generator=self._generator))]

    def normal(self, *shape: int) -> Tensor:
        """Independent numbers of mean 0 and deviation 1."""
        return torch.randn(*shape, generator=self._generator)

    def uniform(self, *shape: int) -> Tensor:
        """Independent numbers in [0, 1)."""
        return torch.rand(*shape, generator=self._generator)
