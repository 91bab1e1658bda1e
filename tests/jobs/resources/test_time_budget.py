"""Fitting a run into a time: what is cut, what is forecast, what the clock says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from deeptsr.config import Options, preset
from deeptsr.events import Budgeted, Warned
from deeptsr.jobs.resources import time_budget
from deeptsr.jobs.resources.cutbacks import choose, least_of, rebased
from deeptsr.jobs.resources.forecast import Forecast, Speeds, measure
from deeptsr.jobs.resources.time_budget import Task, Watch, within
from deeptsr.learning.recipe import steps_of_stage
from deeptsr.networks import build
from deeptsr.pyramid.predict import predict, voxels
from tests.helpers.synth import NETWORK, noise, tiny

TASK = Task(24, 32, 48, torch.device("cpu"), torch.float32)
QUALITY, FAST = (preset(name, prior="none") for name in ("quality", "fast"))
SPEEDS = Speeds(step=0.1, climb=1e11, pool=1e-7)

# What is cut


def takes(options):
    """A run's seconds, if a step took one and a climb a hundred, in any preset twice the next's."""
    size = {"quality": 4, "balanced": 2}.get(options.preset, 1)
    fit = options.fit
    steps = fit.steps + fit.finetune_steps
    return size * (steps + (400 if options.pyramid.ensemble else 100))


def chosen(seconds, options=QUALITY):
    return choose(options, seconds, lambda full: takes)


def test_what_has_the_time_is_not_cut():
    assert chosen(1e9) == (QUALITY, True)
    assert chosen(takes(QUALITY)) == (QUALITY, True)


def test_cuts_come_in_their_order():
    full = QUALITY
    seconds = takes(full)
    found = []
    while seconds > 4 * 400:
        options, fits = chosen(seconds)
        assert fits
        assert takes(options) <= seconds
        cuts = (
            not options.pyramid.ensemble,
            options.fit.finetune_steps < full.fit.finetune_steps,
            options.fit.steps < full.fit.steps,
        )
        if options.preset == "quality" and (not found or found[-1] != cuts):
            found.append(cuts)
        cut = options.preset == "quality" and cuts[1]
        assert not cut or takes(options) > seconds - 4  # no step too few
        seconds -= 997 if options.preset == "quality" else 1e9
    assert found == sorted(found)
    assert found[0] == (False, False, False)
    assert found[-1] == (True, True, True)


def test_a_smaller_preset_is_taken_whole_where_it_can_be():
    seconds = takes(least_of(QUALITY)) - 1
    options, fits = chosen(seconds)
    assert fits
    assert options.preset == "balanced"
    assert takes(options) <= seconds


def test_the_last_preset_is_cut_to_the_bone_and_then_it_is_said():
    full = FAST
    options, fits = chosen(100 + full.fit.steps + 1, full)
    assert fits
    assert options.fit.finetune_steps == 0
    assert options.fit.steps == full.fit.steps
    options, fits = chosen(130, full)
    assert (options.fit.steps, fits) == (30, True)
    options, fits = chosen(10, full)
    assert (options.fit.steps, fits) == (20, False)
    assert chosen(10)[0] == options  # from any preset


def test_another_preset_keeps_what_was_changed():
    pairs = replace(QUALITY.pairs, within=0.9, auto=False)
    mine = preset("quality", factor=3, seed=7, pairs=pairs, time_budget=60.0, prior="none")
    other = rebased(mine, "fast")
    fast = FAST
    expected = replace(
        fast,
        factor=3,
        seed=7,
        time_budget=60.0,
        pairs=replace(fast.pairs, within=0.9, auto=False),
    )
    assert other == expected
    assert rebased(mine, "quality") == mine


# What is forecast


@pytest.mark.parametrize("shape", [(16, 64, 80), (12, 100, 50)])
@pytest.mark.parametrize(("kind", "fold"), [("compact", 1), ("compact", 2), ("paper", 1)])
def test_a_network_works_on_as_many_voxels_as_are_counted(monkeypatch, shape, kind, fold):
    network = build(replace(NETWORK, kind=kind, blocks=2), 2, "full", fold)
    monkeypatch.setattr("deeptsr.pyramid.predict._suitable_tile", lambda *_: 64)
    # The counter does not know oneDNN's convolution by its own name.
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    with FlopCounterMode(display=False) as counter:
        predict(network, noise(*shape, 3))
    counted = voxels(network, shape, "cpu", torch.float32) * network.streaming_operations
    assert counted == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_a_forecast_grows_with_the_work():
    options = replace(FAST, factor=4, pyramid=replace(FAST.pyramid, coarsest=Fraction(1)))
    forecast = Forecast(TASK, options, SPEEDS, 24)
    base = forecast.fit(options)
    assert len(base) == 2
    few, more = (
        replace(options, fit=replace(options.fit, finetune_steps=steps)) for steps in (120, 130)
    )
    assert base[1] == 0  # nothing is learnt there
    assert forecast.fit(more)[1] == pytest.approx(forecast.fit(few)[1] + 10 * 0.1)
    assert forecast.fit(more)[0] == base[0]
    less = replace(options, pyramid=replace(options.pyramid, ensemble=False))
    # Of the first stage alone: 5 predictions for 2, where the second makes 2 of twice the frames.
    assert forecast.climb(options) == pytest.approx(9 / 6 * forecast.climb(less), rel=0.05)
    assert forecast.total(options) == pytest.approx(sum(base) + forecast.climb(options))
    long = Forecast(replace(TASK, frames=240), options, SPEEDS, 24)
    assert long.climb(options) == pytest.approx(10 * forecast.climb(options), rel=0.3)
    slow = Forecast(TASK, options, replace(SPEEDS, climb=1e10), 24)
    assert slow.climb(less) == pytest.approx(10 * forecast.climb(less), rel=0.15)


def test_speeds_are_measured_with_the_real_network(monkeypatch):
    monkeypatch.setattr("deeptsr.jobs.resources.forecast._SAMPLE", 0.01)
    state = torch.random.get_rng_state()
    speeds = measure(TASK, tiny(4), 24)
    assert 0 < speeds.step < 5
    assert speeds.climb > 1e4
    assert 0 < speeds.pool < 1e-2
    assert torch.equal(state, torch.random.get_rng_state())


# What is decided


class Kept(dict):
    """Checkpoints that only remember the choice."""

    def load_partial(self, part):
        return self.get(part)

    def save_partial(self, part, state):
        self[part] = state


@pytest.fixture
def measured(monkeypatch):
    """Presets that were measured, in turn; each is as fast as ``SPEEDS`` has it."""
    names = []

    def pretend(task, options, excerpt):
        names.append(options.preset)
        return SPEEDS

    monkeypatch.setattr(time_budget, "measure", pretend)
    return names


def decide(seconds, checkpoints=None, name="quality"):
    events = []
    options = preset(name, factor=4, time_budget=seconds)
    began = time_budget.time.monotonic()
    result = within(TASK, options, 24, began, events.append, checkpoints)
    return (*result, events)


def test_the_plan_is_told(measured):
    options, watch, events = decide(30.0)
    forecast = Forecast(TASK, options, SPEEDS, 24)
    assert 26 < forecast.total(options) <= 0.95 * 30
    assert watch.seconds == forecast.total(options)
    told = events[0]
    assert isinstance(told, Budgeted)
    assert (told.budget, told.preset, told.ensemble) == (
        30,
        options.preset,
        options.pyramid.ensemble,
    )
    assert told.steps == tuple(steps_of_stage(options, n) for n in range(2))
    assert told.seconds == pytest.approx(watch.seconds, abs=5)
    assert len(events) == 1


def test_what_is_far_too_much_is_not_measured(measured):
    decide(1.0)
    assert measured == ["fast"]
    measured.clear()
    decide(1e6)
    assert measured == ["fast", "quality"]


def test_too_little_time_is_said(measured):
    options, _, events = decide(0.5, name="fast")
    assert options.fit.adapt_steps == 0
    assert not options.pyramid.ensemble
    assert isinstance(events[1], Warned)
    assert "the time budget of 0.5 s is too short" in events[1].message


def test_a_run_that_goes_on_keeps_its_plan(measured, monkeypatch):
    kept = Kept()
    first, _, _ = decide(40.0, kept)
    monkeypatch.setattr(time_budget, "measure", lambda *_: replace(SPEEDS, step=5.0, climb=1e9))
    again, _, events = decide(40.0, kept)
    assert again == first
    assert [type(e) for e in events] == [Budgeted]


@pytest.mark.parametrize(
    "damage",
    [{"preset": "slow"}, {"preset": [1]}, {"steps": -1}, {"steps": "x"}, {"ensemble": None}],
)
def test_a_plan_that_is_damaged_is_made_anew(measured, damage):
    kept = Kept()
    first, _, _ = decide(40.0, kept)
    (number,) = kept
    kept[number] = kept[number] | damage
    assert decide(40.0, kept)[0].preset == first.preset
    kept[number] = {"preset": "fast"}
    assert decide(40.0, kept)[0].preset == first.preset


# What the clock says


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def watch_of(fit=(200.0, 200.0), climb=200.0, seconds=660.0):
    clock = Clock()
    return Watch(clock.now, seconds, fit, climb, clock), clock


def test_a_run_in_time_is_left_alone():
    watch, clock = watch_of()
    for stage in (0, 1):
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            watch.at(stage, share)
            clock.now = 110.0 + 200 * (stage + share)
            assert not watch.enough()
    assert not watch.late()
    assert not watch.cut


@pytest.mark.parametrize("slower", [1.5, 2.0, 3.0])
def test_a_slow_machine_ends_the_fit_early_and_leaves_time_for_the_rest(slower):
    watch, clock = watch_of()
    ends = []
    for stage in (0, 1):
        for step in range(200):
            watch.at(stage, step / 200)
            if watch.enough():
                break
            clock.now += slower
        watch.at(stage, 1.0)
        ends.append(clock.now - 100)
    assert watch.cut
    room = 660 - 200 * slower
    assert ends == [pytest.approx(room / 2, abs=5), pytest.approx(room, abs=5)]
    assert ends[1] + 200 * slower <= 660 * 1.01


def test_no_time_is_left_for_the_climb():
    watch, clock = watch_of()
    clock.now = 100 + 660 - 199
    assert watch.late()


def test_a_time_that_is_none_is_refused():
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="time_budget is"):
            Options(time_budget=wrong)
