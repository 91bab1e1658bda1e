"""What a result says of itself, without a truth: agreement, detour, evenness, change."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deeptsr.imaging.resample import interpolate_exposing, pool
from deeptsr.imaging.shapes import Cells
from deeptsr.learning.recipe import JUDGED
from deeptsr.learning.strategy.bounds import UNSEEN
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.special import Specialist, bonds_of, likely, parts_of
from deeptsr.pyramid.trust import changes, detour, disagreement, evenness, removed, restore_again

__all__ = ["Evidence", "Motion", "examine", "look", "moving"]


@dataclass(frozen=True)
class Evidence:
    """What a network's result on a clip says of itself."""

    change: float  # largest root mean square change of interpolation, 8-bit levels
    removed: Cells  # mean square error that it takes away, by its own account, (T, rows, columns)
    agreement: float  # the same as a share of its change, 1 at most; below 0 it contradicts itself
    detour: float  # how far from its input's frames it is half way between them; 1/4 is straight
    evenness: float  # steps within an input frame over steps to the next; 1 is even
    kept: float = 1.0  # of the change of interpolation that was known before


@dataclass(frozen=True)
class Motion:
    """What moves in a clip, as the witnesses of a specialist see it."""

    places: Cells  # 1 where the specialist is likely right, else 0, (T, rows, columns)
    special: float  # share of such places, of all that changes from frame to frame
    sure: float  # how likely that is right, on the average: 0.5 to 1


def moving(
    special: Specialist, clip: Tensor, mine: Tensor, theirs: Tensor, precision: torch.dtype
) -> Motion:
    """Ask the witnesses of a specialist about the middle of a clip.

    Args:
        special: see there.
        clip: volume (T, H, W, 3) at the stage's size.
        mine: what the network beside the specialist makes of it (:func:`look`).
        theirs: what the specialist makes of it.
        precision: of the convolutions.
    """
    clip, step, exposure = _middle(clip), special.network.factor, special.network.exposure
    plain = interpolate_exposing(clip, step, exposure)
    judged = predict(special.judge, clip, precision=precision)
    odds = special.odds(clip, precision)
    parts = parts_of(theirs, judged, odds, plain, step)
    likelihood = likely(parts, bonds_of(mine, theirs, step, exposure), exposure)
    moved = torch.stack(
        [pool((plain[n + 1] - plain[n]).square()) for n in range(0, len(plain), step)]
    )
    moved /= moved.sum().clamp(min=1e-12)
    places, sure = (likelihood > 0.5).to(moved), torch.maximum(likelihood, 1 - likelihood)
    return Motion(places, (moved * places).sum().item(), (moved * sure).sum().item())


def look(network: StepNetwork, clip: Tensor, precision: torch.dtype) -> Tensor:
    """What a network makes of the middle of a clip, (T * factor, H, W, 3); see :func:`examine`."""
    return predict(network, _middle(clip), precision=precision)


def examine(
    network: StepNetwork,
    clip: Tensor,
    precision: torch.dtype,
    known: Tensor | None = None,
    made: Tensor | None = None,
) -> Evidence:
    """Look at what a network makes of the middle of a clip.

    Args:
        network: of a step.
        clip: volume (T, H, W, 3) at the stage's size.
        precision: of the convolutions.
        known: what another network made of it (:func:`look`), of which a part is kept.
        made: what this one makes of it, where that is known already.
    """
    step, exposure = network.factor, network.exposure
    clip = _middle(clip)
    result = predict(network, clip, precision=precision) if made is None else made
    plain = interpolate_exposing(clip, step, exposure)
    change = changes(result, plain, step)
    better = removed(disagreement(result, restore_again(network, result, precision), step), change)
    return Evidence(
        change=255 * math.sqrt(change.max().item()),
        removed=better,
        agreement=better.mean().item() / (change.mean().item() + (UNSEEN / 255) ** 2),
        detour=detour(result, clip, step, exposure),
        evenness=evenness(result, step),
        kept=1.0 if known is None else _kept(result, known, plain),
    )


def _middle(clip: Tensor) -> Tensor:
    """As many frames as evidence affords."""
    affordable = max(8, JUDGED // (clip.shape[1] * clip.shape[2]))
    first = max(0, len(clip) - affordable) // 2
    return clip[first : first + affordable]


def _kept(result: Tensor, known: Tensor, plain: Tensor) -> float:
    """The part of what is known to differ from interpolation that a result has, too."""
    change = known - plain
    size = change.square().mean().item()
    return ((result - plain) * change).mean().item() / size if size else 1.0
