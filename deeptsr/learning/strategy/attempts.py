"""What a stage does: it takes what is known, adapts it to the video, and keeps what is better.

====================  ==============================  ===========================================
attempt               learns from                     kept where
====================  ==============================  ===========================================
from nothing          the video's own pairs           held-out frames say that it gained
as known              an expert of the prior, or the  no adapted one agrees more with itself
                      stage before
adapted               the same pairs, from there;     it agrees more with itself, or as much,
                      none, where a specialist        and restores held-out frames better
                      leads, few, where they promise
                      nothing
any                                                   it changes what can be seen; else the stage
                                                      interpolates
====================  ==============================  ===========================================

An adapted network is a mean of what was known and of what the video's own pairs made of it: of some
such means the one whose result on the video agrees most with itself, if it keeps at least half of
what was known: pairs of a fast rotation teach its apparent way, and that agrees with itself.
Held-out frames are a slower camera's, to which a fast motion looks otherwise: they choose, at the
size at which they move alike, among means that agree as much; alone they ask for too much.

Where a specialist takes a part, he stays as he is: the video's own pairs teach him nothing, and
cost him much of what he knows (trials.md).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from deeptsr.imaging.exposure import of_step
from deeptsr.imaging.resample import resize
from deeptsr.learning.prior import State
from deeptsr.learning.strategy.bounds import ALIKE, KEPT, UNSEEN
from deeptsr.learning.strategy.evidence import Evidence, examine, look
from deeptsr.learning.strategy.fitter import StageFitter
from deeptsr.learning.strategy.start import Start
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream

__all__ = [
    "FITTED",
    "INTERPOLATES",
    "KNOWN",
    "StageResult",
    "approach",
    "attempt",
    "examples_of",
]

FITTED, KNOWN, INTERPOLATES = "fitted", "as known", "interpolates"
_SHARES = (0.25, 0.5, 0.75, 1.0)  # of what the video taught, in the means that are tried
_LITTLE = (0.25,)  # the same when a fit has begun
_ALL = (1.0,)  # the same where another video's fit was the start


@dataclass(frozen=True)
class StageResult:
    """What became of a stage's network."""

    outcome: str  # FITTED, KNOWN or INTERPOLATES
    gain_db: float  # over linear interpolation, on held-out frames
    evidence: Evidence | None  # None: not looked at
    learned: float = 1.0  # share of what the video taught
    special: bool = False  # whether a specialist takes a part


def attempt(
    fitter: StageFitter,
    network: StepNetwork,
    examples: list[Tensor],
    steps: int,
    *,
    start: Start | None,
) -> StageResult:
    """Fit a stage's network in place.

    Args:
        fitter: of the stage.
        network: where to start from.
        examples: volumes that pairs are cut from; the last one is what the stage is to take.
        steps: optimiser steps.
        start: what it knows: see :func:`start_from`; None: nothing.
    """
    clip = examples[-1]
    if start is None:
        fitted = fitter.fit(network, examples, steps, known=False)
        evidence = examine(network, clip, fitter.precision)
        good = fitted.score > 0 and evidence.change >= UNSEEN
        return StageResult(FITTED if good else INTERPOLATES, fitted.score, evidence)
    evidence, share, known = start.evidence, 0.0, start.made
    if steps and not start.leads:
        before, agreed = copy.deepcopy(network.state_dict()), evidence.agreement

        def promising(begun: StepNetwork) -> bool:
            """Whether a little of what it learnt agrees more, or suits held-out frames."""
            little = copy.deepcopy(begun)
            ((_, now),) = _means(little, before, _LITTLE, clip, known, fitter.precision)
            error = fitter.error_of_slower(little, clip)
            little.load_state_dict(before)
            better = error < fitter.error_of_slower(little, clip)
            return better or now.agreement > agreed

        fit = fitter.fit(network, examples, steps, known=True, promising=promising)
        if fit.improved:
            evidence, share = _best_mean(network, before, _SHARES, evidence, clip, known, fitter)
    gain = _gain(fitter, network, examples, share)
    special = start.special is not None
    if evidence.change < UNSEEN and not special:
        return StageResult(INTERPOLATES, 0.0, evidence, share)
    return StageResult(FITTED if share else KNOWN, gain, evidence, share, special)


