"""Fits one stage: several goes, of which the one that agrees best with itself wins."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deeptsr.config import Options, PairSettings
from deeptsr.fit import FitResult, fit
from deeptsr.heldout import HeldOut
from deeptsr.imaging.exposure import correct, expose, of_step
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.keeping import Checkpoints, StageKeeper
from deeptsr.networks import StepNetwork
from deeptsr.pairs import PairSource
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream
from deeptsr.pyramid.trust import changes, detour, disagreement, evenness, removed, restore_again

__all__ = ["JUDGED", "LATER_ROUNDS", "Fitter", "fit_first", "fit_later"]

_SLACK = 0.3  # dB on held-out frames, which are few, that count as no worse;
_LOOSE = 1.5  # at the first stage they fell by as much while the truth rose (measurements.md)
_SHY = 0.5  # share of its boldness on a slower version; measured, below 0.24 where motion is
# aliased, and above 0.73 elsewhere (measurements.md)
_TORN = 0.65  # the same after some 200 steps; measured, 0.5 where motion is aliased in part of the
# time, and above 0.8 elsewhere
_LEVEL = 1 / 255  # root mean square of a change that is not worth its risk, as nobody can see it
_SURE = 0.7  # share of a change that improves, below which an aliased motion may go the wrong way;
# measured, 0.57 and 0.65 of fans that did, 0.74 and more of what goes the right way
_FAR = 1.0  # detour of the first stage that is not believed even where motion is aliased: there the
# longer way of a turn is twice the shorter; measured, 0.73 and 0.82 of fan and wheel, mended
_LEAPS = 0.5  # evenness below which neither is such a result; measured, 0.9 to 1.4 of what goes the
# right way, 0.4 of what leaps
_SETTLED = 0.9  # share of a change that improves, from which no further round is made
_SPEEDS = (1, 2, 4, 8)  # pixels a frame, of frames in translation where a stage has no others
_SLOW = (1, 2, 4)  # the same, beside others,
_SOME = 3 / 7  # and how many of them for each of those
_DETOUR = 2 / 3  # that a result may make where motion is not aliased, as at later stages; measured,
# 0.25 to 0.44, and 0.87 to 0.91 the long way round
_ROUND = 160  # steps of a round of the first stage where all motion is aliased, at most: in longer
# ones it learns to go by how things seem to move (measurements.md)
LATER_ROUNDS = 3  # of a later stage, at most: at its size they take long
JUDGED = 4_000_000  # pixels x frames of a stage's input that agreement looks at, at most
_GIVEN = "given mix"
_NOTHING = 1e-9  # mean square of no change at all


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
        slack: float = _SLACK,
        rate: float | None = None,
        name: str = "fit",
        doubt: Callable[[StepNetwork], bool] = lambda network: False,
    ) -> FitResult:
        """Fit on pairs of the examples but their held-out frames, judged by those of the judges.

        Without judges the last weights are kept. For ``doubt`` see :func:`deeptsr.fit.fit`.
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


def fit_first(fitter: Fitter, network: StepNetwork, clip: Tensor) -> FitResult:
    """Fit the coarsest stage: choose the mix of pairs, then go on with it."""
    clip, mixed = clip.clamp(0, 1), fitter.pairs
    if mixed.moved:
        return _fit_moved(fitter, network, clip)
    begun = _State(fitter, network)
    if mixed.if_alone:
        result = _choose(fitter, network, clip, mixed.if_alone)
    else:
        result = fitter(network, [clip], [clip], fitter.settings.steps, name=_GIVEN)
    result = _go_on(fitter, network, clip, result)
    if mixed.probe and result.score > 0 and _strays(fitter, network, clip):
        _go_back_to_translations(fitter, begun)
        return _fit_moved(fitter, network, clip)
    if _changed(fitter, network, _judged(clip)).max() < _LEVEL**2:
        return replace(result, score=0.0)
    return result


def _strays(fitter: Fitter, network: StepNetwork, clip: Tensor) -> bool:
    """Whether a result goes another way than the shortest without a reason to, or leaps.

    Either way of a steady rotation explains a video, and pairs speak for one of the two by chance:
    so the longer one is believed only where motion is aliased, and unless it is much longer.
    """
    found = _agreement(fitter, network, clip)
    if not fitter.aliased:
        return found.detour > _DETOUR
    return found.detour > _FAR or (fitter.pairs.alone and found.evenness < _LEAPS)


def _fit_moved(fitter: Fitter, network: StepNetwork, clip: Tensor) -> FitResult:
    """Fit on frames in translation alone, which held-out frames, means of several, misjudge."""
    result = _fit_translations(fitter, network, clip)
    return replace(result, score=_agreement(fitter, network, clip).gain_db)


