"""What a result says of itself, without a truth: agreement, detour, evenness, change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deeptsr.imaging.exposure import correct
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.recipe import JUDGED
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.trust import changes, detour, disagreement, evenness, removed, restore_again

__all__ = ["Evidence", "examine"]

_NOTHING = 1e-9  # mean square of no change at all


@dataclass(frozen=True)
class Evidence:
    """What a network's result on a clip says of itself."""

    change: float  # largest root mean square change of interpolation, 8-bit levels
    agreement: float  # share of the change that improves, by agreement with itself, in [0, 1]
    detour: float  # how far from its input's frames it is half way between them; 1/4 is straight
    evenness: float  # steps within an input frame over steps to the next; 1 is even


def examine(network: StepNetwork, clip: Tensor, precision: torch.dtype) -> Evidence:
    """Look at what a network makes of the middle of a clip.

    Args:
        network: of a step.
        clip: volume (T, H, W, 3) at the stage's size.
        precision: of the convolutions.
    """
    step, exposure = network.factor, network.exposure
    affordable = max(8, JUDGED // (clip.shape[1] * clip.shape[2]))
    first = max(0, len(clip) - affordable) // 2
    clip = clip[first : first + affordable]
    made = predict(network, clip, precision=precision)
    plain = correct(interpolate_time(clip, step, exposure), clip, step, exposure)
    change = changes(made, plain, step)
    again = restore_again(network, made, precision)
    better = removed(disagreement(made, again, step), change)
    return Evidence(
        change=255 * math.sqrt(change.max().item()),
        agreement=better / max(change.mean().item(), _NOTHING),
        detour=detour(made, clip, step, exposure),
        evenness=evenness(made, step),
    )
