"""Fits every stage of the pyramid on an excerpt of the video, coarse to fine, each one guarded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from deeptsr.analysis.pair_mix import propose
from deeptsr.config import Options
from deeptsr.events import Listener, Progress, StageFitted, ignore
from deeptsr.imaging.resample import resize
from deeptsr.learning.checkpoints import Checkpoints
from deeptsr.learning.fit import FitResult
from deeptsr.learning.recipe import (
    averages,
    fitted_frames,
    has_network,
    network_of,
    steps_of_stage,
)
from deeptsr.learning.strategy.first_stage import fit_first
from deeptsr.learning.strategy.fitter import Fitter
from deeptsr.learning.strategy.later_stages import fit_later
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system.devices import release

__all__ = ["fit_stages"]

_INTERPOLATES = "interpolates"


def fit_stages(
    clip: Tensor,
    plan: tuple[Stage, ...],
    options: Options,
    *,
    precision: torch.dtype = torch.float32,
    on_event: Listener = ignore,
    fraction: Callable[[int, float, bool], float] = lambda stage, share, alone: 0.0,
    checkpoints: Checkpoints | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> tuple[FittedStage, ...]:
    """Fit the pyramid.

    Args:
        clip: excerpt of the video, volume (T, H, W, 3) on the device.
        plan: the stages.
        options: all settings.
        precision: of the convolutions.
        on_event: listener.
        fraction: of the whole job that is done when a stage (from 0) has made a share of its steps,
            and all pairs are from the same dimension or not.
        checkpoints: where fitted stages are found, and kept.
        enough: asked after each step whether the stage's time is up; ``fraction`` tells the step.

    Returns:
        One fitted stage for each of the plan.

    A stage starts from the weights of the one before where the shapes agree, and ends with the last
    weights that validation found good, those included; where they do not beat linear interpolation
    it interpolates. Paper section 4.2 suggests this fine-tuning and leaves it out for its cost.
    """
    fitted: list[FittedStage] = []
    previous: StepNetwork | None = None
    for number, stage in enumerate(plan):
        with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it is
            torch.manual_seed(options.seed + number)
            network = network_of(options, stage, *clip.shape[1:3]).to(clip.device)
        event = checkpoints.restore(number, network) if checkpoints else None
        if event is None and not has_network(options, number):
            event = _left_out(options, number, stage, len(plan))
            if checkpoints:
                checkpoints.save(number, network, event)
        elif event is None:
            carried = previous if previous and _same_shapes(previous, network) else None
            total, alone = steps_of_stage(options, number), number > 0 and options.pairs.alone

            def on_step(
                step: int, number: int = number, total: int = total, alone: bool = alone
            ) -> None:
                detail = f"stage {number + 1} of {len(plan)}: fitting, step {step} of {total}"
                share = fraction(number, min(1.0, step / total), alone)
                on_event(Progress(share, "fit", detail))

            began = time.monotonic()
            size = stage.size(*clip.shape[1:3])
            seen = clip[: fitted_frames(stage, size)]
            fitter = Fitter(
                options, len(seen), number, precision, on_step, clip.device, checkpoints, enough
            )
            if number == 0:
                small = resize(seen, size)
                if fitter.pairs.probe:
                    mix = propose(small, fitter.pairs)
                    on_event(mix)
                    fitter.pairs = replace(
                        fitter.pairs, within=mix.within, across=mix.across, shift=mix.shift
                    )
                result = fit_first(fitter, network, small)
            else:
                result = fit_later(fitter, network, seen, tuple(fitted), stage, carried, total)
            event = StageFitted(
                stage=number + 1,
                stages=len(plan),
                label=stage.label,
                gain_db=result.score,
                steps=fitter.made,
                seconds=time.monotonic() - began,
                outcome=_outcome(result),
                mix=(fitter.pairs.within, fitter.pairs.across, fitter.pairs.shift),
                curve=tuple(fitter.curve),
                aliased=fitter.aliased,
            )
            if checkpoints:
                checkpoints.save(number, network, event)
            release()
        if number == 0:  # the others follow from what the first one chose, or was restored with
            within, across, shift = event.mix
            mixed = replace(options.pairs, within=within, across=across, shift=shift)
            if event.aliased:
                mixed = mixed.if_alone or mixed.shortened
            options = replace(options, pairs=mixed)
        on_event(event)
        share = fraction(number, 1.0, options.pairs.alone)
        on_event(Progress(share, "fit", f"stage {number + 1} of {len(plan)}: done"))
        usable = event.outcome != _INTERPOLATES
        ensemble = averages(options, number)
        # A motion that is aliased is aliased anew by the later camera, and blurred by the mean.
        refilmed = options.pyramid.ensemble and not options.pairs.alone
        fitted.append(FittedStage(stage, network.eval() if usable else None, ensemble, refilmed))
        previous = network if usable else previous
    return tuple(fitted)


def _left_out(options: Options, number: int, stage: Stage, stages: int) -> StageFitted:
    mix = (options.pairs.within, options.pairs.across, options.pairs.shift)
    return StageFitted(number + 1, stages, stage.label, 0.0, 0, 0.0, _INTERPOLATES, mix, ())


def _outcome(result: FitResult) -> str:
    if result.score <= 0:
        return _INTERPOLATES
    return "fitted" if result.improved else "kept the previous stage's weights"


def _same_shapes(one: StepNetwork, other: StepNetwork) -> bool:
    shapes = [{k: v.shape for k, v in n.state_dict().items()} for n in (one, other)]
    return shapes[0] == shapes[1]
