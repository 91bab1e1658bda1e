"""How often a fit looks at its own results, which costs as much as many steps."""

from __future__ import annotations

from dataclasses import dataclass

from deeptsr.config import Options
from deeptsr.learning.prior import SPECIAL, prior_of, starts
from deeptsr.learning.recipe import (
    JUDGED,
    climbs,
    fitted_frames,
    has_network,
    steps_of_stage,
)
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.plan import Stage

__all__ = ["Looks", "looks_of"]

_MEANS = 4  # shares of what the video taught that are looked at (learning.strategy.attempts), when
# one was when the fit had begun
_LEAST = 8  # frames that a look takes at least (learning.strategy.evidence)


@dataclass(frozen=True)
class Looks:
    """What a stage's fit predicts beside its steps."""

    times: float = 0.0  # a result is looked at: made, filmed again, and restored,
    at_end: int = 0  # of these when a fit has made all of its steps
    frames: float = 0.0  # of the stage's input that each takes
    checks: int = 0  # that held-out frames are restored
    held: float = 0.0  # frames of a slower camera that each takes
    below: int = 0  # frames of the video that the stages before are climbed for, to be fitted on


def looks_of(
    options: Options,
    number: int,
    stage: Stage,
    network: StepNetwork,
    size: tuple[int, int],
    seen: int,
    *,
    learns: bool = True,
) -> Looks:
    """Count what a stage's fit, with the self-check of the first, looks at.

    Args:
        options: all settings.
        number: of the stage, from 0.
        stage: see there.
        network: of the stage; only its shapes are asked for.
        size: height and width of the video, pixels.
        seen: frames of the excerpt.
        learns: whether it makes its own steps, or a specialist leads, who learns nothing.
    """
    steps, reused = steps_of_stage(options, number), options.fit_file is not None
    prior = prior_of(options)
    experts = 1  # a later stage starts from the one before
    if number == 0:
        # What a specialist and its witnesses say of the places is one look: none is restored again.
        # Where the first stage begins larger, none is asked.
        known = starts(prior, network).keys()
        asked = stage.scale == climbs(options, *size)[-1][0].scale
        experts = len(known - SPECIAL) + (asked and known >= SPECIAL)
    if not has_network(options, number, stage) or (number and not steps and (experts or reused)):
        return Looks()  # it goes on with what is known
    rows, columns = stage.size(*size)
    seen = min(seen, fitted_frames(stage, (rows, columns))) if number else seen
    frames, steps = seen * stage.factor_before, steps * learns
    # The self-check looks at what is taken over as it is, or at a specialist's work, and witnesses.
    times, checks, at_end = (number == 0) * (2.0 if not learns else reused and not steps), 0, 0
    if reused and steps:  # what is taken over, and what it learns
        times, checks = 2, 2
    elif not reused:
        at_end = _MEANS * bool(steps and experts)
        times += experts + (steps > 1) + at_end if experts else 1
        many = min(steps, 2 if experts else options.fit.checks)
        checks = (1 + many) * bool(steps) + bool(experts)
    return Looks(
        times=times,
        at_end=at_end,
        frames=min(frames, max(_LEAST, JUDGED // (rows * columns))),
        checks=checks,
        held=frames / 8 / stage.step + 2 * network.reach[0],
        below=seen if number else 0,
    )
