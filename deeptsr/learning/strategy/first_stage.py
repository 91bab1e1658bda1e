"""How the coarsest stage is fitted: choose a mix, go on, fall back."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from deeptsr.config import PairSettings
from deeptsr.learning.fit import FitResult
from deeptsr.learning.strategy import bounds, evidence
from deeptsr.learning.strategy.fitter import Fitter, Snapshot
from deeptsr.learning.strategy.rounds import ROUND, fit_moved, go_back_to_translations, go_rounds
from deeptsr.networks import StepNetwork

__all__ = ["fit_first"]

_GIVEN = "given mix"


def fit_first(fitter: Fitter, network: StepNetwork, clip: Tensor) -> FitResult:
    """Fit the coarsest stage: choose the mix of pairs, then go on with it."""
    clip, mixed = clip.clamp(0, 1), fitter.pairs
    if mixed.moved:
        return fit_moved(fitter, network, clip)
    begun = Snapshot(fitter, network)
    if mixed.if_alone:
        result = _choose(fitter, network, clip, mixed.if_alone)
    else:
        result = fitter(network, [clip], [clip], fitter.settings.steps, name=_GIVEN)
    result = _go_on(fitter, network, clip, result)
    if mixed.probe and result.score > 0 and evidence.strays(fitter, network, clip):
        go_back_to_translations(fitter, begun)
        return fit_moved(fitter, network, clip)
    if evidence.changed(fitter, network, evidence.judged(clip)).max() < bounds.LEVEL**2:
        return replace(result, score=0.0)
    return result


def _choose(fitter: Fitter, network: StepNetwork, clip: Tensor, alone: PairSettings) -> FitResult:
    """Fit with the given mix or, where motion is aliased, on the same dimension alone.

    Pairs of swapped dimensions help most videos, and mislead where motion is aliased (section 5.1).
    Then a network does with the video next to nothing of what it does with its slower version, of
    which the pairs are: it looks so different.
    """
    begun = Snapshot(fitter, network)
    result = fitter(network, [clip], [clip], fitter.settings.steps, name=_GIVEN)
    if not evidence.shy(fitter, network, clip, bounds.SHY):
        return result
    begun.restore()  # so that it goes on as if it had had no rival
    fitter.pairs, fitter.aliased = alone.shortened, True
    return fitter(network, [clip], [clip], fitter.settings.steps, name="same dimension alone")


def _go_on(fitter: Fitter, network: StepNetwork, clip: Tensor, result: FitResult) -> FitResult:
    """Fit on; where all pairs are from the same dimension, on the network's own result, too."""
    rounds, steps = fitter.settings.bootstrap_rounds, fitter.settings.bootstrap_steps
    if not rounds:
        return result
    if fitter.pairs.alone:
        result, found = go_rounds(fitter, network, clip, result, rounds, min(ROUND, steps))
        unsure = fitter.aliased and found.share < bounds.SURE
        return replace(result, score=0.0) if unsure else result
    begun, mixed = Snapshot(fitter, network), fitter.pairs
    probed = mixed.probe and mixed.shift > 0

    def doubt(candidate: StepNetwork) -> bool:
        return probed and evidence.shy(fitter, candidate, clip, bounds.TORN)

    total = rounds * steps
    again = fitter(network, [clip], [clip], total, slack=bounds.LOOSE, name="round 1", doubt=doubt)
    if again.doubted:  # translations of a still frame say that nothing is aliased
        begun.restore()
        fitter.aliased = True
        fitter.pairs = replace(mixed, across=mixed.across + mixed.shift, shift=0.0)
        again = fitter(
            network, [clip], [clip], total, slack=bounds.LOOSE, name="without translations"
        )
    return FitResult(again.steps, again.score, result.improved or again.improved)