def approach(fitter: StageFitter, network: StepNetwork, clip: Tensor, steps: int) -> StageResult:
    """Bring a network that was fitted to another video nearer to this one, in place.

    All of what it learns is kept, or nothing, as of a fit of its own: more means would take longer.

    Args:
        fitter: of the stage.
        network: where to start from.
        clip: that the stage is to take, volume (T, H, W, 3).
        steps: optimiser steps.
    """
    known, share = look(network.eval(), clip, fitter.precision), 0.0
    evidence = examine(network, clip, fitter.precision, made=known)
    if steps:
        before = copy.deepcopy(network.state_dict())
        fitter.fit(network, [clip], steps, known=True)
        evidence, share = _best_mean(network, before, _ALL, evidence, clip, known, fitter)
    gain = _gain(fitter, network, [clip], share)
    return StageResult(FITTED if share else KNOWN, gain, evidence, share)


def _gain(fitter: StageFitter, network: StepNetwork, examples: list[Tensor], share: float) -> float:
    """Over linear interpolation on held-out frames, dB, which a fit tells where it begins and ends.

    Args:
        fitter: of the stage.
        network: that is kept.
        examples: see :func:`attempt`.
        share: of what it learnt that it keeps.
    """
    when = {0.0: 0, 1.0: fitter.steps_made}.get(share)
    told = [gain for _, steps, gain in fitter.curve if steps == when]
    return told[-1] if told else fitter.gain(network, examples)


def _means(
    network: StepNetwork,
    before: State,
    shares: tuple[float, ...],
    clip: Tensor,
    known: Tensor,
    precision: torch.dtype,
) -> Iterator[tuple[float, Evidence]]:
    """Make a network means of what it was and of what it learnt, and look at each."""
    learned = copy.deepcopy(network.state_dict())
    for share in shares:
        mean = {name: torch.lerp(old, learned[name], share) for name, old in before.items()}
        network.load_state_dict(mean)
        yield share, examine(network, clip, precision, known)


def _best_mean(
    network: StepNetwork,
    before: State,
    shares: tuple[float, ...],
    evidence: Evidence,
    clip: Tensor,
    known: Tensor,
    fitter: StageFitter,
) -> tuple[Evidence, float]:
    """Make a network the mean of what it was and of what it learnt that is best.

    Args:
        network: that learnt.
        before: what it was.
        shares: of what it learnt, in the means.
        evidence: what its result said before.
        clip: that the stage is to take, volume (T, H, W, 3).
        known: what it made of that before (:func:`look`).
        fitter: of the stage.

    Returns:
        What its result says, and the share of what was learnt.
    """
    found = [
        (fitter.error_of_slower(network, clip), share, now, copy.deepcopy(network.state_dict()))
        for share, now in _means(network, before, shares, clip, known, fitter.precision)
        if now.kept > KEPT
    ]
    network.load_state_dict(before)
    found.insert(0, (fitter.error_of_slower(network, clip), 0.0, evidence, before))
    least = min(1 - now.agreement for _, _, now, _ in found)
    alike = [each for each in found if 1 - each[2].agreement <= ALIKE * least]
    _, share, evidence, weights = min(alike, key=lambda each: each[0])
    network.load_state_dict(weights)
    return evidence, share


def examples_of(
    fitter: StageFitter, clip: Tensor, below: tuple[FittedStage, ...], stage: Stage
) -> list[Tensor]:
    """The volumes that a stage learns from; the last one is what it is to take.

    The coarsest stage has the video itself at its size. A finer one has two: the video as small as
    its motion is that of the task, in pixels a frame (down the diagonal of figure 7), whose frames
    are true; and what the stages below made of it, which has the task's size and blur.
    """
    if stage.factor_before == 1:
        return [resize(clip, stage.size(*clip.shape[1:3])).clamp(0, 1)]
    examples = [_estimate(fitter, clip, below, stage)]
    if (
        of_step(fitter.exposure, stage.factor_before) == fitter.exposure
    ):  # else its frames do not touch yet
        slow = Stage(stage.scale / stage.factor_before, 1, 1).size(*clip.shape[1:3])
        examples.insert(0, resize(clip, slow).clamp(0, 1))
    return examples


def _estimate(
    fitter: StageFitter, clip: Tensor, below: tuple[FittedStage, ...], stage: Stage
) -> Tensor:
    """Make of a clip what a stage is given: (T * done, H, W, 3) at its size."""
    size = stage.size(*clip.shape[1:3])
    estimate = torch.empty(len(clip) * stage.factor_before, *size, 3).to(clip)
    chunk, done = max(1, fitter.voxels * len(clip) // estimate[..., 0].numel()), 0
    for part in stream(
        below,
        clip,
        len(clip),
        chunk,
        exposure=fitter.exposure,
        rounds=fitter.rounds,
        precision=fitter.precision,
        scale=stage.scale,
    ):
        estimate[done : done + len(part)] = part
        done += len(part)
    return estimate.clamp_(0, 1)
