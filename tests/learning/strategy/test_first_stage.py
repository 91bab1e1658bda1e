"""How the coarsest stage is fitted: which mix is chosen, and what is fallen back to."""

import math
from dataclasses import replace

import pytest
import torch

from deeptsr.events import MixProposed
from deeptsr.learning import stages as stages_module
from deeptsr.learning.fit import FitResult
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.learning.recipe import steps_of_stage
from deeptsr.learning.strategy import bounds, evidence, rounds
from deeptsr.learning.strategy import fitter as fitter_module
from deeptsr.learning.strategy.evidence import Agreement
from deeptsr.pyramid.climb import climb
from tests.helpers.fits import BRISK, TWO, fitted, outcomes
from tests.helpers.synth import FIT, PAIRS, noise, pan, tiny


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
    assert not any(stage.refilmed for stage in made) or not again
    assert event.mix == ((0.5, 0.5, 0.0) if again else (0.5, 0.25, 0.25))
    names = list(dict.fromkeys(name for name, _, _ in event.curve))
    assert names == ["given mix", "round 1"] + ["without translations"] * again
    assert event.steps == FIT.steps + (2 + 4 if again else 4)
    assert event.steps <= steps_of_stage(options, 0)


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
