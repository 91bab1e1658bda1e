"""Fits every stage of the pyramid on an excerpt of the video, coarse to fine, each one guarded."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from deeptsr.config import Options, PairSettings
from deeptsr.events import Listener, Progress, StageFitted, ignore
from deeptsr.exposure import correct, expose
from deeptsr.fit import FitResult, fit
from deeptsr.keeping import Checkpoints, StageKeeper
from deeptsr.mix import propose
from deeptsr.networks import StepNetwork, build
from deeptsr.pairs import PairSource
from deeptsr.plan import Stage
from deeptsr.predict import predict
from deeptsr.pyramid import FittedStage, stream
from deeptsr.resample import interpolate_time, resize
from deeptsr.trust import changes, disagreement, removed, restore_again

__all__ = ["HeldOut", "fit_stages", "fold_of", "gain", "steps_of_stage"]

_EVEN = 1e-8  # added to mean square errors: a static clip has a gain of 0 dB, not 0/0
_FOLDED_SIDE = 300  # pixels of the short side from which the compact network folds 2 x 2
_INTERPOLATES = "interpolates"
_SLACK = 0.3  # dB on held-out frames, which are few, that count as no worse


def gain(made: Tensor, linear: Tensor, truth: Tensor) -> float:
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
        self.learnt = count == 0

    def training(self, clip: Tensor) -> Tensor:
        """What is left of the clip for training."""
        return clip if self.learnt else clip[: self.kept.start]

    def gain(self, network: StepNetwork, clip: Tensor, precision: torch.dtype) -> float:
        """The network's gain over linear interpolation on the held-out frames, dB."""
        around = network.reach[0] * self.step
        start = max(0, self.kept.start - around)
        stop = min(len(clip) // self.step * self.step, self.kept.stop + around)
        ltr = expose(clip[start:stop], self.step, network.exposure)
        inner = slice(self.kept.start - start, self.kept.stop - start)
        linear = interpolate_time(ltr, self.step, network.exposure)[inner]
        made = predict(network, ltr, precision=precision)[inner]
        return gain(made, linear, clip[self.kept.start : self.kept.stop])


def fold_of(stage: Stage, height: int, width: int) -> int:
    """Coarse levels carry the aliased detail in single pixels; fine ones can be folded."""
    return 2 if min(stage.size(height, width)) >= _FOLDED_SIDE else 1


def fit_stages(
    clip: Tensor,
    plan: tuple[Stage, ...],
    options: Options,
    *,
    precision: torch.dtype = torch.float32,
    on_event: Listener = ignore,
    fraction: Callable[[int, float], float] = lambda stage, share: 0.0,
    checkpoints: Checkpoints | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> tuple[FittedStage, ...]:
    """Fit the pyramid.

    Args:
        clip: excerpt of the video, volume (T, H, W, 3) on the device.
        plan: the stages.
        options: all settings.
        precision: of the convolutions.
        on_event: listener.
        fraction: of the whole job that is done when a stage (from 0) has made a share of its steps.
        checkpoints: where fitted stages are found, and kept.
        enough: asked after each step whether the stage's time is up; ``fraction`` tells the step.

    Returns:
        One fitted stage for each of the plan.

    A stage starts from the weights of the one before where the shapes agree, and ends with the last
    weights that validation found good, those included; where they do not beat linear interpolation
    it interpolates. Paper section 4.2 suggests this fine-tuning and leaves it out for its cost.
    """
    fitted: list[FittedStage] = []
    previous: StepNetwork | None = None
    given = options.pairs
    for number, stage in enumerate(plan):
        fold = fold_of(stage, *clip.shape[1:3])
        with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it is
            torch.manual_seed(options.seed + number)
            network = build(options.network, stage.step, options.exposure, fold).to(clip.device)
        event = checkpoints.restore(number, network) if checkpoints else None
        if event is None:
            carried = previous if previous and _same_shapes(previous, network) else None
            # A motion that was aliased at the coarser stage need not be so at this one.
            rival = given if number and given.probe and options.pairs.alone else None
            steps = steps_of_stage(options, number)
            total = 2 * steps if rival else steps

            def on_step(step: int, number: int = number, total: int = total) -> None:
                detail = f"stage {number + 1} of {len(plan)}: fitting, step {step} of {total}"
                on_event(Progress(fraction(number, min(1.0, step / total)), "fit", detail))

            began = time.monotonic()
            fitter = _Fitter(
                options, number, precision, on_step, clip.device, checkpoints, rival, enough
            )
            if number == 0:
                small = resize(clip, stage.size(*clip.shape[1:3]))
                if fitter.pairs.probe:
                    mix = propose(small, fitter.pairs)
                    on_event(mix)
                    fitter.pairs = replace(
                        fitter.pairs, within=mix.within, across=mix.across, shift=mix.shift
                    )
                result = _fit_first(fitter, network, small)
            else:
                result = _fit_later(fitter, network, clip, tuple(fitted), stage, carried, steps)
            event = StageFitted(
                stage=number + 1,
                stages=len(plan),
                label=stage.label,
                gain_db=result.score,
                steps=fitter.made,
                seconds=time.monotonic() - began,
                outcome=_outcome(result),
                mix=(fitter.pairs.within, fitter.pairs.across, fitter.pairs.shift),
                curve=tuple(fitter.curve),
            )
            if checkpoints:
                checkpoints.save(number, network, event)
        # The next stage takes the mix that this one chose, also when it was restored.
        within, across, shift = event.mix
        mixed = replace(options.pairs, within=within, across=across, shift=shift)
        options = replace(options, pairs=mixed)
        on_event(event)
        on_event(Progress(fraction(number, 1.0), "fit", f"stage {number + 1} of {len(plan)}: done"))
        usable = event.outcome != _INTERPOLATES
        ensemble = options.pyramid.ensemble
        # A motion that is aliased is aliased anew by the later camera, and blurred by the mean.
        twice = ensemble and not options.pairs.alone
        fitted.append(FittedStage(stage, network.eval() if usable else None, ensemble, twice))
        previous = network if usable else previous
    return tuple(fitted)


def _outcome(result: FitResult) -> str:
    if result.score <= 0:
        return _INTERPOLATES
    return "fitted" if result.improved else "kept the previous stage's weights"


def steps_of_stage(options: Options, number: int) -> int:
    """Optimiser steps that a stage, counted from 0, makes at most."""
    settings = options.fit
    if number:
        return round(settings.finetune_steps * settings.finetune_decay ** (number - 1))
    probes = 2 if options.pairs.probe else 1
    return probes * settings.steps + settings.bootstrap_rounds * settings.bootstrap_steps


class _Fitter:
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


def _fit_first(fitter: _Fitter, network: StepNetwork, clip: Tensor) -> FitResult:
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
    fitter: _Fitter,
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


def _agreement(fitter: _Fitter, network: StepNetwork, clip: Tensor) -> float:
    """How much of interpolation's error the network takes away, in its own view."""
    step, exposure = network.factor, fitter.exposure
    affordable = max(8, fitter.voxels // (2 * step * clip.shape[1] * clip.shape[2]))
    first = max(0, len(clip) - affordable) // 2
    clip = clip[first : first + affordable]
    made = predict(network, clip, precision=fitter.precision)
    again = restore_again(network, made, fitter.precision)
    plain = correct(interpolate_time(clip, step, exposure), clip, step, exposure)
    return removed(disagreement(made, again, step), changes(made, plain, step))


def _fit_later(
    fitter: _Fitter,
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


def _same_shapes(one: StepNetwork, other: StepNetwork) -> bool:
    shapes = [{k: v.shape for k, v in n.state_dict().items()} for n in (one, other)]
    return shapes[0] == shapes[1]
