"""Builds a network by its name."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from deeptsr.config import NetworkSettings
from deeptsr.errors import OptionError
from deeptsr.networks.compact import Compact
from deeptsr.networks.fusion import Fusion
from deeptsr.networks.moments import MomentNetwork
from deeptsr.networks.paper import Paper
from deeptsr.networks.protocol import StepNetwork
from deeptsr.networks.recurrent import Recurrent

__all__ = ["build", "build_teachable", "taken_over"]

_Builder = Callable[[NetworkSettings, int, str, int], StepNetwork]
_BUILDERS: dict[str, _Builder] = {
    "compact": lambda s, factor, exposure, fold: Compact(
        factor, exposure, s.channels, s.blocks, fold
    ),
    "fusion": lambda s, factor, exposure, fold: Fusion(
        factor, exposure, s.channels, s.blocks, fold
    ),
    "recurrent": lambda s, factor, exposure, fold: Recurrent(
        factor, exposure, s.channels, s.blocks, fold
    ),
    "paper": lambda s, factor, exposure, fold: Paper(factor, exposure, s.channels),
}


def build(
    settings: NetworkSettings, factor: int, exposure: str = "full", fold: int = 1
) -> StepNetwork:
    """A fresh network for one step of the climb.

    Args:
        settings: name and size.
        factor: frames that it makes of one.
        exposure: "full" or "delta".
        fold: pixels a side that are folded into channels; the paper's network folds none.

    Raises:
        OptionError: for an unknown name.
    """
    if settings.kind not in _BUILDERS:
        known = " or ".join(map(repr, _BUILDERS))
        raise OptionError(f"network is {settings.kind!r}; expected {known}")
    return _BUILDERS[settings.kind](settings, factor, exposure, fold)


def build_teachable(
    settings: NetworkSettings, factor: int, exposure: str = "full", fold: int = 1
) -> MomentNetwork:
    """The same for a prior, which serves steps of any size.

    Raises:
        OptionError: for a network whose weights depend on the step.
    """
    network = build(settings, factor, exposure, fold)
    if not isinstance(network, MomentNetwork):
        raise OptionError(
            f"network is {settings.kind!r}, whose weights depend on the step; expected one that "
            "serves steps of any size, such as 'compact': no other has a prior"
        )
    return network


def taken_over(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A network's weights, with those of another one in the place of what both have in common.

    Of ``fusion`` and ``recurrent``, what they share with ``compact``: a fresh one makes then what
    the compact network makes without its last block.

    Args:
        network: that starts.
        state: weights of one that has learnt.
    """
    own: dict[str, Tensor] = network.state_dict()
    alike = {
        name: weights
        for name, weights in state.items()
        if name in own and own[name].shape == weights.shape
    }
    return {**own, **alike}
