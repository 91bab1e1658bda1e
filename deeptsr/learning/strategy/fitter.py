"""What fits one stage, and the state that a fit can go back to."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from deeptsr.config import Options
from deeptsr.learning.checkpoints import Checkpoints, StageKeeper
from deeptsr.learning.fit import FitResult, fit
from deeptsr.learning.held_out import HeldOut
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.learning.strategy import bounds
from deeptsr.networks import StepNetwork

__all__ = ["Fitter", "Snapshot"]


class Fitter:
    """Fits one stage's network, in one or several goes that count their steps together."""

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
        self.precision, self.made = precision, 0
        self.aliased = False  # whether motion is, as the first stage finds
        self._frames = frames  # of the input: the same moments are held out of all examples
        self.curve: list[tuple[str, int, float]] = []
        self._step, self._on_step, self._enough = 0, on_step, enough
        self._generator = torch.Generator(device).manual_seed(options.seed + number)
        self._keeper = StageKeeper(self, number, checkpoints) if checkpoints else None

    def __call__(
        self,
        network: StepNetwork,
        examples: list[Tensor],
        judges: list[Tensor],
        steps: int,
        slack: float = bounds.SLACK,
        rate: float | None = None,
        name: str = "fit",
        doubt: Callable[[StepNetwork], bool] = lambda network: False,
    ) -> FitResult:
        """Fit on pairs of the examples but their held-out frames, judged by those of the judges.

        Without judges the last weights are kept. For ``doubt`` see ``learning.fit``.
        """
        found = self._keeper.next(network, self._generator) if self._keeper else None
        if found:
            return found
        step = network.factor
        pieces = [self._held(e, step).training(e) for e in examples]
        # Shorter crops for a clip that is shorter than they are.
        longest = max(len(piece) for piece in pieces) // step
        pairs = replace(self.pairs, frames=max(3, min(self.pairs.frames, longest)))
        source = PairSource(pieces, pairs, step, network.exposure)
        before = self._step = self.made

        def score(candidate: StepNetwork) -> float:
            candidate.eval()
            gains = [self._held(j, step).gain(candidate, j, self.precision) for j in judges]
            found = min(gains, default=0.0)
            if judges and math.isfinite(found):
                self.curve.append((name, self._step, found))
            return found

        def on_step(now: int) -> None:
            self._step = before + now
            self._on_step(self._step)

        result = fit(
            network,
            source,
            self.settings,
            self._generator,
            score,
            steps=steps,
            slack=slack,
            rate=rate,
            precision=self.precision,
            on_step=on_step,
            keeper=self._keeper,
            enough=self._enough,
            doubt=doubt,
        )
        self.made = before + result.steps
        if self._keeper:
            self._keeper.finish(network, self._generator, result)
        return result

    @property
    def draws(self) -> Tensor:
        """The state of the random draws."""
        return self._generator.get_state()

    @draws.setter
    def draws(self, state: Tensor) -> None:
        self._generator.set_state(state)

    def _held(self, clip: Tensor, step: int) -> HeldOut:
        return HeldOut(len(clip), step, len(clip) // self._frames)


class Snapshot:
    """What a fit goes on from."""

    def __init__(self, fitter: Fitter, network: StepNetwork) -> None:
        self._fitter, self._network = fitter, network
        self._weights, self._draws = copy.deepcopy(network.state_dict()), fitter.draws
        self._pairs = fitter.pairs

    def restore(self) -> None:
        """Go back to it."""
        self._network.load_state_dict(self._weights)
        self._fitter.draws, self._fitter.pairs = self._draws, self._pairs
