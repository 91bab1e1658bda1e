"""Rounds of a fit on its own result: when they end, and what is kept."""

import copy
from dataclasses import replace

import pytest
import torch

from deeptsr.learning.recipe import LATER_ROUNDS
from deeptsr.learning.strategy import evidence, first_stage
from deeptsr.learning.strategy.evidence import Agreement
from tests.helpers.fits import BRISK, TWO, fitted, outcomes
from tests.helpers.synth import FIT, noise, pan, tiny


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
