"""What each stage gets: size, network, folding, steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from deeptsr.config import FitSettings, Options
from deeptsr.imaging.exposure import of_step
from deeptsr.learning.prior import SPECIAL_STAGES, prior_of
from deeptsr.networks import StepNetwork, build
from deeptsr.pyramid.enlarge import VIEWS
from deeptsr.pyramid.plan import Stage, plan
from deeptsr.pyramid.special import Specialist
from deeptsr.pyramid.stage import FittedStage

__all__ = [
    "BEGUN",
    "JUDGED",
    "averages",
    "climbs",
    "first_steps",
    "fitted_frames",
    "fitted_stage",
    "fold_of",
    "has_network",
    "nearer",
    "network_of",
    "steps_of_stage",
    "views_of",
    "with_specialist",
]

JUDGED = 1_000_000  # pixels x frames of a stage's input that evidence looks at, at most
BEGUN = 1 / 8  # of its steps, after which a fit that knows something says whether to go on
_FOLDED_SIDE = 300  # pixels of the short side from which a network that can folds 2 x 2
_MOST_VOXELS = 24_000_000  # pixels x frames of the result of the stages before that a stage sees
_MOST_OF_FIRST = 3_200_000  # the same of the first stage, whose pairs are laid out from all of them
_SIZES = 3  # that what is known of the first stage is asked at, place by place
_FEWEST = 16  # LTR frames that it sees in any case
_NEARER = 10  # a fit that is taken over makes one in so many of the steps of its own,
_NEARER_RATE = 6e-4  # at this rate (trials.md, "Making a fit of another video suit this one")


def nearer(fit: FitSettings) -> FitSettings:
    """How a fit that is taken over learns from another video: in few steps, so without warm-up."""
    return replace(fit, finetune_rate=_NEARER_RATE, warmup=0, averaging=0.9)


def climbs(options: Options, height: int, width: int) -> tuple[tuple[Stage, ...], ...]:
    """The plans of the climbs that there is a choice of, the largest first stage first.

    A network that learns from the video alone begins at the coarsest size. One that knows motion
    beforehand begins as large as the motion allows (`learning.strategy.sizes`).

    Args:
        options: all settings, the factor and the exposure as they come out.
        height: of the video, pixels.
        width: of the video, pixels.
    """
    pyramid, prior = options.pyramid, prior_of(options)
    plans = [plan(options.factor, height, width, pyramid.coarsest, pyramid.held)]
    known = prior is not None and prior.serves(of_step(options.exposure, 1), 1)
    while plans[0] and pyramid.largest and known and plans[0][0].scale < 1:
        scale = min(Fraction(1), 2 * plans[0][0].scale)
        larger = plan(options.factor, height, width, scale, pyramid.held)
        rows, columns = larger[0].size(height, width)
        if rows * columns > pyramid.largest:
            break
        plans.insert(0, larger)
    return tuple(plans)


def with_specialist(
    options: Options, stages: tuple[Stage, ...], size: Sequence[int]
) -> tuple[Options, tuple[Stage, ...]]:
    """The settings and the plan of a climb in whose first stage a specialist takes part.

    The second stage is as large as the first: there both are made in one.

    Args:
        options: all settings.
        stages: the plan.
        size: height and width of the video, pixels.
    """
    pyramid = replace(options.pyramid, coarsest=stages[0].scale, held=SPECIAL_STAGES, largest=None)
    height, width = size
    held = plan(options.factor, height, width, pyramid.coarsest, pyramid.held)
    return replace(options, pyramid=pyramid), held


def fold_of(stage: Stage, height: int, width: int) -> int:
    """Coarse levels carry the aliased detail in single pixels; fine ones can be folded."""
    return 2 if min(stage.size(height, width)) >= _FOLDED_SIDE else 1


def network_of(options: Options, stage: Stage, height: int, width: int) -> StepNetwork:
    """The network of a stage of a video of that size, as it begins.

    Where a prior has none that folds, none does: what is known is worth more than what it costs.
    """
    exposure, fold = of_step(options.exposure, stage.factor_before), fold_of(stage, height, width)
    prior = prior_of(options)
    if prior and prior.serves(exposure, 1) and not prior.serves(exposure, fold):
        fold = 1
    return build(options.network, stage.step, exposure, fold)


def has_network(options: Options, number: int, stage: Stage) -> bool:
    """Whether a stage, counted from 0, has a network at all: else it interpolates."""
    return _listed(options, number) or stage.scale < 1


def fitted_frames(stage: Stage, size: tuple[int, int]) -> int:
    """LTR frames that a stage is fitted on, at most: a result of many is large at full size."""
    most = _MOST_VOXELS if stage.factor_before > 1 else _MOST_OF_FIRST
    return max(_FEWEST, most // (size[0] * size[1] * stage.factor_before))


def averages(options: Options, number: int) -> bool:
    """Whether a stage, counted from 0, averages over mirror images and reversed time."""
    mirrored = options.pyramid.mirrored
    return options.pyramid.ensemble and (mirrored is None or number < mirrored)


def views_of(options: Options) -> int:
    """Ways that the network in space looks at frames: mirrored, reversed and turned, too."""
    if not options.pyramid.ensemble:
        return 1
    return VIEWS if options.pyramid.mirrored is None else 2


def fitted_stage(
    options: Options,
    number: int,
    stage: Stage,
    network: StepNetwork | None,
    *,
    special: Specialist | None = None,
    below: Sequence[FittedStage] = (),
) -> FittedStage:
    """A stage, counted from 0, with what takes it; without a network it interpolates.

    The specialist of the last of those ``below`` takes part in this one, too, if that is as large.
    Where a network contradicts itself, what a prior knows is better than interpolation
    (trials.md); what was fitted from nothing is not.
    """
    pyramid, at_once, known = options.pyramid, None, prior_of(options) is not None
    before = below[-1] if below else None
    if before and before.special and before.stage.scale == stage.scale and network:
        made = before.special.at_once(before.stage.step * stage.step)
        at_once = made if made.exposure == network.exposure else None  # else frames touch by now
    return FittedStage(
        stage,
        network,
        ensemble=averages(options, number),
        refilmed=pyramid.ensemble,
        verify=pyramid.verify and not known,
        even=pyramid.even,
        sizes=_SIZES if known and pyramid.ensemble and not number else 1,
        special=special,
        at_once=at_once,
    )


def first_steps(options: Options) -> str:
    """The setting that tells the steps of the first stage: from a prior, or from nothing."""
    return "steps" if prior_of(options) is None else "adapt_steps"


def steps_of_stage(options: Options, number: int) -> int:
    """Optimiser steps that a stage, counted from 0, makes at most."""
    reused = options.fit_file is not None
    if not _listed(options, number) or (reused and number):
        return 0
    if number == 0:
        steps: int = getattr(options.fit, first_steps(options))
        return steps // _NEARER if reused else steps
    return round(options.fit.finetune_steps * options.fit.finetune_decay ** (number - 1))


def _listed(options: Options, number: int) -> bool:
    """Whether a stage is one of those that have a network whatever their size."""
    networks = options.pyramid.networks
    return networks is None or number < networks
