"""Fitting the stages: what is gained, what is guarded, what is kept."""

import math
from dataclasses import replace

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.events import Progress, to_json
from deeptsr.imaging.exposure import expose, repeat
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.held_out import HeldOut, gain
from deeptsr.learning.stages import bring_nearer
from deeptsr.learning.strategy import attempts
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import Stage, plan
from deeptsr.pyramid.special import Specialist
from tests.helpers.fits import BRISK, FULL, HALF, LAZY, Shelf, fitted, outcomes
from tests.helpers.synth import FIT, PAIRS, certain, gap, noise, pan, still, tiny

# --- what validation found on the way ---


def test_the_curve_tells_every_validation_of_every_fit():
    options = tiny(fit=replace(FIT, steps=4, checks=2, patience=9))
    _, told = fitted(pan(24, 24, 24), options=options)
    first, second = outcomes(told)
    assert [row[:2] for row in first.curve] == [("fit", step) for step in (0, 2, 4)]
    assert [row[:2] for row in second.curve] == [("adapt", 0), ("adapt", 1)]
    assert [event.curve[-1][1] == event.steps for event in (first, second)] == [True, True]
    assert first.gain_db in [gain for _, _, gain in first.curve]


@pytest.mark.parametrize("on", [False, True])
def test_a_stage_averages_and_verifies_as_the_settings_say(on):
    pyramid = replace(tiny().pyramid, ensemble=on, mirrored=None, verify=on, even=on)
    (stage,), _ = fitted(pan(8, 24, 24), (Stage(FULL, 2, 1),), tiny(pyramid=pyramid))
    assert (stage.ensemble, stage.refilmed, stage.verify, stage.even) == (on, on, on, on)


# --- a fit of another video ---


@pytest.mark.parametrize("aliased", [False, True])
def test_only_a_first_stage_that_is_not_aliased_comes_nearer(monkeypatch, aliased):
    made, _ = fitted(pan(16, 24, 24), options=tiny(fit=BRISK))
    special = Specialist(*[made[0].network] * 2, certain(1.0)) if aliased else None
    lent = (replace(made[0], special=special), *made[1:])
    networks = [[p.clone() for p in each.network.parameters()] for each in lent if each.network]
    monkeypatch.setattr(attempts, "KEPT", -9.0)
    examine, rising = attempts.examine, iter(range(9))
    monkeypatch.setattr(
        attempts,
        "examine",
        lambda *given, **made: replace(examine(*given, **made), agreement=next(rising) / 9),
    )
    options, told = tiny(fit=replace(FIT, adapt_steps=30, steps=30), fit_file="a"), []
    nearer = bring_nearer(lent, pan(16, 24, 24, seed=5), options, on_event=told.append)
    assert [event.steps for event in outcomes(told)] == ([] if aliased else [3])
    after = [[*each.network.parameters()] for each in lent if each.network]
    same = [all(map(torch.equal, *pair)) for pair in zip(networks, after, strict=True)]
    assert same == [aliased, *[True] * (len(networks) - 1)]
    agrees = [event.agreement for event in outcomes(told)] or [lent[0].agreement]
    assert nearer == (replace(lent[0], agreement=agrees[0]), *lent[1:])


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


def test_what_is_worse_than_linear_interpolates(monkeypatch):
    monkeypatch.setattr(HeldOut, "gain", lambda *_: -0.1)
    clip = pan(16, 24, 24)
    made, told = fitted(clip)
    assert [stage.network for stage in made] == [None, None]
    assert [event.outcome for event in outcomes(told)] == ["interpolates"] * 2
    assert gap(expose(climb(made, clip), 4), clip) < 1e-5


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

    def fraction(number, share):
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


@pytest.mark.parametrize("kind", ["compact", "paper"])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_any_network_step_and_exposure_can_be_fitted(kind, exposure):
    options = tiny(6, network=NetworkSettings(kind, 4, 1), exposure=exposure)
    clip = pan(12, 25, 27)
    made, _ = fitted(clip, plan(6, 25, 27, FULL), options)
    assert climb(made, clip, exposure=exposure).shape == (72, 25, 27, 3)
