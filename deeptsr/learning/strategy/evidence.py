"""What a result says of itself: boldness, agreement, detour, evenness."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.recipe import JUDGED
from deeptsr.learning.strategy import bounds
from deeptsr.learning.strategy.fitter import Fitter
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.trust import changes, detour, disagreement, evenness, removed, restore_again

__all__ = ["Agreement", "agreement", "changed", "goes_wrong", "judged", "shy", "strays"]

_NOTHING = 1e-9  # mean square of no change at all


def strays(fitter: Fitter, network: StepNetwork, clip: Tensor) -> bool:
    """Whether a result goes another way than the shortest without a reason to, or leaps.

    Either way of a steady rotation explains a video, and pairs speak for one of the two by chance:
    so the longer one is believed only where motion is aliased, and unless it is much longer.
    """
    found = agreement(fitter, network, clip)
    if not fitter.aliased:
        return found.detour > bounds.DETOUR
    return found.detour > bounds.FAR or (fitter.pairs.alone and found.evenness < bounds.LEAPS)


def shy(fitter: Fitter, network: StepNetwork, clip: Tensor, share: float) -> bool:
    """Whether a network does less with a video than a share of what it does with a slower one."""
    step = network.factor
    slower = expose(clip[: len(clip) // step * step], step, network.exposure)
    return _boldness(fitter, network, clip) < share * _boldness(fitter, network, slower)


def _boldness(fitter: Fitter, network: StepNetwork, clip: Tensor) -> float:
    """What a network changes interpolation by, as a share of how much the frames differ."""
    clip = judged(clip)
    apart = clip.diff(dim=0).square().mean().item()
    return math.sqrt(changed(fitter, network, clip).mean().item() / max(apart, _NOTHING))


@dataclass(frozen=True)
class Agreement:
    """What a network's result on a clip says of itself, without a truth."""

    removed: float  # of interpolation's mean square error
    share: float  # that this is of its change of interpolation, in [0, 1]
    detour: float  # that it makes between the frames of the clip
    evenness: float  # with which it goes on

    @property
    def gain_db(self) -> float:
        """That it has over interpolation, where its error is half of what they disagree by."""
        return 10 * math.log10((1 + self.share) / max(1 - self.share, _NOTHING))


def changed(fitter: Fitter, network: StepNetwork, clip: Tensor) -> Tensor:
    """Mean square of what a network changes interpolation by, (T, rows, columns)."""
    return _change(network, predict(network, clip, precision=fitter.precision), clip)


def _change(network: StepNetwork, made: Tensor, clip: Tensor) -> Tensor:
    step, exposure = network.factor, network.exposure
    plain = correct(interpolate_time(clip, step, exposure), clip, step, exposure)
    return changes(made, plain, step)


def judged(clip: Tensor) -> Tensor:
    """The middle of a clip, as long as there is time and memory to look at."""
    affordable = max(8, JUDGED // (clip.shape[1] * clip.shape[2]))
    first = max(0, len(clip) - affordable) // 2
    return clip[first : first + affordable]


def agreement(fitter: Fitter, network: StepNetwork, clip: Tensor) -> Agreement:
    """What a network's result on a clip says of itself."""
    step, exposure = network.factor, network.exposure
    clip = judged(clip)
    made = predict(network, clip, precision=fitter.precision)
    again = restore_again(network, made, fitter.precision)
    change = _change(network, made, clip)
    better = removed(disagreement(made, again, step), change)
    share = better / max(change.mean().item(), _NOTHING)
    return Agreement(better, share, detour(made, clip, step, exposure), evenness(made, step))


def goes_wrong(found: Agreement) -> bool:
    """Whether a result knows no way between the frames of its clip, or goes the long one round."""
    return not found.share or found.detour > bounds.DETOUR
