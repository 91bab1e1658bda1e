"""Who a stage starts from: of the experts of a prior, whose result on the clip is in least doubt.

Two of them are right of what moves by less than half of what it repeats itself by: who was taught
things of all kinds, and who was taught blades alone. Who agrees more with himself is nearer to the
truth (docs/trials.md, "An expert for blades below the limit"); where both contradict themselves the
first is.

A specialist is for motion beyond that. He takes part where he is likely right in some place of the
clip, beside what is known of the rest.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deeptsr.learning.prior import CLASSIFIER, JUDGE, SPECIAL, SPECIAL_STEP, SPECIALIST, State
from deeptsr.learning.strategy.bounds import UNSEEN
from deeptsr.learning.strategy.evidence import Evidence, examine, look, moving
from deeptsr.networks import Classifier, StepNetwork
from deeptsr.pyramid.special import Specialist

__all__ = ["Start", "specialist_of", "start_from"]


@dataclass(frozen=True)
class Start:
    """What a stage's network knows before it is fitted."""

    expert: str  # whose that is
    made: Tensor  # its result on the clip (:func:`look`)
    evidence: Evidence  # what that says
    special: Specialist | None = None  # takes a part of the clip
    leads: bool = False  # whether that is most of what moves


def start_from(
    network: StepNetwork, experts: dict[str, State], clip: Tensor, precision: torch.dtype
) -> Start | None:
    """Give a network what a stage starts from.

    Args:
        network: of the stage.
        experts: weights by the expert that they are of.
        clip: that the stage is to take, volume (T, H, W, 3).
        precision: of the convolutions.

    Returns:
        The expert who agrees most with himself, with a specialist where its witnesses find it
        likely right in some places of the clip, and what it takes away there, by its own account,
        is so much more than what that expert does that it can be seen. None: there is none.
    """
    known = [expert for expert in experts if expert not in SPECIAL]
    if not known:
        return None
    starts = (_known(network, expert, experts[expert], clip, precision) for expert in known)
    start = max(starts, key=lambda each: max(0.0, each.evidence.agreement))  # else the first
    network.load_state_dict(experts[start.expert])
    special = specialist_of(network, experts)
    if special is None:
        return start
    made = look(special.network, clip, precision)
    motion = moving(special, clip, start.made, made, precision)
    if motion.special:
        theirs = examine(special.network, clip, precision, made=made)
        better = ((theirs.removed - start.evidence.removed) * motion.places).mean()
        if better >= (UNSEEN / 255) ** 2:
            return replace(start, special=special, leads=motion.special > 0.5)
    return start


def _known(
    network: StepNetwork, expert: str, weights: State, clip: Tensor, precision: torch.dtype
) -> Start:
    network.load_state_dict(weights)
    made = look(network.eval(), clip, precision)
    return Start(expert, made, examine(network, clip, precision, made=made))


def specialist_of(network: StepNetwork, experts: dict[str, State]) -> Specialist | None:
    """The specialist among some experts, for a stage; None where there is none for its step."""
    if network.factor != SPECIAL_STEP or not experts.keys() >= SPECIAL:
        return None
    specialist, judge = (copy.deepcopy(network).eval() for _ in range(2))
    specialist.load_state_dict(experts[SPECIALIST])
    judge.load_state_dict(experts[JUDGE])
    device = next(network.parameters()).device
    return Specialist(specialist, judge, Classifier.of(experts[CLASSIFIER], device))
