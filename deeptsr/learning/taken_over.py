"""Takes over what was fitted to another video, as it suits this one.

A camera is held upright, or on its side. What one view taught of things that fall, or of waves, is
wrong of the other by a quarter of a circle, and a network can be turned by as much: its kernels
are. Examples are mirrored at random, so that the two ways to turn it come to the same.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor

from deeptsr.imaging.resample import resize
from deeptsr.learning.strategy.evidence import examine
from deeptsr.networks.compact import Compact
from deeptsr.pyramid.stage import FittedStage

__all__ = ["suited", "turned"]


def suited(
    stages: tuple[FittedStage, ...], clip: Tensor, precision: torch.dtype
) -> tuple[tuple[FittedStage, ...], bool]:
    """Turn what was fitted to another video, where its result on this one agrees more with itself.

    Args:
        stages: fitted to the other video, coarse to fine.
        clip: excerpt of this one, volume (T, H, W, 3) on the device.
        precision: of the convolutions.

    Returns:
        The stages; and whether they are turned.
    """
    networks = [stage.network for stage in stages if stage.network is not None]
    first = stages[0].network
    if not isinstance(first, Compact) or not all(isinstance(n, Compact) for n in networks):
        return stages, False
    small = resize(clip, stages[0].stage.size(*clip.shape[1:3])).clamp(0, 1)
    as_it_is, other = (
        examine(network, small, precision).agreement for network in (first, turned(first))
    )
    if other <= as_it_is:
        return stages, False
    return tuple(
        replace(stage, network=turned(stage.network))
        if isinstance(stage.network, Compact)
        else stage
        for stage in stages
    ), True


def turned(network: Compact) -> Compact:
    """A network that does for a picture with its axes swapped what another does for the picture.

    Args:
        network: any; it stays as it is.
    """
    result, fold = copy.deepcopy(network), network.fold
    with torch.no_grad():
        for weight in result.parameters():
            weight.copy_(weight.transpose(-1, -2).clone())  # (..., x, y)
        # Folded pixels are channels, of those that go in and of those that come out.
        given, made = result.enter.weight, result.leave.weight
        pixels = given.unflatten(1, (-1, fold, fold)).transpose(2, 3)  # (O, 3C, x, y, 3, 3, 3)
        given.copy_(pixels.flatten(1, 3).clone())  # (O, 3C*f*f, 3, 3, 3)
        pixels = made.unflatten(0, (-1, fold, fold)).transpose(1, 2)  # (M*C, x, y, I, 1, 3, 3)
        made.copy_(pixels.flatten(0, 2).clone())  # (M*C*f*f, I, 1, 3, 3)
    return result
