"""Fits every stage of the pyramid on an excerpt of the video, coarse to fine, each one guarded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deeptsr.analysis.pair_mix import propose
from deeptsr.config import Options
from deeptsr.events import Listener, Progress, StageFitted, ignore
from deeptsr.imaging.resample import resize
from deeptsr.learning.checkpoints import Checkpoints
from deeptsr.learning.prior import SPECIALIST, Prior, prior_of, same_shapes, starts
from deeptsr.learning.recipe import (
    fitted_frames,
    fitted_stage,
    has_network,
    nearer,
    network_of,
    steps_of_stage,
    with_specialist,
)
from deeptsr.learning.strategy.attempts import (
    INTERPOLATES,
    KNOWN,
    StageResult,
    approach,
    attempt,
    examples_of,
)
from deeptsr.learning.strategy.fitter import StageFitter
from deeptsr.learning.strategy.sizes import best_size
from deeptsr.learning.strategy.start import Start, specialist_of, start_from
from deeptsr.networks import StepNetwork
from deeptsr.networks.chance import seeded
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system.devices import release

__all__ = ["bring_nearer", "fit_stages"]


@dataclass(frozen=True)
class _Run:
    """What all stages of a run share."""

    clip: Tensor  # excerpt of the video, (T, H, W, 3) on the device
    plan: tuple[Stage, ...]
    options: Options
    prior: Prior | None
    precision: torch.dtype
    on_event: Listener
    fraction: Callable[[int, float], float]
    checkpoints: Checkpoints | None
    enough: Callable[[], bool]
    start: Start | None = None  # what is known of the first stage, where that was looked at before
    expert: str | None = None  # who it starts from, where it is too large for a specialist


def fit_stages(
    clip: Tensor,
    plan: tuple[Stage, ...],
    options: Options,
    *,
    precision: torch.dtype = torch.float32,
    on_event: Listener = ignore,
    fraction: Callable[[int, float], float] = lambda stage, share: 0.0,
    checkpoints: Checkpoints | None = None,
    enough: Callable[[], bool] = lambda: False,
    smaller: tuple[tuple[Stage, ...], ...] = (),
    on_smaller: Callable[[tuple[Stage, ...]], None] = lambda plan: None,
) -> tuple[FittedStage, ...]:
    """Fit the pyramid.

    Args:
        clip: excerpt of the video, volume (T, H, W, 3) on the device.
        plan: the stages.
        options: all settings.
        precision: of the convolutions.
        on_event: listener.
        fraction: of the whole job that is done when a stage (from 0) has made a share of its steps.
        checkpoints: where fitted stages are found, and kept.
        enough: asked after each step whether the stage's time is up; ``fraction`` tells the step.
        smaller: plans that begin smaller, one of which the motion may ask for.
        on_smaller: told the plan, when one of these, or one that suits a specialist, is taken.

    Returns:
        One fitted stage for each of the plan.

    A stage starts from the weights of the one before where the shapes agree, else from the prior;
    where what comes of it cannot be seen, or does not beat interpolation, it interpolates. Paper
    section 4.2 suggests to fine-tune at each scale, and leaves it out for its cost.
    """
    prior = prior_of(options)
    run = _Run(clip, plan, options, prior, precision, on_event, fraction, checkpoints, enough)
    if smaller:
        run = _with_size(run, smaller)
        if run.plan != plan:
            on_smaller(run.plan)
    if options.pairs.auto:
        run = _with_mix(run)
    fitted: list[FittedStage] = []
    previous: StepNetwork | None = None
    for number in range(len(plan)):
        stage = run.plan[number]
        network, event = _fitted(run, number, tuple(fitted), previous)
        if event.special:
            changed, held = with_specialist(run.options, run.plan, clip.shape[1:3])
            run = replace(run, plan=held, options=changed)
            on_smaller(held)
        on_event(event)
        on_event(Progress(fraction(number, 1.0), "fit", f"stage {number + 1} of {len(plan)}: done"))
        known = network.eval() if event.outcome != INTERPOLATES else None
        special = specialist_of(network, starts(prior, network)) if event.special else None
        made = fitted_stage(options, number, stage, known, special=special, below=fitted)
        fitted.append(replace(made, agreement=event.agreement))
        previous = previous if known is None else known
    return tuple(fitted)


def bring_nearer(
    fitted: tuple[FittedStage, ...],
    clip: Tensor,
    options: Options,
    *,
    precision: torch.dtype = torch.float32,
    on_event: Listener = ignore,
    fraction: Callable[[int, float], float] = lambda stage, share: 0.0,
) -> tuple[FittedStage, ...]:
    """Bring a fit of another video nearer to this one: its first stage, in a few steps, in place.

    What is aliased is left as it is: the video's own pairs teach it nothing. Returns the stages.

    Args:
        fitted: coarse to fine.
        clip: excerpt of the video, volume (T, H, W, 3) on the device.
        options: all settings, with the fit's file.
        precision: of the convolutions.
        on_event: listener.
        fraction: see :func:`fit_stages`.
    """
    (first, *others), steps = fitted, steps_of_stage(options, 0)
    if first.network is None or first.special is not None or not steps:
        return fitted
    began, plan = time.monotonic(), tuple(each.stage for each in fitted)
    options = replace(options, fit=nearer(options.fit))
    run = _Run(clip, plan, options, None, precision, on_event, fraction, None, lambda: False)
    if options.pairs.auto:
        run = _with_mix(run)
    fitter = _fitter(run, 0)
    (example,) = examples_of(fitter, clip[: fitter.frames], (), first.stage)
    result = approach(fitter, first.network, example, steps)
    curve, seconds = tuple(fitter.curve), time.monotonic() - began
    event = _told(run, 0, result, fitter.steps_made, curve, seconds)
    on_event(event)
    release()
    return replace(first, agreement=event.agreement), *others


def _with_size(run: _Run, smaller: tuple[tuple[Stage, ...], ...]) -> _Run:
    """The run with the plan that suits the motion: the smallest, where a specialist takes part."""
    plans = {plan[0].scale: plan for plan in (run.plan, *smaller)}
    smallest = min(plans)
    kept = (run.checkpoints.load_partial("size") or {}) if run.checkpoints else {}
    chosen = {str(scale): scale for scale in plans}.get(str(kept.get("scale")))
    expert = str(kept.get("expert"))
    if chosen is None:
        chosen = smallest
        looking = replace(run, plan=plans[chosen])
        network, fitter = _fresh(looking, 0), _fitter(looking, 0)
        clip, experts = run.clip[: fitter.frames], starts(run.prior, network)
        (example,) = examples_of(fitter, clip, (), looking.plan[0])
        start = start_from(network, experts, example, run.precision)
        if start and start.special is None:
            chosen = best_size(network, clip, [*plans], run.precision)
        if start:
            expert = start.expert
            run = replace(run, start=start if chosen == smallest else None)
        release()
        if run.checkpoints:
            run.checkpoints.save_partial("size", {"scale": str(chosen), "expert": expert})
    return replace(run, plan=plans[chosen], expert=expert if chosen != smallest else None)


def _with_mix(run: _Run) -> _Run:
    """The run with the mix of pairs that the video speaks for."""
    size = run.plan[0].size(*run.clip.shape[1:3])
    mix = propose(resize(run.clip, size), run.options.pairs)
    run.on_event(mix)
    pairs = replace(run.options.pairs, within=mix.within, across=mix.across, shift=mix.shift)
    return replace(run, options=replace(run.options, pairs=pairs))


def _fresh(run: _Run, number: int) -> StepNetwork:
    """The network of a stage as it begins, if nothing is known."""
    with seeded(run.options.seed + number):
        network = network_of(run.options, run.plan[number], *run.clip.shape[1:3])
    return network.to(run.clip.device)


def _fitted(
    run: _Run, number: int, below: tuple[FittedStage, ...], previous: StepNetwork | None
) -> tuple[StepNetwork, StageFitted]:
    """A stage's network: found in the checkpoints, or fitted and kept there."""
    network = _fresh(run, number)
    event = run.checkpoints.restore(number, network) if run.checkpoints else None
    if event is not None:
        return network, event
    began = time.monotonic()
    if has_network(run.options, number, run.plan[number]):
        fitter = _fitter(run, number)
        result = _learned(run, number, fitter, network, below, previous)
        steps, curve = fitter.steps_made, tuple(fitter.curve)
        release()
    else:
        result, steps, curve = StageResult(INTERPOLATES, 0.0, None), 0, ()
    event = _told(run, number, result, steps, curve, time.monotonic() - began)
    if run.checkpoints:
        run.checkpoints.save(number, network, event)
    return network, event


