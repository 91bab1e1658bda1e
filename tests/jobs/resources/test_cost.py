"""What a run costs, and what share of it is done."""

from dataclasses import replace

import pytest
import torch

from deeptsr.config import preset
from deeptsr.jobs.resources import cost as costs
from deeptsr.jobs.resources.cost import coding, estimate
from deeptsr.jobs.resources.looks import Looks, looks_of
from deeptsr.jobs.resources.memory import Clip
from deeptsr.learning import recipe
from deeptsr.learning import self_check as self_checking
from deeptsr.learning.held_out import HeldOut
from deeptsr.learning.prior import SPECIAL, prior_of, starts
from deeptsr.learning.recipe import network_of
from deeptsr.learning.stages import fit_stages
from deeptsr.learning.strategy import evidence, start
from deeptsr.pyramid.plan import plan
from tests.helpers.fits import outcomes
from tests.helpers.synth import noise

SIZE = (96, 128)
STAGES = plan(8, *SIZE, preset("fast").pyramid.coarsest)


@pytest.fixture(autouse=True)
def speed(monkeypatch):
    """Operations a second, as told: what shares of a run are hangs on them."""
    monkeypatch.setattr(costs, "_convolving", lambda *_: 2.5e11)


def cost(options, large=None, factor=8):
    stages = STAGES if factor == 8 else ()
    return estimate(stages, Clip(24, *SIZE, large), options, torch.device("cpu"))


