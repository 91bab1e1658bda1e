"""Fitting the stages: what is gained, what is guarded, what is kept."""

import copy
import itertools
import math
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deeptsr.config import FitSettings, NetworkSettings, preset
from deeptsr.events import MixProposed, Progress, StageFitted, to_json
from deeptsr.imaging.exposure import expose, repeat
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning import checkpoints, recipe
from deeptsr.learning import stages as stages_module
from deeptsr.learning.fit import FitResult
from deeptsr.learning.held_out import HeldOut, gain
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.learning.recipe import LATER_ROUNDS, fold_of, has_network, steps_of_stage
from deeptsr.learning.stages import fit_stages
from deeptsr.learning.strategy import bounds, evidence, first_stage, rounds
from deeptsr.learning.strategy import fitter as fitter_module
from deeptsr.learning.strategy.evidence import Agreement
from deeptsr.networks import StepNetwork, build
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import Stage, plan
from tests.synth import FIT, PAIRS, gap, noise, pan, still, tiny

FULL, HALF = Fraction(1), Fraction(1, 2)
TWO = (Stage(HALF, 2, 1), Stage(FULL, 2, 2))
LAZY = replace(FIT, learning_rate=1e-30)  # no step moves any weight
BRISK = FitSettings(
    steps=60, bootstrap_rounds=1, bootstrap_steps=10, finetune_steps=10, learning_rate=5e-3,
    warmup=10, checks=4, patience=4,
)  # fmt: skip


class Shelf:
    """Checkpoints in memory."""

    def __init__(self):
        self.kept = {}
        self.started = {}

    def begun(self, number):
        return copy.deepcopy(self.started.get(number))

    def keep(self, number, state):
        self.started[number] = copy.deepcopy(state)

    def restore(self, number, network):
        weights, event = self.kept.get(number, (None, None))
        if weights is not None:
            network.load_state_dict(weights)
        return event

    def save(self, number, network, event):
        weights = {name: value.clone() for name, value in network.state_dict().items()}
        self.kept[number] = (weights, event)


def fitted(clip, stages=TWO, options=None, **settings):
    """The stages, and all that was told on the way."""
    told = []
    made = fit_stages(clip, stages, options or tiny(), on_event=told.append, **settings)
    return made, told


def outcomes(told):
    return [event for event in told if isinstance(event, StageFitted)]


# --- the frames that are held out ---


