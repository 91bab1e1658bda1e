"""The stages of a run before it: what is planned by, for time and for memory."""

from __future__ import annotations

import torch

from deeptsr.config import Options
from deeptsr.learning.prior import SPECIALIST, prior_of, starts
from deeptsr.learning.recipe import (
    climbs,
    fitted_stage,
    has_network,
    network_of,
    with_specialist,
)
from deeptsr.networks import Classifier
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.special import Specialist
from deeptsr.pyramid.stage import FittedStage

__all__ = ["models_of", "models_of_all"]


def models_of(
    size: tuple[int, int], options: Options, stages: tuple[Stage, ...], *, special: bool = False
) -> tuple[FittedStage, ...]:
    """The stages of a run; of their networks only the shapes are there.

    Args:
        size: height and width of the video, pixels.
        options: all settings.
        stages: the plan.
        special: whether a specialist takes part in the first stage, if the prior has one: of most
            videos none does, but memory has to be there.
    """
    models, prior = list[FittedStage](), prior_of(options)
    with torch.device("meta"):  # only shapes are asked for
        if special:
            experts = starts(prior, network_of(options, stages[0], *size)) if stages else {}
            special = SPECIALIST in experts
        if special:
            options, stages = with_specialist(options, stages, size)
        for number, stage in enumerate(stages):
            network = network_of(options, stage, *size)
            known = network if has_network(options, number, stage) else None
            first = special and number == 0
            three = Specialist(network, network, Classifier()) if first else None
            models.append(fitted_stage(options, number, stage, known, special=three, below=models))
    return tuple(models)


def models_of_all(
    size: tuple[int, int], options: Options, stages: tuple[Stage, ...]
) -> tuple[tuple[FittedStage, ...], ...]:
    """The stages of a plan, and of those that begin smaller, of which the motion may ask for one.

    A specialist takes part in the smallest alone.

    Args:
        size: height and width of the video, pixels.
        options: all settings.
        stages: the plan.
    """
    plans = [p for p in climbs(options, *size) if p and p[0].scale < stages[0].scale]
    *larger, smallest = (stages, *plans)
    known = [models_of(size, options, each) for each in larger]
    return (*known, models_of(size, options, smallest, special=True))
