"""The networks, behind one small protocol: see :class:`StepNetwork`."""

from deeptsr.networks.classifier import Classifier
from deeptsr.networks.compact import Compact
from deeptsr.networks.moments import MomentNetwork
from deeptsr.networks.paper import Paper
from deeptsr.networks.protocol import Request, StepNetwork
from deeptsr.networks.registry import build, build_teachable, taken_over

__all__ = [
    "Classifier",
    "Compact",
    "MomentNetwork",
    "Paper",
    "Request",
    "StepNetwork",
    "build",
    "build_teachable",
    "taken_over",
]
