"""Climbs of a few stages, by name."""

from fractions import Fraction

import pytest

from deeptsr.config import NETWORKS, NetworkSettings
from deeptsr.imaging.exposure import nearest, of_step
from deeptsr.networks import build
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.synth import wake

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)


# By name: (scale, step, network's kind or None for interpolation, fold) of each stage.
CLIMBS = {
    "interpolating": ((QUARTER, 2, None, 1), (HALF, 2, None, 1), (Fraction(1), 2, None, 1)),
    "compact": ((HALF, 2, "compact", 1), (Fraction(1), 2, "compact", 2)),
    "mixed": ((QUARTER, 3, "compact", 1), (HALF, 2, None, 1)),
    "paper": ((HALF, 2, "paper", 1), (Fraction(1), 3, "compact", 1)),
    "full size": ((Fraction(1), 2, None, 1), (Fraction(1), 2, "compact", 1)),
}
CLIMBS |= {
    kind: ((HALF, 2, kind, 1), (Fraction(1), 2, kind, 2)) for kind in NETWORKS if kind not in CLIMBS
}


every = pytest.mark.parametrize("name", CLIMBS)


def every_with(names, cases, recurrent):
    """All climbs with all cases; of the one that takes ten times as long, some."""
    parameters = [
        (name, *(case if isinstance(case, tuple) else (case,)))
        for name in CLIMBS
        for case in (recurrent if name == "recurrent" else cases)
    ]
    return pytest.mark.parametrize(f"name, {names}", parameters)


def shutter(name, exposure):
    """An open share as near as the climb can be exact for."""
    steps = [step for _, step, _, _ in CLIMBS[name]]
    return exposure if isinstance(exposure, str) else nearest(exposure, steps)


def fitted(name, exposure="full", awake=True):
    stages, done = [], 1
    for number, (scale, step, kind, fold) in enumerate(CLIMBS[name]):
        network = None
        if kind:
            step_exposure = of_step(exposure, done)
            network = build(NetworkSettings(kind, 4, 1), step, step_exposure, fold).eval()
            network = wake(network, number) if awake else network
        stages.append(FittedStage(Stage(scale, step, done), network))
        done *= step
    return tuple(stages), done