def _fit_translations(fitter: Fitter, network: StepNetwork, clip: Tensor) -> FitResult:
    settings = fitter.settings
    steps = settings.steps + settings.bootstrap_rounds * settings.bootstrap_steps
    return fitter(network, [clip], [], steps, slack=math.inf, name="translations")


def _go_back_to_translations(fitter: Fitter, begun: _State) -> None:
    begun.restore()
    fitter.pairs = replace(fitter.pairs, within=0.0, across=0.0, shift=1.0, speeds=_SPEEDS)


def _choose(fitter: Fitter, network: StepNetwork, clip: Tensor, alone: PairSettings) -> FitResult:
    """Fit with the given mix or, where motion is aliased, on the same dimension alone.

    Pairs of swapped dimensions help most videos, and mislead where motion is aliased (section 5.1).
    Then a network does with the video next to nothing of what it does with its slower version, of
    which the pairs are: it looks so different.
    """
    begun = _State(fitter, network)
    result = fitter(network, [clip], [clip], fitter.settings.steps, name=_GIVEN)
    if not _shy(fitter, network, clip, _SHY):
        return result
    begun.restore()  # so that it goes on as if it had had no rival
    fitter.pairs, fitter.aliased = alone.shortened, True
    return fitter(network, [clip], [clip], fitter.settings.steps, name="same dimension alone")