def _fitter(run: _Run, number: int) -> StageFitter:
    total = steps_of_stage(run.options, number)
    label = f"stage {number + 1} of {len(run.plan)}: fitting, step"

    def on_step(step: int) -> None:
        share = run.fraction(number, min(1.0, step / total))
        run.on_event(Progress(share, "fit", f"{label} {step} of {total}"))

    stage = run.plan[number]
    seen = min(len(run.clip), fitted_frames(stage, stage.size(*run.clip.shape[1:3])))
    return StageFitter(
        *(run.options, seen, number, run.precision),
        *(on_step, run.clip.device, run.checkpoints, run.enough),
    )


def _learned(
    run: _Run,
    number: int,
    fitter: StageFitter,
    network: StepNetwork,
    below: tuple[FittedStage, ...],
    previous: StepNetwork | None,
) -> StageResult:
    stage, steps = run.plan[number], steps_of_stage(run.options, number)
    experts = starts(run.prior, network)
    if run.expert:
        experts.pop(SPECIALIST, None)
        if run.expert in experts:
            experts = {run.expert: experts[run.expert]}
    if previous is not None and same_shapes(previous, network):
        experts = {"the stage before": previous.state_dict()}
    if number and experts and not steps:  # nothing to look at, nothing to learn
        network.load_state_dict(next(iter(experts.values())))
        return StageResult(KNOWN, 0.0, None, 0.0)
    examples = examples_of(fitter, run.clip[: fitter.frames], below, stage)
    start = None if number else run.start
    if start:
        network.load_state_dict(experts[start.expert])
    else:
        start = start_from(network, experts, examples[-1], run.precision)
    return attempt(fitter, network, examples, steps, start=start)


def _told(
    run: _Run,
    number: int,
    result: StageResult,
    steps: int,
    curve: tuple[tuple[str, int, float], ...],
    seconds: float,
) -> StageFitted:
    pairs, evidence = run.options.pairs, result.evidence
    return StageFitted(
        stage=number + 1,
        stages=len(run.plan),
        label=run.plan[number].label,
        gain_db=result.gain_db,
        steps=steps,
        seconds=seconds,
        outcome=result.outcome,
        mix=(pairs.within, pairs.across, pairs.shift),
        curve=curve,
        learned=result.learned,
        special=result.special,
        agreement=max(0.0, evidence.agreement) if evidence else None,
        detour=evidence.detour if evidence else None,
        evenness=evidence.evenness if evidence else None,
    )
