"""Builds a network by the name of its kind."""

from __future__ import annotations

from deeptsr.config import NetworkSettings
from deeptsr.errors import OptionError
from deeptsr.networks.compact import Compact
from deeptsr.networks.paper import Paper
from deeptsr.networks.protocol import StepNetwork

__all__ = ["build"]


def build(
    settings: NetworkSettings, factor: int, exposure: str = "full", fold: int = 1
) -> StepNetwork:
    """A fresh network for one step of the climb.

    Args:
        settings: kind and size.
        factor: frames that it makes of one.
        exposure: "full" or "delta".
        fold: pixels a side that the compact network folds into channels; the paper's has none.

    Raises:
        OptionError: for an unknown kind.
    """
    if settings.kind == "compact":
        return Compact(factor, exposure, settings.channels, settings.blocks, fold)
    if settings.kind == "paper":
        return Paper(factor, exposure, settings.channels)
    raise OptionError(f"network is {settings.kind!r}; expected 'compact' or 'paper'")