def _shy(fitter: Fitter, network: StepNetwork, clip: Tensor, share: float) -> bool:
    """Whether a network does less with a video than a share of what it does with a slower one."""
    step = network.factor
    slower = expose(clip[: len(clip) // step * step], step, network.exposure)
    return _boldness(fitter, network, clip) < share * _boldness(fitter, network, slower)


def _boldness(fitter: Fitter, network: StepNetwork, clip: Tensor) -> float:
    """What a network changes interpolation by, as a share of how much the frames differ."""
    clip = _judged(clip)
    apart = clip.diff(dim=0).square().mean().item()
    return math.sqrt(_changed(fitter, network, clip).mean().item() / max(apart, _NOTHING))


class _State:
    """What a fit goes on from."""

    def __init__(self, fitter: Fitter, network: StepNetwork) -> None:
        self._fitter, self._network = fitter, network
        self._weights, self._draws = copy.deepcopy(network.state_dict()), fitter.draws
        self._pairs = fitter.pairs

    def restore(self) -> None:
        """Go back to it."""
        self._network.load_state_dict(self._weights)
        self._fitter.draws, self._fitter.pairs = self._draws, self._pairs


def _go_on(fitter: Fitter, network: StepNetwork, clip: Tensor, result: FitResult) -> FitResult:
    """Fit on; where all pairs are from the same dimension, on the network's own result, too."""
    rounds, steps = fitter.settings.bootstrap_rounds, fitter.settings.bootstrap_steps
    if not rounds:
        return result
    if fitter.pairs.alone:
        result, found = _go_rounds(fitter, network, clip, result, rounds, min(_ROUND, steps))
        unsure = fitter.aliased and found.share < _SURE
        return replace(result, score=0.0) if unsure else result
    begun, mixed = _State(fitter, network), fitter.pairs
    probed = mixed.probe and mixed.shift > 0

    def doubt(candidate: StepNetwork) -> bool:
        return probed and _shy(fitter, candidate, clip, _TORN)

    total = rounds * steps
    again = fitter(network, [clip], [clip], total, slack=_LOOSE, name="round 1", doubt=doubt)
    if again.doubted:  # translations of a still frame say that nothing is aliased
        begun.restore()
        fitter.aliased = True
        fitter.pairs = replace(mixed, across=mixed.across + mixed.shift, shift=0.0)
        again = fitter(network, [clip], [clip], total, slack=_LOOSE, name="without translations")
    return FitResult(again.steps, again.score, result.improved or again.improved)


def _go_rounds(
    fitter: Fitter,
    network: StepNetwork,
    clip: Tensor,
    result: FitResult,
    rounds: int,
    steps: int,
    hopeless: Callable[[_Agreement], bool] = lambda found: False,
) -> tuple[FitResult, _Agreement]:
    """Fit on, on the network's own result, too, until it agrees with itself.

    The result holds frame rates between those of the input: the mean of 3 of its frames has seen
    3/2 of an input frame's time. Where a motion is aliased at every multiple of the input's rate,
    only these tell its true direction. Held-out frames do not: what agrees best with itself is
    kept.
    """
    best = _Agreement(-math.inf, 0.0, math.inf, 0.0)
    kept = network.state_dict()
    for number in range(1, rounds + 1):
        shown, slack = [clip], _LOOSE
        if number > 1:  # by then it shows which way things turn
            shown.append(predict(network, clip, precision=fitter.precision).clamp(0, 1))
            slack = math.inf
        again = fitter(network, shown, [clip], steps, slack=slack, name=f"round {number}")
        found = _agreement(fitter, network, clip)
        if found.removed >= best.removed:
            best, kept = found, copy.deepcopy(network.state_dict())
            result = FitResult(again.steps, again.score, result.improved or again.improved)
        if found.share >= _SETTLED or (number > 1 and hopeless(found)):
            break
    network.load_state_dict(kept)
    return result, best


@dataclass(frozen=True)
class _Agreement:
    """What a network's result on a clip says of itself, without a truth."""

    removed: float  # of interpolation's mean square error
    share: float  # that this is of its change of interpolation, in [0, 1]
    detour: float  # that it makes between the frames of the clip
    evenness: float  # with which it goes on

    @property
    def gain_db(self) -> float:
        """That it has over interpolation, where its error is half of what they disagree by."""
        return 10 * math.log10((1 + self.share) / max(1 - self.share, _NOTHING))


def _changed(fitter: Fitter, network: StepNetwork, clip: Tensor) -> Tensor:
    """Mean square of what a network changes interpolation by, (T, rows, columns)."""
    return _change(network, predict(network, clip, precision=fitter.precision), clip)


def _change(network: StepNetwork, made: Tensor, clip: Tensor) -> Tensor:
    step, exposure = network.factor, network.exposure
    plain = correct(interpolate_time(clip, step, exposure), clip, step, exposure)
    return changes(made, plain, step)


def _judged(clip: Tensor) -> Tensor:
    """The middle of a clip, as long as there is time and memory to look at."""
    affordable = max(8, JUDGED // (clip.shape[1] * clip.shape[2]))
    first = max(0, len(clip) - affordable) // 2
    return clip[first : first + affordable]


def _agreement(fitter: Fitter, network: StepNetwork, clip: Tensor) -> _Agreement:
    step, exposure = network.factor, network.exposure
    clip = _judged(clip)
    made = predict(network, clip, precision=fitter.precision)
    again = restore_again(network, made, fitter.precision)
    change = _change(network, made, clip)
    better = removed(disagreement(made, again, step), change)
    share = better / max(change.mean().item(), _NOTHING)
    return _Agreement(better, share, detour(made, clip, step, exposure), evenness(made, step))


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

    Where all pairs of the first stage are from the same dimension, motion is aliased in the first
    clip and in all that can be cut from the second, but not in the second itself: there it goes the
    shortest way. So the stage is fitted anew, on the second alone and on frames of it in
    translation, in rounds as the first one; where that goes the long way round, on translations
    alone. It is judged not by held-out frames but by whether it agrees with itself and goes the
    shortest way.
    """
    estimate = _estimate(fitter, clip, below, stage)
    if fitter.pairs.alone:
        return _fit_anew(fitter, network, estimate)
    slow = Stage(stage.scale / stage.done, 1, 1).size(*clip.shape[1:3])
    examples = [estimate]
    if of_step(fitter.exposure, stage.done) == fitter.exposure:  # else its frames do not touch yet
        examples.insert(0, resize(clip, slow).clamp(0, 1))
    rate = None
    if carried:
        network.load_state_dict(carried.state_dict())
        rate = fitter.settings.finetune_rate
    return fitter(network, examples, examples, steps, rate=rate, name="fine-tuning")


def _goes_wrong(found: _Agreement) -> bool:
    """Whether a result knows no way between the frames of its clip, or goes the long one round."""
    return not found.share or found.detour > _DETOUR


def _fit_anew(fitter: Fitter, network: StepNetwork, estimate: Tensor) -> FitResult:
    """Fit a later stage of a video whose motion is aliased, in one way or two."""
    begun, alone = _State(fitter, network), fitter.pairs
    fitter.pairs = replace(alone, shift=_SOME * alone.within, speeds=_SLOW)
    result = fitter(
        network, [estimate], [estimate], fitter.settings.steps, name="some translations"
    )
    rounds = min(LATER_ROUNDS, fitter.settings.bootstrap_rounds)
    steps = fitter.settings.bootstrap_steps
    result, found = _go_rounds(fitter, network, estimate, result, rounds, steps, _goes_wrong)
    if _goes_wrong(found):
        _go_back_to_translations(fitter, begun)
        result = _fit_translations(fitter, network, estimate)
        found = _agreement(fitter, network, estimate)
    return replace(result, score=0.0 if _goes_wrong(found) else found.gain_db)


def _estimate(fitter: Fitter, clip: Tensor, below: tuple[FittedStage, ...], stage: Stage) -> Tensor:
    """Make of a clip what a stage is given: (T * done, H, W, 3) at its size."""
    made = torch.empty(len(clip) * stage.done, *stage.size(*clip.shape[1:3]), 3).to(clip)
    chunk, done = max(1, fitter.voxels * len(clip) // made[..., 0].numel()), 0
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
        made[done : done + len(part)] = part
        done += len(part)
    return made.clamp_(0, 1)
