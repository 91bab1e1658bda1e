"""How a finer stage is fitted anew, and when that is taken."""

import copy
import math

import pytest
import torch

from deeptsr.learning.strategy import evidence
from deeptsr.learning.strategy import fitter as fitter_module
from deeptsr.learning.strategy.evidence import Agreement
from tests.helpers.fits import BRISK, TWO, Shelf, fitted, outcomes
from tests.helpers.synth import pan, tiny


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
