"""What each stage gets: network, folding, steps, frames."""

from __future__ import annotations

from deeptsr.config import Options
from deeptsr.imaging.exposure import of_step
from deeptsr.networks import StepNetwork, build
from deeptsr.pyramid.plan import Stage

__all__ = [
    "JUDGED",
    "LATER_ROUNDS",
    "averages",
    "fitted_frames",
    "fold_of",
    "has_network",
    "network_of",
    "steps_of_stage",
]

LATER_ROUNDS = 3  # of a later stage, at most: at its size they take long
JUDGED = 4_000_000  # pixels x frames of a stage's input that agreement looks at, at most
_FOLDED_SIDE = 300  # pixels of the short side from which the compact network folds 2 x 2
_MOST_VOXELS = 24_000_000  # pixels x frames of the result of the stages before that a stage sees
_FEWEST = 16  # LTR frames that it sees in any case


def fold_of(stage: Stage, height: int, width: int) -> int:
    """Coarse levels carry the aliased detail in single pixels; fine ones can be folded."""
    return 2 if min(stage.size(height, width)) >= _FOLDED_SIDE else 1


def network_of(options: Options, stage: Stage, height: int, width: int) -> StepNetwork:
    """The network of a stage of a video of that size, as it begins."""
    exposure, fold = of_step(options.exposure, stage.factor_before), fold_of(stage, height, width)
    return build(options.network, stage.step, exposure, fold)


def has_network(options: Options, number: int) -> bool:
    """Whether a stage, counted from 0, has a network at all: else it interpolates."""
    networks = options.pyramid.networks
    aliased = options.pairs.alone and options.time_budget is None
    return networks is None or number < networks or aliased


def fitted_frames(stage: Stage, size: tuple[int, int]) -> int:
    """LTR frames that a stage is fitted on, at most: a result of many is large at full size."""
    return max(_FEWEST, _MOST_VOXELS // (size[0] * size[1] * stage.factor_before))


def averages(options: Options, number: int) -> bool:
    """Whether a stage, counted from 0, averages over mirror images and reversed time."""
    mirrored = options.pyramid.mirrored
    return options.pyramid.ensemble and (mirrored is None or number < mirrored)


def steps_of_stage(options: Options, number: int) -> int:
    """Optimiser steps that a stage, counted from 0, makes at most."""
    settings, first = options.fit, number == 0
    if not has_network(options, number):
        return 0
    rounds, steps = settings.bootstrap_rounds, settings.bootstrap_steps
    if first and not options.pairs.probe:
        return settings.steps + rounds * steps
    if first:  # some steps are thrown away where the mix turns out to be wrong
        return (
            settings.steps + max(settings.steps, rounds * steps // settings.checks) + rounds * steps
        )
    if options.pairs.alone:  # on translations, too, where the first fits go the long way round
        return 2 * settings.steps + (min(LATER_ROUNDS, rounds) + rounds) * steps
    return round(settings.finetune_steps * settings.finetune_decay ** (number - 1))
