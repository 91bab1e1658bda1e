"""Fits of two stages in a few steps, and checkpoints in memory."""

import copy
from dataclasses import replace
from fractions import Fraction

from deeptsr.config import FitSettings
from deeptsr.events import StageFitted
from deeptsr.learning.stages import fit_stages
from deeptsr.pyramid.plan import Stage
from tests.helpers.synth import FIT, tiny

FULL, HALF = Fraction(1), Fraction(1, 2)


TWO = (Stage(HALF, 2, 1), Stage(FULL, 2, 2))


LAZY = replace(FIT, learning_rate=1e-30)  # no step moves any weight


BRISK = FitSettings(
    steps=70, finetune_steps=10, learning_rate=5e-3, warmup=10, checks=4, patience=4
)


class Shelf:
    """Checkpoints in memory."""

    def __init__(self):
        self.kept = {}
        self.started = {}

    def load_partial(self, part):
        return copy.deepcopy(self.started.get(part))

    def save_partial(self, part, state):
        self.started[part] = copy.deepcopy(state)

    def restore(self, number, network):
        weights, event = self.kept.get(number, (None, None))
        if weights is not None:
            network.load_state_dict(weights)
        return event

    def save(self, number, network, event):
        weights = {name: value.clone() for name, value in network.state_dict().items()}
        self.kept[number] = (weights, event)


def fitted(clip, stages=TWO, options=None, **settings):
    """The stages, and all that was told on the way."""
    told = []
    made = fit_stages(clip, stages, options or tiny(), on_event=told.append, **settings)
    return made, told


def outcomes(told):
    return [event for event in told if isinstance(event, StageFitted)]
