"""The networks, behind one small protocol: see :class:`StepNetwork`."""

from deeptsr.networks.compact import Compact
from deeptsr.networks.paper import Paper
from deeptsr.networks.protocol import StepNetwork
from deeptsr.networks.registry import build

__all__ = ["Compact", "Paper", "StepNetwork", "build"]
