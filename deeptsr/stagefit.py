"""Fits one stage: several goes, of which the one that agrees best with itself wins."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from deeptsr.config import Options, PairSettings
from deeptsr.exposure import correct
from deeptsr.fit import FitResult, fit
from deeptsr.heldout import HeldOut
from deeptsr.keeping import Checkpoints, StageKeeper
from deeptsr.networks import StepNetwork
from deeptsr.pairs import PairSource
from deeptsr.plan import Stage
from deeptsr.predict import predict
from deeptsr.pyramid import FittedStage, stream
from deeptsr.resample import interpolate_time, resize
from deeptsr.trust import changes, disagreement, removed, restore_again

__all__ = ["Fitter", "fit_first", "fit_later"]

_SLACK = 0.3  # dB on held-out frames, which are few, that count as no worse


class Fitter:
    """Fits one stage's network, in one or several goes that count their steps together."""

    def __init__(
        self,
        options: Options,
        number: int,
        precision: torch.dtype,
        on_step: Callable[[int], None],
        device: torch.device,
        checkpoints: Checkpoints | None,
        rival: PairSettings | None,
        enough: Callable[[], bool],
    ) -> None:
        self.pairs, self.rival, self.settings = options.pairs, rival, options.fit
        self.exposure, self.rounds = options.exposure, options.pyramid.rounds
        self.voxels = options.pyramid.voxels
        self.precision, self.made = precision, 0
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
        slack: float = _SLACK,
        rate: float | None = None,
        name: str = "fit",
    ) -> FitResult:
        """Fit on pairs of the examples but their held-out frames, judged by those of the judges."""
        found = self._keeper.next(network, self._generator) if self._keeper else None
        if found:
            return found
        step, input_frames = network.factor, len(examples[0])
        pieces = [self._held(e, step, input_frames).training(e) for e in examples]
        # Shorter crops for a clip that is shorter than they are.
        longest = max(len(piece) for piece in pieces) // step
        pairs = replace(self.pairs, frames=max(3, min(self.pairs.frames, longest)))
        source = PairSource(pieces, pairs, step, self.exposure)
        before = self._step = self.made

        def score(candidate: StepNetwork) -> float:
            candidate.eval()
            found = min(
                self._held(j, step, input_frames).gain(candidate, j, self.precision) for j in judges
            )
            if math.isfinite(found):
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

    @staticmethod
    def _held(clip: Tensor, step: int, input_frames: int) -> HeldOut:
        return HeldOut(len(clip), step, len(clip) // input_frames)


@dataclass(frozen=True)
class _Candidate:
    """One way to fit a stage."""

    name: str
    pairs: PairSettings
    weights: dict[str, Any]  # to start from
    rate: float | None = None


def fit_first(fitter: Fitter, network: StepNetwork, clip: Tensor) -> FitResult:
    """Fit the coarsest stage: choose the mix of pairs, then bootstrap."""
    examples, settings = [clip.clamp(0, 1)], fitter.settings
    start, mixed = copy.deepcopy(network.state_dict()), fitter.pairs
    candidates = [_Candidate("given mix", mixed, start)]
    if mixed.probe and mixed.within and not mixed.alone:
        # Uniform motion wants the swapped dimensions; rotation is misled by them (section 5.1).
        alone = replace(mixed, across=0.0, shift=0.0)
        candidates.append(_Candidate("same dimension alone", alone, start))
    result = _best(fitter, network, examples, settings.steps, candidates)
    rounds, steps = settings.bootstrap_rounds, settings.bootstrap_steps
    if not fitter.pairs.alone:
        rounds, steps = min(1, rounds), rounds * steps
    for number in range(1, rounds + 1):
        shown = list(examples)
        if fitter.pairs.alone:
            # The network's own result holds frame rates between those of the input: the mean of 3
            # of its frames has seen 3/2 of an input frame's time. Where a motion is aliased at
            # every multiple of the input's rate, only these tell its true direction.
            shown.append(predict(network, examples[0], precision=fitter.precision).clamp(0, 1))
        again = fitter(network, shown, examples, steps, name=f"round {number}")
        result = FitResult(again.steps, again.score, result.improved or again.improved)
    return result


def _best(
    fitter: Fitter,
    network: StepNetwork,
    examples: list[Tensor],
    steps: int,
    candidates: list[_Candidate],
) -> FitResult:
    """Fit in several ways, and keep the one that agrees best with itself on the last example.

    The held-out frames are a slow camera's, at a multiple of the video's speed: where motion is
    aliased they say nothing of the video itself. Agreement there does; where it is mute, they
    decide.
    """
    draws, top = fitter.draws, (-math.inf, -math.inf)
    for candidate in candidates:
        network.load_state_dict(candidate.weights)
        # All begin with the same draws, so that the winner goes on as if it had had no rival.
        fitter.pairs, fitter.draws = candidate.pairs, draws
        found = fitter(network, examples, examples, steps, rate=candidate.rate, name=candidate.name)
        if len(candidates) == 1:
            return found
        merit = (_agreement(fitter, network, examples[-1]), found.score)
        if merit > top:
            top, result, pairs, drawn = merit, found, fitter.pairs, fitter.draws
            kept = copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    fitter.pairs, fitter.draws = pairs, drawn
    return result


def _agreement(fitter: Fitter, network: StepNetwork, clip: Tensor) -> float:
    """How much of interpolation's error the network takes away, in its own view."""
    step, exposure = network.factor, fitter.exposure
    affordable = max(8, fitter.voxels // (2 * step * clip.shape[1] * clip.shape[2]))
    first = max(0, len(clip) - affordable) // 2
    clip = clip[first : first + affordable]
    made = predict(network, clip, precision=fitter.precision)
    again = restore_again(network, made, fitter.precision)
    plain = correct(interpolate_time(clip, step, exposure), clip, step, exposure)
    return removed(disagreement(made, again, step), changes(made, plain, step))


def fit_later(
    fitter: Fitter,
    network: StepNetwork,
    clip: Tensor,
    below: tuple[FittedStage, ...],
    stage: Stage,
    carried: StepNetwork | None,
    steps: int,
) -> FitResult:
    """Fit a finer stage, on the video itself and on what was made of it so far.

    The frames of the first are true, and at the size taken here, down the diagonal of figure 7, its
    motion in pixels a frame is that of the task; the second has the task's size and blur.
    """
    estimate = torch.empty(len(clip) * stage.done, *stage.size(*clip.shape[1:3]), 3).to(clip)
    chunk = max(1, fitter.voxels * len(clip) // estimate[..., 0].numel())
    made = 0
    for part in stream(
        below,
        clip,
        len(clip),
        chunk,
        exposure=fitter.exposure,
        rounds=fitter.rounds,
        precision=fitter.precision,
        scale=stage.scale,
    ):
        estimate[made : made + len(part)] = part
        made += len(part)
    slow = Stage(stage.scale / stage.done, 1, 1).size(*clip.shape[1:3])
    examples = [resize(clip, slow).clamp(0, 1), estimate.clamp_(0, 1)]
    fresh = copy.deepcopy(network.state_dict())
    weights, rate = (
        (carried.state_dict(), fitter.settings.finetune_rate) if carried else (fresh, None)
    )
    candidates = [_Candidate("fine-tuning", fitter.pairs, weights, rate)]
    if fitter.rival:
        candidates.append(_Candidate("given mix", fitter.rival, fresh))
    return _best(fitter, network, examples, steps, candidates)