def test_shares_of_a_run_rise_to_one():
    told = cost(preset("quality", prior="none"))
    shares = [told.fitting(stage, share) for stage in range(3) for share in (0.0, 0.5, 1.0)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert told.climbing(0.0) == pytest.approx(shares[-1])
    assert told.climbing(1.0) == pytest.approx(1)


def test_a_prior_saves_most_of_the_first_stage(monkeypatch):
    known, fresh = cost(preset("fast")), cost(preset("fast", prior="none"))
    assert known.fit[0] < 0.2 * fresh.fit[0]
    assert fresh.climb < known.climb < 1.1 * fresh.climb  # it is asked at smaller sizes, too
    monkeypatch.setattr(recipe, "_SIZES", 1)
    assert cost(preset("fast")).climb == fresh.climb


def test_larger_frames_cost_more_and_their_detail_most():
    plain, same = cost(preset("fast")), cost(preset("fast"), SIZE)
    assert same == replace(plain, seconds=same.seconds)
    none, auto = (
        cost(preset("fast", scale=2, space_prior=name), (192, 256)) for name in ("none", "auto")
    )
    assert plain.climb < none.climb < auto.climb
    alone = cost(preset("fast", factor=1, scale=2), (192, 256), 1)
    assert alone.fit == ()
    assert alone.climbing(0.5) == pytest.approx(0.5)
    bare = cost(preset("fast", factor=1, scale=2, space_prior="none"), (192, 256), 1)
    assert auto.climb - none.climb == pytest.approx(alone.climb - bare.climb)
    once = preset("fast", factor=1, scale=2)
    once = replace(once, pyramid=replace(once.pyramid, ensemble=False))
    found = cost(once, (192, 256), 1).climb - bare.climb
    assert alone.climb - bare.climb == pytest.approx(2 * found)  # it looks twice


def test_looks_at_own_results_are_counted():
    options = preset("fast")
    with torch.device("meta"):
        networks = [network_of(options, stage, *SIZE) for stage in STAGES]
    first = looks_of(options, 0, STAGES[0], networks[0], SIZE, 24)
    assert [*starts(prior_of(options), networks[0])] == ["any", "below", *sorted(SPECIAL)]
    # Two experts, the specialist and its witnesses, a share of what the video taught when that has
    # begun, and four at its end: the self-check knows what is kept.
    assert (first.times, first.at_end) == (3 + 1 + 4, 4)
    # Before the first step, when it has begun, at its end, and of a share of what it learnt.
    assert first.checks == 1 + 2 + 1
    assert (first.frames, first.below) == (24, 0)
    # What goes on with what is known looks at nothing.
    assert looks_of(options, 1, STAGES[1], networks[1], SIZE, 24) == Looks()
    balanced = preset("balanced")
    later = looks_of(balanced, 1, STAGES[1], networks[1], SIZE, 24)
    assert (later.times, later.frames, later.below) == (1 + 1 + 4, 48, 24)
    # From nothing: the fit alone.
    fresh = looks_of(preset("fast", prior="none"), 0, STAGES[0], networks[0], SIZE, 24)
    assert (fresh.times, fresh.checks) == (1, 1 + options.fit.checks)
    # A fit that is taken over: before its few steps, and after them: the self-check knows it.
    reused = replace(options, fit_file="camera.safetensors")
    taken = looks_of(reused, 0, STAGES[0], networks[0], SIZE, 24)
    assert (taken.times, taken.checks) == (1 + 1, 2)
    as_it_is = replace(reused, fit=replace(options.fit, adapt_steps=7))
    taken = looks_of(as_it_is, 0, STAGES[0], networks[0], SIZE, 24)
    assert (taken.times, taken.checks) == (1, 0)
    assert cost(reused).total < 0.5 * cost(options).total


def test_what_is_not_learnt_is_not_waited_for():
    options = preset("fast")
    told, none = cost(options), replace(options, fit=replace(options.fit, adapt_steps=0))
    # Nothing is learnt where a specialist leads, at whom the self-check looks, too, and the climb.
    least = cost(none).seconds
    assert 1.1 * least < told.without([0], led=True) < 1.5 * least < told.seconds
    # Where a fit promises nothing, some steps were made, and looked at; a specialist may take part.
    assert least < told.without([0]) < 0.6 * told.seconds
    assert told.without([0], led=True) < told.without([0], special=True)
    assert 1.1 * told.without([0]) < told.without([0], special=True) < 0.8 * told.seconds
    assert told.without([]) == told.seconds
    later = cost(preset("balanced"))
    spared = [later.seconds - later.without([stage]) for stage in range(3)]
    assert all(each > 0 for each in spared)
    assert later.without([0, 2]) == pytest.approx(later.seconds - spared[0] - spared[2])
    # What is known is looked at all the same.
    assert all(most > least > 0 for most, least in zip(later.fit, later.spared, strict=True))


@pytest.mark.parametrize("learns", [True, False])
def test_as_many_looks_are_taken_as_are_counted(monkeypatch, learns):
    """Against the fit itself, of a clip that is learnt from, or that a specialist leads."""
    asked = start.moving
    share = 0.0 if learns else 1.0
    monkeypatch.setattr(start, "moving", lambda *a: replace(asked(*a), special=share))
    monkeypatch.setattr(start, "UNSEEN", 0.0)
    options, seen = preset("fast", factor=2), []
    fit = replace(options.fit, adapt_steps=6, checks=2, warmup=1)
    options = replace(options, fit=fit, pairs=replace(options.pairs, crop=16, batch=1, frames=3))
    stages, clip = plan(2, 32, 32, options.pyramid.coarsest), noise(24, 32, 32, 3)
    for name in ("predict", "restore_again"):  # half a look each
        real = getattr(evidence, name)
        monkeypatch.setattr(
            evidence, name, lambda *a, r=real, **k: seen.append("half") or r(*a, **k)
        )
    real_gain = HeldOut.gain
    monkeypatch.setattr(
        HeldOut, "gain", lambda self, *a: seen.append("check") or real_gain(self, *a)
    )
    fitted = fit_stages(clip, stages, options, on_event=(events := []).append)
    self_checking.self_check(fitted, clip, options, torch.float32)
    with torch.device("meta"):
        network = network_of(options, stages[0], 32, 32)
    told = looks_of(options, 0, stages[0], network, (32, 32), 24, learns=learns)
    (fit,) = outcomes(events)
    known = learns and fit.learned in (0, 1)  # what held-out frames say of that the fit has asked
    assert (seen.count("half") / 2, seen.count("check")) == (told.times, told.checks - known)


def test_the_start_and_the_codecs_take_time_too():
    told = cost(preset("fast"))
    assert told.around > coding(Clip(24, *SIZE), 8) > 0
    assert told.climbing_seconds < told.seconds - told.around
    assert coding(Clip(48, *SIZE), 8) == pytest.approx(2 * coding(Clip(24, *SIZE), 8))


def test_what_is_not_restored_again_climbs_in_half_the_time():
    options = preset("fast", prior="auto")
    plain = replace(options, pyramid=replace(options.pyramid, ensemble=False))
    assert cost(plain).climb < 0.5 * cost(options).climb
