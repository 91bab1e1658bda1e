"""Fits every stage of the pyramid on an excerpt of the video, coarse to fine, each one guarded."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from deeptsr.config import Options
from deeptsr.events import Listener, Progress, StageFitted, ignore
from deeptsr.exposure import expose
from deeptsr.fit import FitResult, fit
from deeptsr.networks import StepNetwork, build
from deeptsr.pairs import PairSource
from deeptsr.plan import Stage
from deeptsr.predict import predict
from deeptsr.pyramid import FittedStage, climb
from deeptsr.resample import interpolate_time, resize

__all__ = ["Checkpoints", "HeldOut", "fit_stages", "fold_of", "gain"]

_EVEN = 1e-8  # added to mean square errors: a static clip has a gain of 0 dB, not 0/0
_FOLDED_SIDE = 150  # pixels of the short side from which the compact network folds 2 x 2
_SLACK = 0.3  # dB on held-out frames, which are few, that count as no worse
_BOOTSTRAP_SLACK = 2.0  # the same for the bootstrap, which teaches what they do not ask


class Checkpoints(Protocol):
    """Where fitted stages are kept."""

    def restore(self, number: int, network: StepNetwork) -> StageFitted | None:
        """Load a stage's weights into ``network``; None when they are not there."""

    def save(self, number: int, network: StepNetwork | None, event: StageFitted) -> None:
        """Keep a stage."""


def gain(made: Tensor, linear: Tensor, truth: Tensor) -> float:
    """How much closer to the truth ``made`` is than ``linear``, dB of mean square error."""
    error = (made.clamp(0, 1) - truth).square().mean().item() + _EVEN
    return 10 * math.log10(((linear.clamp(0, 1) - truth).square().mean().item() + _EVEN) / error)


class HeldOut:
    """A run of frames that no training pair sees, and how well a network restores it."""

    def __init__(self, length: int, step: int) -> None:
        """Choose the run: the last eighth of the clip, in whole groups of ``step``.

        At the end, since what is left must be long: its means of 3 and 5 frames, too, are examples.

        Args:
            length: frames of the clip.
            step: frames that an LTR frame of a pair is made of.
        """
        groups = length // step
        count = max(2, groups // 8) if groups >= 8 else 0  # a shorter clip is all needed to learn
        first = groups - count
        self.step = step
        self.kept = range(first * step, (first + count) * step) if count else range(groups * step)
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

    Returns:
        One fitted stage for each of the plan.

    A stage starts from the weights of the one before where the shapes agree, and ends with the best
    weights that validation saw, those included; where none of them beat linear interpolation it
    interpolates. Paper section 4.2 suggests this fine-tuning and leaves it out for its cost.
    """
    fitted: list[FittedStage] = []
    previous: StepNetwork | None = None
    for number, stage in enumerate(plan):
        fold = fold_of(stage, *clip.shape[1:3])
        torch.manual_seed(options.seed + number)  # of the layers' initial weights
        network = build(options.network, stage.step, options.exposure, fold).to(clip.device)
        event = checkpoints.restore(number, network) if checkpoints else None
        if event is None:
            carried = previous is not None and _same_shapes(previous, network)
            if carried and previous is not None:
                network.load_state_dict(previous.state_dict())
            steps = options.fit.finetune_steps if carried else options.fit.steps
            total = (
                steps
                if fitted
                else steps + options.fit.bootstrap_rounds * options.fit.bootstrap_steps
            )

            def on_step(step: int, number: int = number, steps: int = total) -> None:
                detail = f"stage {number + 1} of {len(plan)}: fitting, step {step} of {steps}"
                on_event(Progress(fraction(number, step / steps), "fit", detail))

            began = time.monotonic()
            result = _fit_stage(
                clip, tuple(fitted), stage, network, options, steps, number, precision, on_step
            )
            outcome = "fitted" if result.improved else "kept the previous stage's weights"
            event = StageFitted(
                stage=number + 1,
                stages=len(plan),
                label=stage.label,
                gain_db=result.score,
                steps=result.steps,
                seconds=time.monotonic() - began,
                outcome=outcome if result.score > 0 else "interpolates",
            )
            if checkpoints:
                checkpoints.save(number, network, event)
        on_event(event)
        on_event(Progress(fraction(number, 1.0), "fit", f"stage {number + 1} of {len(plan)}: done"))
        usable = event.outcome != "interpolates"
        fitted.append(FittedStage(stage, network.eval() if usable else None))
        previous = network if usable else previous
    return tuple(fitted)


def _fit_stage(
    clip: Tensor,
    below: tuple[FittedStage, ...],
    stage: Stage,
    network: StepNetwork,
    options: Options,
    steps: int,
    number: int,
    precision: torch.dtype,
    on_step: Callable[[int], None],
) -> FitResult:
    """Fit one stage's network in place."""
    size = stage.size(*clip.shape[1:3])
    # What can be learnt from, and judged by: the video itself at this size, whose frames are true,
    # and what the stages below made of it, whose blur is that of the task.
    examples = [resize(clip, size).clamp(0, 1)]
    if below:
        estimate = climb(
            below,
            clip,
            exposure=options.exposure,
            rounds=options.pyramid.rounds,
            precision=precision,
            scale=stage.scale,
        )
        examples.append(estimate.clamp(0, 1))
    generator = torch.Generator(clip.device).manual_seed(options.seed + number)
    result = _fit_examples(
        network, examples, examples, options, generator, steps, _SLACK, precision, on_step
    )
    if below:
        return result
    # The fitted network's own result holds frame rates between those of the input: the mean of 3 of
    # its frames has seen 3/2 of an input frame's time. Where a motion is aliased at every multiple
    # of the input's rate, only these pairs tell the true direction from the apparent one.
    for _ in range(options.fit.bootstrap_rounds):
        own = predict(network, examples[0], precision=precision).clamp(0, 1)
        made = result.steps
        again = _fit_examples(
            network,
            [*examples, own],
            examples,
            options,
            generator,
            options.fit.bootstrap_steps,
            _BOOTSTRAP_SLACK,
            precision,
            lambda step, made=made: on_step(made + step),
        )
        improved = result.improved or again.improved
        result = FitResult(made + again.steps, again.score, improved)
    return result


def _fit_examples(
    network: StepNetwork,
    examples: list[Tensor],
    judges: list[Tensor],
    options: Options,
    generator: torch.Generator,
    steps: int,
    slack: float,
    precision: torch.dtype,
    on_step: Callable[[int], None],
) -> FitResult:
    """Fit on pairs of all examples but their held-out frames, judged by those of the judges."""
    held = [HeldOut(len(example), network.factor) for example in examples]
    pieces = [h.training(e) for h, e in zip(held, examples, strict=True)]
    # Shorter crops for a clip that is shorter than they are.
    longest = max(len(piece) for piece in pieces) // network.factor
    pairs = replace(options.pairs, frames=max(3, min(options.pairs.frames, longest)))
    source = PairSource(pieces, pairs, network.factor, options.exposure)

    def score(candidate: StepNetwork) -> float:
        candidate.eval()
        gains = [h.gain(candidate, e, precision) for h, e in zip(held, judges, strict=False)]
        return min(gains)

    return fit(
        network,
        source,
        options.fit,
        generator,
        score,
        steps=steps,
        slack=slack,
        precision=precision,
        on_step=on_step,
    )


def _same_shapes(one: StepNetwork, other: StepNetwork) -> bool:
    shapes = [{k: v.shape for k, v in n.state_dict().items()} for n in (one, other)]
    return shapes[0] == shapes[1]
