"""The attempts that both strategies share: on the own result; on translations."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from deeptsr.learning.fit import FitResult
from deeptsr.learning.strategy import bounds, evidence
from deeptsr.learning.strategy.fitter import Fitter, Snapshot
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.predict import predict

__all__ = [
    "ROUND",
    "SLOW",
    "SOME",
    "fit_moved",
    "fit_translations",
    "go_back_to_translations",
    "go_rounds",
]

_SPEEDS = (1, 2, 4, 8)  # pixels a frame, of frames in translation where a stage has no others
SLOW = (1, 2, 4)  # the same, beside others,
SOME = 3 / 7  # and how many of them for each of those
ROUND = 160  # steps of a round of the first stage where all motion is aliased, at most: in longer
# ones it learns to go by how things seem to move (measurements.md)


def fit_moved(fitter: Fitter, network: StepNetwork, clip: Tensor) -> FitResult:
    """Fit on frames in translation alone, which held-out frames, means of several, misjudge."""
    result = fit_translations(fitter, network, clip)
    return replace(result, score=evidence.agreement(fitter, network, clip).gain_db)


def fit_translations(fitter: Fitter, network: StepNetwork, clip: Tensor) -> FitResult:
    """Fit on frames in translation alone; the last weights are kept."""
    settings = fitter.settings
    steps = settings.steps + settings.bootstrap_rounds * settings.bootstrap_steps
    return fitter(network, [clip], [], steps, slack=math.inf, name="translations")


def go_back_to_translations(fitter: Fitter, begun: Snapshot) -> None:
    """Begin again, with frames in translation alone."""
    begun.restore()
    fitter.pairs = replace(fitter.pairs, within=0.0, across=0.0, shift=1.0, speeds=_SPEEDS)


def go_rounds(
    fitter: Fitter,
    network: StepNetwork,
    clip: Tensor,
    result: FitResult,
    rounds: int,
    steps: int,
    hopeless: Callable[[evidence.Agreement], bool] = lambda found: False,
) -> tuple[FitResult, evidence.Agreement]:
    """Fit on, on the network's own result, too, until it agrees with itself.

    The result holds frame rates between those of the input: the mean of 3 of its frames has seen
    3/2 of an input frame's time. Where a motion is aliased at every multiple of the input's rate,
    only these tell its true direction. Held-out frames do not: what agrees best with itself is
    kept.
    """
    best = evidence.Agreement(-math.inf, 0.0, math.inf, 0.0)
    kept = network.state_dict()
    for number in range(1, rounds + 1):
        shown, slack = [clip], bounds.LOOSE
        if number > 1:  # by then it shows which way things turn
            shown.append(predict(network, clip, precision=fitter.precision).clamp(0, 1))
            slack = math.inf
        again = fitter(network, shown, [clip], steps, slack=slack, name=f"round {number}")
        found = evidence.agreement(fitter, network, clip)
        if found.removed >= best.removed:
            best, kept = found, copy.deepcopy(network.state_dict())
            result = FitResult(again.steps, again.score, result.improved or again.improved)
        if found.share >= bounds.SETTLED or (number > 1 and hopeless(found)):
            break
    network.load_state_dict(kept)
    return result, best
