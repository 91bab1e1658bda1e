"""Fits one stage's network on pairs of some clips, and counts its steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor

from deeptsr.config import Options
from deeptsr.learning.checkpoints import Checkpoints, StageKeeper
from deeptsr.learning.fit import FitResult, Hooks, Regime, fit
from deeptsr.learning.held_out import HeldOut
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.learning.recipe import BEGUN
from deeptsr.learning.strategy.sizes import SLOWER, error_of_slower
from deeptsr.networks import StepNetwork

__all__ = ["StageFitter"]

_SLACK = 1.5  # dB on held-out frames by which they fell while the truth rose (trials.md)


class StageFitter:
    """Fits one stage's network."""

    def __init__(
        self,
        options: Options,
        frames: int,
        number: int,
        precision: torch.dtype,
        on_step: Callable[[int], None],
        device: torch.device,
        checkpoints: Checkpoints | None,
        enough: Callable[[], bool],
    ) -> None:
        self.pairs, self.settings = options.pairs, options.fit
        self.exposure, self.rounds = options.exposure, options.pyramid.rounds
        self.voxels = options.pyramid.voxels
        self.precision, self.steps_made = precision, 0
        self.frames = frames  # of the input: the same moments are held out of all examples
        self.curve: list[tuple[str, int, float]] = []
        self._on_step, self._enough = on_step, enough
        self._generator = torch.Generator(device).manual_seed(options.seed + number)
        self._keeper = StageKeeper(self, number, checkpoints) if checkpoints else None

    def fit(
        self,
        network: StepNetwork,
        examples: list[Tensor],
        steps: int,
        *,
        known: bool,
        promising: Callable[[StepNetwork], bool] | None = None,
    ) -> FitResult:
        """Fit in place on pairs of the examples but their held-out frames.

        Args:
            network: where to start from.
            examples: volumes (T, H, W, 3).
            steps: optimiser steps.
            known: whether the network starts from weights that know something: then it learns at a
                lower rate, and its last weights are returned, whatever they are worth.
            promising: asked of such a one when it has begun, whether to go on; else it ends as it
                started.
        """
        earlier = self._keeper.next(network, self._generator) if self._keeper else None
        if earlier:
            return earlier
        step = network.factor
        pieces = [self._held(e, step).training(e) for e in examples]
        # A clip that is shorter than the crops gets shorter ones.
        longest = max(len(piece) for piece in pieces) // step
        pairs = replace(self.pairs, frames=max(3, min(self.pairs.frames, longest)))
        source = PairSource(pieces, pairs, step, network.exposure)

        def score(candidate: StepNetwork) -> float:
            gain = self.gain(candidate, examples)
            if math.isfinite(gain):
                self.curve.append(("adapt" if known else "fit", self.steps_made, gain))
            if not known:
                return gain
            begun = 0 < self.steps_made < steps
            return -math.inf if begun and promising and not promising(candidate) else 0.0

        def on_step(now: int) -> None:
            self.steps_made = now
            self._on_step(now)

        # Where something is known, held-out frames are told, and decide nothing.
        regime = Regime(
            replace(self.settings, patience=1) if known else self.settings,
            steps,
            rate=self.settings.finetune_rate if known else None,
            slack=math.inf if known else _SLACK,
            precision=self.precision,
            marks=(BEGUN,) * bool(promising) + (1.0,) * known,
        )
        hooks = Hooks(on_step, self._enough, self._keeper)
        result = fit(network, source, regime, self._generator, score, hooks)
        self.steps_made = result.steps  # if it had ended when an earlier run was interrupted, too
        if self._keeper:
            self._keeper.finish(network, self._generator, result)
        return result

    def error_of_slower(self, network: StepNetwork, clip: Tensor) -> float:
        """Of held-out frames, as a camera of half the rate sees them at half the size.

        At that size it sees the motion that the stage does.
        """
        kept, around = self._held(clip, SLOWER).kept, SLOWER * (network.reach[0] + 1)
        first = max(0, kept.start - around)
        seen = clip[first : kept.stop + around]
        counted = range(kept.start - first, kept.stop - first)
        seen = seen[: len(seen) // SLOWER * SLOWER]
        return error_of_slower(network, seen, Fraction(1), counted, self.precision)

    def gain(self, network: StepNetwork, clips: list[Tensor]) -> float:
        """Over linear interpolation on held-out frames, dB: that of the clip with the least."""
        network.eval()
        step = network.factor
        return min(self._held(c, step).gain(network, c, self.precision) for c in clips)

    def _held(self, clip: Tensor, step: int) -> HeldOut:
        return HeldOut(len(clip), step, len(clip) // self.frames)
