"""What is kept of the fits of a stage, and taken over by a later run."""

import copy
from dataclasses import replace

import pytest
import torch

from deeptsr.events import Progress, StageFitted
from deeptsr.learning import checkpoints
from deeptsr.learning.stages import fit_stages
from deeptsr.networks import build
from deeptsr.pyramid.climb import climb
from tests.helpers.fits import BRISK, LAZY, TWO, Shelf, fitted, outcomes
from tests.helpers.synth import noise, pan, tiny


def test_checkpoints_are_used():
    clip, shelf = pan(24, 32, 32), Shelf()
    options = tiny(fit=replace(BRISK, steps=12))
    first, told = fitted(clip, options=options, checkpoints=shelf)
    assert set(shelf.kept) == {0, 1}
    again, retold = fitted(clip, options=options, checkpoints=shelf)
    assert any(isinstance(e, Progress) and "step" in e.detail for e in told)
    assert not any(isinstance(e, Progress) and "step" in e.detail for e in retold)
    assert [e.gain_db for e in outcomes(retold)] == [e.gain_db for e in outcomes(told)]
    assert torch.equal(climb(first, clip), climb(again, clip))


@pytest.mark.parametrize("fit", [LAZY, replace(BRISK, steps=12)])
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


CHOOSING = replace(tiny().pairs, within=0.6, across=0.4, auto=True)


SHORT = replace(BRISK, steps=12, finetune_steps=4)


@pytest.mark.parametrize("auto", [False, True])
def test_going_on_within_a_stage_ends_where_one_run_does(auto):
    clip = pan(24, 32, 32)
    options = tiny(fit=SHORT, pairs=CHOOSING if auto else tiny().pairs)
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
    shelf.save_partial = lambda number, state: seen.append(state["state"])
    shelf.started.clear()
    shelf.kept.clear()
    fitted(pan(24, 32, 32), options=tiny(fit=SHORT), checkpoints=shelf)
    assert seen == [None] * 2  # only when a fit is finished


def stopped(shelf, clip, options, after):
    """Fit until so many steps are told, each of them kept."""
    steps = 0

    def cut(event):
        nonlocal steps
        steps += isinstance(event, Progress) and "step" in event.detail
        if steps == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_stages(clip, TWO, options, on_event=cut, checkpoints=shelf)


def other_shapes(held):
    return {name: torch.zeros(3) for name in held}


DAMAGE = [
    lambda kept: kept.clear(),
    lambda kept: kept.update(finished=7, state=[], curve="x"),
    lambda kept: kept.update(state={}),
    lambda kept: kept.update(state=5),
    lambda kept: kept.update(curve=[1, 2]),
    lambda kept: kept["state"].update(counts=(1, 2)),
    lambda kept: kept["state"].update(network=other_shapes(kept["state"]["network"])),
    lambda kept: kept["state"].update(kept={}),
    lambda kept: kept["state"].update(optimizer={}),
    lambda kept: kept["state"].update(random=torch.zeros(3)),
    lambda kept: kept["state"]["optimizer"]["param_groups"][0].update(params=[0]),
    lambda kept: kept["state"]["optimizer"]["state"][0].update(exp_avg=torch.zeros(1, 2)),
]


@pytest.fixture(scope="module")
def short():
    """A clip and options, what comes of a whole fit, and what is kept of one that was stopped."""
    clip, whole, half = pan(16, 24, 24), Shelf(), Shelf()
    options = tiny(fit=replace(SHORT, steps=6, finetune_steps=2))
    stages, _ = fitted(clip, options=options, checkpoints=whole)
    stopped(half, clip, options, 3)
    return clip, options, climb(stages, clip), whole, half


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_beginning_counts_as_none(short, damage):
    clip, options, expected, _, half = short
    shelf = copy.deepcopy(half)
    damage(shelf.started[0])
    again, _ = fitted(clip, options=options, checkpoints=shelf)
    assert torch.equal(expected, climb(again, clip))


@pytest.mark.parametrize(
    "damage",
    [
        lambda held: held.clear(),
        lambda held: held.update(weights=other_shapes(held["weights"])),
        lambda held: held.update(result=(1,)),
        lambda held: held.update(random=None),
        lambda held: held.update(curve=[("fit", "x", 2.0)]),
        lambda held: held["weights"].update({next(iter(held["weights"])): torch.tensor(True)}),
    ],
)
def test_a_damaged_fit_is_made_again(short, damage):
    clip, options, expected, whole, _ = short
    shelf = copy.deepcopy(whole)
    (held,) = shelf.started[0]["finished"]
    shelf.kept.clear()
    damage(held)
    again, _ = fitted(clip, options=options, checkpoints=shelf)
    assert torch.equal(expected, climb(again, clip))
