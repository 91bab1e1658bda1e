"""How a finer stage is fitted: fine-tuned, or anew where motion is aliased."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from deeptsr.imaging.exposure import of_step
from deeptsr.imaging.resample import resize
from deeptsr.learning.fit import FitResult
from deeptsr.learning.recipe import LATER_ROUNDS
from deeptsr.learning.strategy import evidence
from deeptsr.learning.strategy.fitter import Fitter, Snapshot
from deeptsr.learning.strategy.rounds import (
    SLOW,
    SOME,
    fit_translations,
    go_back_to_translations,
    go_rounds,
)
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream

__all__ = ["fit_later"]


def fit_later(
    fitter: Fitter,
    network: StepNetwork,
    clip: Tensor,
    below: tuple[FittedStage, ...],
    stage: Stage,
    carried: StepNetwork | None,
    steps: int,
) -> FitResult:
    """Fit a finer stage, on the video itself and on what was made of it so far.

    The frames of the first are true, and at the size taken here, down the diagonal of figure 7, its
    motion in pixels a frame is that of the task; the second has the task's size and blur.

    Where all pairs of the first stage are from the same dimension, motion is aliased in the first
    clip and in all that can be cut from the second, but not in the second itself: there it goes the
    shortest way. So the stage is fitted anew, on the second alone and on frames of it in
    translation, in rounds as the first one; where that goes the long way round, on translations
    alone. It is judged not by held-out frames but by whether it agrees with itself and goes the
    shortest way.
    """
    estimate = _estimate(fitter, clip, below, stage)
    if fitter.pairs.alone:
        return _fit_anew(fitter, network, estimate)
    slow = Stage(stage.scale / stage.factor_before, 1, 1).size(*clip.shape[1:3])
    examples = [estimate]
    # Where it is another exposure, frames of the clip do not touch yet.
    if of_step(fitter.exposure, stage.factor_before) == fitter.exposure:
        examples.insert(0, resize(clip, slow).clamp(0, 1))
    rate = None
    if carried:
        network.load_state_dict(carried.state_dict())
        rate = fitter.settings.finetune_rate
    return fitter(network, examples, examples, steps, rate=rate, name="fine-tuning")


def _fit_anew(fitter: Fitter, network: StepNetwork, estimate: Tensor) -> FitResult:
    """Fit a later stage of a video whose motion is aliased, in one way or two."""
    begun, alone = Snapshot(fitter, network), fitter.pairs
    fitter.pairs = replace(alone, shift=SOME * alone.within, speeds=SLOW)
    result = fitter(
        network, [estimate], [estimate], fitter.settings.steps, name="some translations"
    )
    rounds = min(LATER_ROUNDS, fitter.settings.bootstrap_rounds)
    steps = fitter.settings.bootstrap_steps
    result, found = go_rounds(fitter, network, estimate, result, rounds, steps, evidence.goes_wrong)
    if evidence.goes_wrong(found):
        go_back_to_translations(fitter, begun)
        result = fit_translations(fitter, network, estimate)
        found = evidence.agreement(fitter, network, estimate)
    return replace(result, score=0.0 if evidence.goes_wrong(found) else found.gain_db)


def _estimate(fitter: Fitter, clip: Tensor, below: tuple[FittedStage, ...], stage: Stage) -> Tensor:
    """Make of a clip what a stage is given: (T * done, H, W, 3) at its size."""
    made = torch.empty(len(clip) * stage.factor_before, *stage.size(*clip.shape[1:3]), 3).to(clip)
    chunk, done = max(1, fitter.voxels * len(clip) // made[..., 0].numel()), 0
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
        made[done : done + len(part)] = part
        done += len(part)
    return made.clamp_(0, 1)
