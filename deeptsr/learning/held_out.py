"""Frames that no training pair sees, and how well a network restores them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.imaging.shapes import Volume
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.predict import predict

__all__ = ["HeldOut", "gain"]

_EVEN = 1e-8  # added to mean square errors: a static clip has a gain of 0 dB, not 0/0


def gain(made: Volume, linear: Volume, truth: Volume) -> float:
    """How much closer to the truth ``made`` is than ``linear``, dB of mean square error."""
    error = (made.clamp(0, 1) - truth).square().mean().item() + _EVEN
    return 10 * math.log10(((linear.clamp(0, 1) - truth).square().mean().item() + _EVEN) / error)


class HeldOut:
    """A run of frames that no training pair sees, and how well a network restores it."""

    def __init__(self, length: int, step: int, unit: int = 1) -> None:
        """Choose the run: the last eighth of the clip, in whole groups of ``step`` input frames.

        At the end, since what is left must be long: its means of 3 frames, too, are examples.

        Args:
            length: frames of the clip.
            step: frames that an LTR frame of a pair is made of.
            unit: frames of the clip for one of the input: the same moments are held out of the
                input and of what was made of it.
        """
        groups = length // unit // step
        count = max(2, groups // 8) if groups >= 8 else 0  # a shorter clip is all needed to learn
        first = groups - count
        self.step = step
        whole = range(groups * step * unit)
        self.kept = whole[first * step * unit :] if count else whole

    def training(self, clip: Tensor) -> Tensor:
        """What is left of the clip for training."""
        return clip[: self.kept.start] if self.kept.start else clip

    def gain(self, network: StepNetwork, clip: Volume, precision: torch.dtype) -> float:
        """The network's gain over linear interpolation on the held-out frames, dB."""
        around = network.reach[0] * self.step
        start = max(0, self.kept.start - around)
        stop = min(len(clip) // self.step * self.step, self.kept.stop + around)
        ltr = expose(clip[start:stop], self.step, network.exposure)
        inner = slice(self.kept.start - start, self.kept.stop - start)
        linear = interpolate_time(ltr, self.step, network.exposure)[inner]
        restored = predict(network, ltr, precision=precision)[inner]
        return gain(restored, linear, clip[self.kept.start : self.kept.stop])