@given(length=st.integers(4, 200), step=st.sampled_from([2, 3, 5]))
def test_what_is_held_out_is_a_part_of_the_clip_in_whole_groups(length, step):
    held = HeldOut(length, step)
    frames = torch.arange(length).view(-1, 1, 1, 1)
    training = held.training(frames).flatten().tolist()
    kept = list(held.kept)
    assert set(kept) <= set(range(length // step * step))
    assert held.kept.start % step == len(kept) % step == 0
    if not held.kept.start:
        assert training == list(range(length))
        assert len(kept) == length // step * step
    else:
        assert not set(training) & set(kept)
        assert training == list(range(training[0], training[-1] + 1))
        assert len(training) >= 3 * len(kept)
        assert len(kept) >= step


def test_a_short_clip_is_all_needed_to_learn():
    assert not HeldOut(6, 2).kept.start
    assert HeldOut(48, 2).kept.start


def slow_gain(network, clip, kept, step):
    """The gain as the whole clip gives it."""
    ltr = expose(clip[: len(clip) // step * step], step)
    with torch.no_grad():
        made = network(ltr.movedim(3, 0)[None])[0].movedim(0, 3)
    errors = [
        (v.clamp(0, 1) - clip[: len(v)])[kept.start : kept.stop].square().mean().item() + 1e-8
        for v in (interpolate_time(ltr, step), made)
    ]
    return 10 * math.log10(errors[0] / errors[1])


def test_the_gain_on_held_out_frames_against_the_whole_clip():
    class Sharpen(StepNetwork):
        """Looks nowhere, so that borders do not matter."""

        factor, exposure, reach, multiple, width = 2, "full", (1, 0), 1, 1.0

        def forward(self, ltr):
            made = interpolate_time(ltr, 2, axis=2)
            return made + (made - 0.5) / 10

    clip = pan(40, 12, 14)
    held = HeldOut(40, 2)
    found = held.gain(Sharpen(), clip, torch.float32)
    assert found == pytest.approx(slow_gain(Sharpen(), clip, held.kept, 2), abs=1e-3)


def test_gain_by_hand():
    truth = torch.full((2, 4, 4, 3), 0.5)
    assert gain(truth + 0.01, truth + 0.1, truth) == pytest.approx(20, abs=0.01)
    assert gain(truth + 0.2, truth + 0.1, truth) == pytest.approx(-6.0206, abs=0.01)
    assert gain(truth, truth, truth) == 0
    assert gain(truth + 9, truth + 9, truth) == 0  # beyond white there is nothing
    assert gain(truth, truth + 0.1, truth) < 100


@pytest.mark.parametrize("frames", [12, 16, 17, 24, 33, 35, 48])
def test_no_training_pair_sees_a_held_out_frame(monkeypatch, frames):
    pools = []

    class Spy(PairSource):
        def __init__(self, clips, *rest):
            pools.append(clips)
            super().__init__(clips, *rest)

    monkeypatch.setattr(fitter_module, "PairSource", Spy)
    held = HeldOut(frames, 2)
    clip = torch.zeros(frames, 16, 16, 3)
    if held.kept.start:
        clip[held.kept.start : held.kept.stop] = 1  # nothing else is light
    fitted(clip, options=tiny(fit=LAZY))
    assert len(pools) >= 3  # the first stage, its bootstrap, the second stage
    for piece in itertools.chain(*pools):
        # A frame that was made beside a held-out one may shine a little; it may not show it.
        assert piece.max() < 0.5


# --- what validation found on the way ---


def test_the_curve_tells_every_validation_of_every_fit():
    pairs = replace(PAIRS, within=0.5, across=0.5, probe=True)
    options = tiny(pairs=pairs, fit=replace(FIT, steps=4, checks=2, patience=9))
    _, told = fitted(pan(24, 24, 24), options=options)
    first, second = outcomes(told)
    probed = [("given mix", step) for step in (0, 2, 4)]
    assert [row[:2] for row in first.curve] == [*probed, ("round 1", 4), ("round 1", 5)]
    assert [row[:2] for row in second.curve] == [("fine-tuning", 0), ("fine-tuning", 1)]
    assert [event.curve[-1][1] == event.steps for event in (first, second)] == [True, True]
    assert second.gain_db in [gain for _, _, gain in second.curve]


# --- what is gained ---


def test_true_motion_gains_over_linear_interpolation():
    options = tiny(
        fit=BRISK,
        pairs=replace(
            PAIRS, frames=4, batch=4, scales=(0.7, 1.0), longest_jump=1, within=0.5, across=0.5
        ),
        network=NetworkSettings(channels=8, blocks=1),
    )
    truth = pan(64, 48, 48, speed=1.5)
    clip = expose(truth, 2)
    made, told = fitted(clip, (Stage(FULL, 2, 1),), options)
    (event,) = outcomes(told)
    assert event.outcome == "fitted"
    assert event.gain_db > 0.5
    assert gain(climb(made, clip), interpolate_time(clip, 2), truth) > 0.5


def test_what_learnt_nothing_interpolates():
    # With delta exposure, a fresh network is linear interpolation itself: a tie.
    made, told = fitted(noise(16, 24, 24, 3), options=tiny(fit=LAZY, exposure="delta"))
    assert [stage.network for stage in made] == [None, None]
    assert [event.outcome for event in outcomes(told)] == ["interpolates"] * 2
    assert [event.gain_db for event in outcomes(told)] == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize(("video", "slower", "kept"), [(0.6, 1.0, True), (0.4, 1.0, False)])
def test_a_mix_is_kept_where_it_does_with_the_video_what_it_does_with_a_slower_one(
    monkeypatch, video, slower, kept
):
    answers = iter([2.0, 1.0])

    def made_up(network, *_, steps, **__):
        score = next(answers)
        torch.nn.init.constant_(next(network.parameters()), score)
        return FitResult(steps, score, True)

    def changed(fitter, network, clip):
        bold = video if len(clip) == 8 else slower
        return torch.full((1,), bold**2) * clip.diff(dim=0).square().mean()

    monkeypatch.setattr(fitter_module, "fit", made_up)
    monkeypatch.setattr(evidence, "changed", changed)
    monkeypatch.setattr(evidence, "strays", lambda *given: False)
    pairs = replace(PAIRS, within=0.5, across=0.25, shift=0.25, probe=True)
    options = tiny(pairs=pairs, fit=replace(FIT, bootstrap_rounds=0))
    (stage,), told = fitted(noise(8, 24, 24, 3), TWO[:1], options)
    (event,) = outcomes(told)
    assert event.mix == ((0.5, 0.25, 0.25) if kept else (0.5, 0, 0))
    score = 2.0 if kept else 1.0
    assert event.gain_db == score
    assert event.steps == (1 if kept else 2) * FIT.steps
    weights = next(stage.network.parameters())
    assert torch.equal(weights, torch.full_like(weights, score))


@pytest.mark.parametrize(("levels", "taken"), [(1.1, True), (0.9, False)])
def test_a_change_that_is_less_than_a_level_anywhere_is_not_taken(monkeypatch, levels, taken):
    most = torch.tensor([0.0, (levels / 255) ** 2])
    monkeypatch.setattr(evidence, "changed", lambda *_: most)
    (stage,), told = fitted(pan(24, 24, 24), TWO[1:], tiny(fit=BRISK))
    assert (stage.network is not None) == taken
    assert outcomes(told)[0].outcome == ("fitted" if taken else "interpolates")


def test_a_pan_is_fitted_as_if_pairs_in_translation_were_asked_for():
    clip = pan(12, 32, 32, speed=2)
    auto = replace(PAIRS, within=0.5, across=0.3, shift=0.2, probe=True)
    fixed = replace(auto, within=0.0, across=0.0, shift=1.0, probe=False)
    one, told = fitted(clip, TWO[1:], tiny(pairs=auto))
    other, retold = fitted(clip, TWO[1:], tiny(pairs=fixed))
    assert [event.shift for event in told if isinstance(event, MixProposed)] == [1]
    assert not [event for event in retold if isinstance(event, MixProposed)]
    assert outcomes(told)[0].mix == outcomes(retold)[0].mix == (0, 0, 1)
    assert outcomes(told)[0].gain_db == outcomes(retold)[0].gain_db
    assert torch.equal(climb(one, clip), climb(other, clip))


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_chosen_goes_on_as_it_would_have_without_a_choice(monkeypatch, kept):
    clip = noise(16, 24, 24, 3)
    auto = replace(PAIRS, within=0.5, across=0.3, shift=0.2, probe=True)
    fixed = replace(auto, probe=False)
    if not kept:
        fixed = replace(fixed, across=0.0, shift=0.0)
    monkeypatch.setattr(bounds, "SHY", -1.0 if kept else 1e9)
    monkeypatch.setattr(bounds, "TORN", -1.0)
    one, told = fitted(clip, TWO[1:], tiny(pairs=auto, fit=BRISK))
    other, _ = fitted(clip, TWO[1:], tiny(pairs=fixed, fit=BRISK))
    assert bool(outcomes(told)[0].mix[1]) == kept
    assert torch.equal(climb(one, clip), climb(other, clip))


@pytest.mark.parametrize(("torn", "changes"), [(-1.0, {}), (1e9, {}), (1e9, {"probe": False})])
def test_translations_are_left_out_where_motion_is_aliased_in_part(monkeypatch, torn, changes):
    monkeypatch.setattr(bounds, "SHY", -1.0)
    monkeypatch.setattr(bounds, "TORN", torn)
    pairs = replace(PAIRS, within=0.5, across=0.25, shift=0.25, probe=True)
    options = tiny(pairs=replace(pairs, **changes), fit=replace(FIT, bootstrap_steps=4, checks=2))
    made, told = fitted(noise(16, 24, 24, 3), options=options)
    event, later = outcomes(told)
    again = torn > 0 and not changes
    assert event.aliased == again
    # Then later stages are fitted as if all pairs were from the same dimension.
    assert later.curve[0][0] == ("some translations" if again else "fine-tuning")
    assert later.mix[1] == (0 if again else 0.25)
    assert not any(stage.twice for stage in made) or not again
    assert event.mix == ((0.5, 0.5, 0.0) if again else (0.5, 0.25, 0.25))
    names = list(dict.fromkeys(name for name, _, _ in event.curve))
    assert names == ["given mix", "round 1"] + ["without translations"] * again
    assert event.steps == FIT.steps + (2 + 4 if again else 4)
    assert event.steps <= steps_of_stage(options, 0)


@pytest.mark.parametrize(("share", "detour", "ways"), [(0.5, 0.4, 1), (0.5, 0.9, 2), (0.0, 0.4, 2)])
def test_after_pairs_from_the_same_dimension_a_stage_is_fitted_anew(
    monkeypatch, share, detour, ways
):
    begun, clip, shelf = [], pan(24, 24, 24), Shelf()
    fitted(clip, TWO[:1], tiny(fit=BRISK), checkpoints=shelf)  # what comes now is the later stage's
    call = fitter_module.Fitter.__call__

    def watched(fitter, network, *given, name="fit", **named):
        begun.append((name, copy.deepcopy(network.state_dict()), fitter.pairs, fitter.draws))
        return call(fitter, network, *given, name=name, **named)

    monkeypatch.setattr(fitter_module.Fitter, "__call__", watched)
    monkeypatch.setattr(evidence, "agreement", lambda *_: Agreement(1.0, share, detour, 1.0))
    _, told = fitted(clip, options=tiny(fit=BRISK), checkpoints=shelf)
    names = ["some translations", "round 1", "translations"]
    assert [name for name, *_ in begun] == (names if ways == 2 else names[:2])
    first, event = shelf.kept[0]
    _, weights, pairs, draws = begun[0]
    assert event.mix[0]
    assert any(not torch.equal(weights[name], first[name]) for name in weights)
    assert (pairs.within, pairs.across) == (1, 0)
    assert 0 < pairs.shift < 1
    if ways == 2:  # the long way round, or none: again from the start, on translations alone
        _, weights_then, pairs, draws_then = begun[2]
        assert all(torch.equal(weights[name], weights_then[name]) for name in weights)
        assert torch.equal(draws, draws_then)
        assert (pairs.within, pairs.across, pairs.shift) == (0, 0, 1)
    assert (pairs.within, pairs.across, pairs.shift) == outcomes(told)[1].mix


@pytest.mark.parametrize(
    ("share", "detour", "taken"), [(0.5, 0.4, True), (0.5, 0.9, False), (0.0, 0.4, False)]
)
def test_it_is_taken_where_it_agrees_with_itself_and_goes_the_shortest_way(
    monkeypatch, share, detour, taken
):
    clip, shelf = pan(24, 24, 24), Shelf()
    fitted(clip, TWO[:1], tiny(fit=BRISK), checkpoints=shelf)
    found = Agreement(1.0, share, detour, 1.0)
    monkeypatch.setattr(evidence, "agreement", lambda *given: found)
    stages, told = fitted(clip, options=tiny(fit=BRISK), checkpoints=shelf)
    assert (stages[1].network is not None) == taken
    gain = 10 * math.log10(3) if taken else 0  # an error of a quarter for one of three quarters
    assert outcomes(told)[1].gain_db == pytest.approx(gain)
    assert outcomes(told)[1].outcome == ("fitted" if taken else "interpolates")


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_rounds_on_its_own_result_end_when_it_agrees_and_the_best_is_kept(monkeypatch, share):
    looked, merits = [], iter([1.0, 3.0, 2.0])

    def agreement(fitter, network, clip):
        looked.append(copy.deepcopy(network.state_dict()))
        return Agreement(next(merits), share if len(looked) == 2 else 0.0, 9.0, 1.0)

    monkeypatch.setattr(evidence, "agreement", agreement)
    options = tiny(fit=replace(BRISK, bootstrap_rounds=3))
    (stage,), told = fitted(pan(24, 24, 24), TWO[1:], options)
    kept = stage.network.state_dict()
    assert [all(torch.equal(w[n], kept[n]) for n in kept) for w in looked] == [
        *(False, True),
        *([] if share > 0.85 else [False]),
    ]
    gains = {name: gain for name, _, gain in outcomes(told)[0].curve}
    assert outcomes(told)[0].gain_db == gains["round 2"]


def test_the_first_rounds_of_an_aliased_motion_are_short(monkeypatch):
    monkeypatch.setattr(first_stage, "ROUND", 2)
    monkeypatch.setattr(evidence, "agreement", lambda *given: Agreement(1.0, 0.5, 0.4, 1.0))
    options = tiny(fit=replace(FIT, bootstrap_rounds=5, bootstrap_steps=4))
    _, told = fitted(noise(24, 24, 24, 3), options=options)
    first, later = outcomes(told)
    assert first.steps == FIT.steps + 5 * 2
    assert later.steps == FIT.steps + LATER_ROUNDS * 4


@pytest.mark.parametrize(("aliased", "frames"), [(False, {12}), (True, {8})])
def test_where_all_motion_is_aliased_crops_are_short(monkeypatch, aliased, frames):
    monkeypatch.setattr(bounds, "SHY", 1e9 if aliased else -1.0)
    monkeypatch.setattr(bounds, "TORN", -1.0)
    monkeypatch.setattr(evidence, "agreement", lambda *given: Agreement(1.0, 0.8, 0.4, 1.0))
    seen, source = [], PairSource

    def watched(clips, pairs, *rest):
        seen.append(pairs.frames)
        return source(clips, pairs, *rest)

    monkeypatch.setattr(fitter_module, "PairSource", watched)
    pairs = replace(PAIRS, within=0.5, across=0.5, shift=0.0, frames=12, probe=True)
    fitted(noise(32, 24, 24, 3), options=tiny(pairs=pairs, fit=BRISK))
    assert seen.pop(0) == 12  # while it is not known yet
    assert set(seen) == frames


@pytest.mark.parametrize(
    ("detour", "evenness", "aliased", "probe", "kept"),
    [
        (0.6, 0.1, False, True, True),  # what is learned in part may leap
        (0.7, 1.0, False, True, False),
        (0.9, 0.6, True, True, True),
        (0.7, 0.4, True, True, False),
        (1.1, 1.0, True, True, False),
        (0.9, 0.1, False, False, True),  # who gives a mix has it
    ],
)
def test_a_first_stage_that_goes_far_round_or_leaps_learns_from_translations(
    monkeypatch, detour, evenness, aliased, probe, kept
):
    """Pairs of a slow fan are those of a fast one, and teach it to turn backwards."""
    found = Agreement(1.0, 0.8, detour, evenness)
    monkeypatch.setattr(bounds, "SHY", 1e9 if aliased else -1.0)
    monkeypatch.setattr(bounds, "TORN", -1.0)
    monkeypatch.setattr(evidence, "agreement", lambda *given: found)
    clip = noise(24, 24, 24, 3)
    pairs = replace(PAIRS, within=0.5, across=0.3, shift=0.2, probe=probe)
    (stage,), told = fitted(clip, TWO[1:], tiny(pairs=pairs, fit=BRISK))
    (event,) = outcomes(told)
    assert (event.mix == (0, 0, 1)) != kept
    if not kept:  # as if it had been asked for translations at once
        moved = replace(pairs, within=0.0, across=0.0, shift=1.0, speeds=rounds._SPEEDS)
        (other,), _ = fitted(clip, TWO[1:], tiny(pairs=moved, fit=BRISK))
        assert torch.equal(climb((stage,), clip), climb((other,), clip))
        assert event.gain_db == pytest.approx(10 * math.log10(1.8 / 0.2))


@pytest.mark.parametrize(
    ("asked", "share", "taken"), [(False, 0.5, False), (False, 0.75, True), (True, 0.5, True)]
)
def test_an_aliased_motion_is_taken_where_the_network_is_sure(monkeypatch, asked, share, taken):
    """What seems to turn backwards and is made to agrees with itself, too, but less."""
    monkeypatch.setattr(bounds, "SHY", 1e9)  # aliased, as far as it can see
    found = Agreement(1.0, share, 0.4, 1.0)
    monkeypatch.setattr(evidence, "agreement", lambda *given: found)
    mix = (1.0, 0.0 if asked else 0.5, 0.0)
    monkeypatch.setattr(stages_module, "propose", lambda *given: MixProposed(*mix, "no pan"))
    pairs = replace(PAIRS, within=mix[0], across=mix[1], shift=mix[2], probe=True)
    (stage,), told = fitted(pan(24, 24, 24), TWO[1:], tiny(pairs=pairs, fit=BRISK))
    (event,) = outcomes(told)
    assert event.aliased != asked
    assert (stage.network is not None) == taken
    assert event.outcome == ("fitted" if taken else "interpolates")


def test_what_is_worse_than_linear_interpolates(monkeypatch):
    monkeypatch.setattr(HeldOut, "gain", lambda *_: -0.1)
    clip = pan(16, 24, 24)
    made, told = fitted(clip)
    assert [stage.network for stage in made] == [None, None]
    assert [event.outcome for event in outcomes(told)] == ["interpolates"] * 2
    assert gap(expose(climb(made, clip), 4), clip) < 1e-5


def test_stages_beyond_those_that_have_a_network_interpolate():
    options = tiny(pairs=replace(tiny().pairs, across=0.5), fit=BRISK)
    options = replace(options, pyramid=replace(options.pyramid, networks=1))
    clip, shelf = pan(16, 32, 32), Shelf()
    made, told = fitted(clip, options=options, checkpoints=shelf)
    assert [stage.network is None for stage in made] == [False, True]
    assert [(e.steps > 0, e.outcome) for e in outcomes(told)][1] == (False, "interpolates")
    assert set(shelf.kept) == {0, 1}
    again, _ = fitted(clip, options=options, checkpoints=shelf)
    assert [stage.network is None for stage in again] == [False, True]
    assert torch.equal(climb(made, clip), climb(again, clip))


def test_pairs_of_the_same_dimension_give_every_stage_a_network_unless_time_is_short():
    options = tiny()
    few = replace(options, pyramid=replace(options.pyramid, networks=1))
    assert few.pairs.alone
    assert [has_network(few, n) for n in range(3)] == [True] * 3
    assert steps_of_stage(few, 1) == 2 * steps_of_stage(few, 0)  # it is fitted anew, in two ways
    _, told = fitted(pan(16, 32, 32), options=few)
    assert all(event.steps for event in outcomes(told))
    for other in (
        replace(few, time_budget=60.0),
        replace(few, pairs=replace(few.pairs, across=0.5)),
    ):
        assert [has_network(other, n) for n in range(3)] == [True, False, False]


def test_a_later_stage_is_fitted_on_what_fits_into_memory(monkeypatch):
    monkeypatch.setattr(recipe, "_MOST_VOXELS", 32 * 32 * 2 * 20)
    seen = []
    fit_later = stages_module.fit_later

    def watched(fitter, network, clip, *rest):
        seen.append(len(clip))
        return fit_later(fitter, network, clip, *rest)

    monkeypatch.setattr(stages_module, "fit_later", watched)
    fitted(pan(32, 32, 32))
    assert seen == [20]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [True, False]),
        ({"mirrored": None}, [True, True]),
        ({"mirrored": 0}, [False, False]),
        ({"mirrored": None, "ensemble": False}, [False, False]),
    ],
)
def test_the_first_stages_average_over_mirror_images(changes, expected):
    options = tiny()
    made, _ = fitted(
        pan(16, 32, 32), options=replace(options, pyramid=replace(options.pyramid, **changes))
    )
    assert [stage.ensemble for stage in made] == expected


def test_a_static_clip_interpolates_and_stays_static():
    clip = still(12, 32, 32)
    made, told = fitted(clip)
    assert gap(climb(made, clip), repeat(clip, 4)) < 1 / 255
    assert all(math.isfinite(event.gain_db) for event in outcomes(told))
    assert all(to_json(event) for event in told)


# --- the order of things ---


def test_every_stage_is_told_in_order():
    stages = plan(6, 64, 64, HALF)
    made, told = fitted(pan(12, 64, 64), stages, tiny(6))
    events = outcomes(told)
    assert [m.stage for m in made] == list(stages)
    assert [e.label for e in events] == [s.label for s in stages]
    assert [e.stage for e in events] == [1, 2]
    assert {e.stages for e in events} == {2}
    assert all(e.seconds >= 0 for e in events)
    assert {p.phase for p in told if isinstance(p, Progress)} == {"fit"}


def test_shares_of_the_work_rise_to_one():
    shares = [[], []]

    def fraction(number, share, alone):
        shares[number].append(share)
        return (number + share) / 2

    _, told = fitted(pan(16, 32, 32), fraction=fraction)
    for found in shares:
        assert found == sorted(found)
        assert 0 < found[0] <= found[-1] == 1
    done = [event.fraction for event in told if isinstance(event, Progress)]
    assert done == sorted(done)


def test_fitted_networks_are_ready_for_use():
    made, _ = fitted(pan(24, 32, 32), options=tiny(fit=replace(BRISK, steps=20)))
    networks = [stage.network for stage in made if stage.network]
    assert networks
    assert not any(network.training for network in networks)


def test_a_seed_repeats_everything():
    clip = pan(16, 32, 32)

    def weights(seed):
        shelf = Shelf()
        fitted(clip, options=tiny(seed=seed), checkpoints=shelf)
        return [values for kept, _ in shelf.kept.values() for values in kept.values()]

    one, again, other = weights(5), weights(5), weights(6)
    assert all(map(torch.equal, one, again))
    assert not all(map(torch.equal, one, other))


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    fitted(pan(8, 24, 24))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_papers_schedule():
    assert [steps_of_stage(preset("paper"), n) for n in range(3)] == [50_000, 25_000, 12_500]


def test_coarse_levels_are_not_folded():
    assert fold_of(Stage(Fraction(1, 4), 2, 1), 360, 640) == 1
    assert fold_of(Stage(FULL, 2, 4), 720, 1280) > 1


@pytest.mark.parametrize("kind", ["compact", "paper"])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_any_network_step_and_exposure_can_be_fitted(kind, exposure):
    options = tiny(6, network=NetworkSettings(kind, 4, 1), exposure=exposure)
    clip = pan(12, 25, 27)
    made, _ = fitted(clip, plan(6, 25, 27, FULL), options)
    assert climb(made, clip, exposure=exposure).shape == (72, 25, 27, 3)


# --- checkpoints ---


def test_checkpoints_are_used():
    clip, shelf = pan(24, 32, 32), Shelf()
    options = tiny(fit=replace(BRISK, steps=20))
    first, told = fitted(clip, options=options, checkpoints=shelf)
    assert set(shelf.kept) == {0, 1}
    again, retold = fitted(clip, options=options, checkpoints=shelf)
    assert any(isinstance(e, Progress) and "step" in e.detail for e in told)
    assert not any(isinstance(e, Progress) and "step" in e.detail for e in retold)
    assert [e.gain_db for e in outcomes(retold)] == [e.gain_db for e in outcomes(told)]
    assert torch.equal(climb(first, clip), climb(again, clip))


@pytest.mark.parametrize("fit", [LAZY, replace(BRISK, steps=20)])
def test_going_on_after_the_first_stage_ends_where_one_run_does(fit):
    clip, whole, half = pan(24, 32, 32), Shelf(), Shelf()
    options = tiny(fit=fit)
    first, _ = fitted(clip, options=options, checkpoints=whole)
    half.kept[0] = whole.kept[0]
    again, _ = fitted(clip, options=options, checkpoints=half)
    assert [bool(stage.network) for stage in first] == [bool(stage.network) for stage in again]
    assert torch.equal(climb(first, clip), climb(again, clip))


def test_a_restored_stage_that_interpolates_goes_on_to_do_so():
    clip, shelf = noise(16, 24, 24, 3), Shelf()
    options = tiny(fit=LAZY, exposure="delta")
    fitted(clip, options=options, checkpoints=shelf)
    again, _ = fitted(clip, options=options, checkpoints=shelf)
    assert [stage.network for stage in again] == [None, None]


def test_a_checkpoint_stands_before_it_is_told():
    shelf = Shelf()

    def listener(event):
        if isinstance(event, StageFitted):
            assert event.stage - 1 in shelf.kept

    fit_stages(pan(8, 24, 24), TWO, tiny(), on_event=listener, checkpoints=shelf)
    network = build(tiny().network, 2)
    assert shelf.restore(0, network).stage == 1


PROBING = replace(tiny().pairs, within=0.6, across=0.4, probe=True)
SHORT = replace(BRISK, steps=8, bootstrap_rounds=2, bootstrap_steps=5, finetune_steps=6)


@pytest.mark.parametrize("alone", [True, False])
def test_going_on_within_a_stage_ends_where_one_run_does(alone):
    clip = pan(24, 32, 32)
    options = tiny(fit=SHORT, pairs=tiny().pairs if alone else PROBING)
    whole, told = fitted(clip, options=options)
    shelf, steps = Shelf(), 0

    def cut(event):
        if isinstance(event, Progress) and "step" in event.detail:
            raise KeyboardInterrupt

    while True:  # one step a run
        try:
            fit_stages(clip, TWO, options, on_event=cut, checkpoints=shelf)
        except KeyboardInterrupt:
            steps += 1
        else:
            break
    assert steps == sum(event.steps for event in outcomes(told))
    again, retold = fitted(clip, options=options, checkpoints=shelf)
    assert [e.curve for e in outcomes(retold)] == [e.curve for e in outcomes(told)]
    assert [e.mix for e in outcomes(retold)] == [e.mix for e in outcomes(told)]
    assert torch.equal(climb(whole, clip), climb(again, clip))


def test_a_long_fit_is_kept_every_so_often(monkeypatch):
    monkeypatch.setattr(checkpoints, "_INTERVAL", -1.0)
    shelf = Shelf()
    fitted(pan(24, 32, 32), options=tiny(fit=SHORT), checkpoints=shelf)
    assert shelf.started[1]["state"] is None
    monkeypatch.setattr(checkpoints, "_INTERVAL", 3600.0)
    seen = []
    shelf.keep = lambda number, state: seen.append(state["state"])
    shelf.started.clear()
    shelf.kept.clear()
    fitted(pan(24, 32, 32), options=tiny(fit=SHORT), checkpoints=shelf)
    # Only when a fit is finished: three of the first stage; later three, and then translations.
    assert seen == [None] * 7
