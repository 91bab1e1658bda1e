"""Fitting, with scores that the tests make up."""

import copy
from dataclasses import replace

import pytest
import torch

from deeptsr.config import NETWORKS, FitSettings, NetworkSettings, PairSettings
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.volume import to_network
from deeptsr.learning.fit import Hooks, Regime, fit
from deeptsr.learning.optimizers.muon import Muon
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.networks import StepNetwork, build
from tests.helpers.synth import generator, pan, wake

SETTINGS = FitSettings(learning_rate=2e-3, warmup=0, checks=4, patience=4)
PAIRS = PairSettings(
    within=1, across=0, shift=0, crop=16, frames=4, batch=4, scales=(1.0,), longest_jump=1,
    contrast=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def source():
    return PairSource([pan(32, 48, 48)], PAIRS, 2)


def compact(channels=8):
    torch.manual_seed(0)
    return build(NetworkSettings("compact", channels, 1), 2)


def scores(*values):
    """A validation that gives these values, one after the other."""
    answers = iter(values)
    return lambda network: next(answers)


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in other)


def miss(source):
    """Minus the mean square error on fixed pairs."""
    htr = to_network(source.draw(generator(99)))

    def score(network):
        with torch.no_grad():
            error = network(expose(htr, 2, axis=2)) - htr
        return -float(error[:, :, 2:-2, 4:-4, 4:-4].square().mean())

    return score


# --- it learns ---


def test_a_fit_learns_the_motion(source):
    network, score = compact(), miss(source)
    before = score(network)
    seen = []
    brisk = replace(SETTINGS, learning_rate=5e-3, warmup=10)
    regime = Regime(brisk, steps=80)
    result = fit(network, source, regime, generator(), score, Hooks(on_step=seen.append))
    assert result.improved
    assert result.score == pytest.approx(score(network), rel=1e-4)
    assert result.score > before / 1.5  # both are negative: the error fell by a third
    assert result.steps == 80
    assert seen == list(range(1, 81))
    assert not network.training


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("factor", [2, 3])
def test_any_network_step_and_exposure_can_be_fitted(kind, exposure, factor):
    source = PairSource([pan(20, 24, 24)], replace(PAIRS, frames=3), factor, exposure)
    network = build(NetworkSettings(kind, 4, 1), factor, exposure)
    before = copy.deepcopy(network.state_dict())
    fit(network, source, Regime(SETTINGS, 2), generator(), scores(0, 1, 2))
    assert not same(network.state_dict(), before)


def test_a_seed_repeats_a_fit_to_the_bit(source):
    results = []
    for seed in (3, 3, 4):
        network = compact()
        torch.manual_seed(seed + len(results))  # the global state does not matter
        fit(network, source, Regime(SETTINGS, 5), generator(seed), scores(*range(9)))
        results.append(network.state_dict())
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


# --- it never makes worse ---


def test_careless_fine_tuning_gets_the_weights_back_that_it_started_from(source):
    network = wake(compact())
    before = copy.deepcopy(network.state_dict())
    wild = replace(SETTINGS, learning_rate=0.5)
    result = fit(network, source, Regime(wild, 8), generator(), scores(5.0, 4, 3, 2, 1))
    assert same(network.state_dict(), before)
    assert result.score == 5.0
    assert not result.improved


def test_a_tie_goes_to_the_start(source):
    network = wake(compact())
    before = copy.deepcopy(network.state_dict())
    result = fit(network, source, Regime(SETTINGS, 4), generator(), scores(1.0, 1, 1, 1, 1))
    assert same(network.state_dict(), before)
    assert not result.improved


def test_the_best_weights_of_all_are_kept(source):
    seen, answers = [], iter([0.0, 1, 3, 2, 1])

    def score(network):
        seen.append(copy.deepcopy(network.state_dict()))
        return next(answers)

    network = compact()
    result = fit(network, source, Regime(SETTINGS, 8), generator(), score)
    assert len(seen) == 5
    assert same(network.state_dict(), seen[2])
    assert (result.score, result.improved) == (3, True)


def test_no_steps_change_nothing(source):
    network = wake(compact())
    before = copy.deepcopy(network.state_dict())
    result = fit(network, source, Regime(SETTINGS, 0), generator(), scores(2.0))
    assert same(network.state_dict(), before)
    assert (result.steps, result.score, result.improved) == (0, 2.0, False)


# --- when it stops ---


def test_it_stops_when_nothing_gets_better(source):
    impatient = replace(SETTINGS, checks=10, patience=2)
    result = fit(compact(), source, Regime(impatient, 20), generator(), scores(0.0, 1, 1, 1))
    assert result.steps == 6


def test_it_is_patient_between_gains(source):
    impatient = replace(SETTINGS, checks=6, patience=2)
    score = scores(0.0, -1, 1, 0, 2, 0, 3)
    assert fit(compact(), source, Regime(impatient, 6), generator(), score).steps == 6


@pytest.mark.parametrize(("steps", "checks", "asked"), [(7, 3, 4), (2, 8, 3), (1, 1, 2)])
def test_validation_is_asked_at_the_start_and_at_the_end(source, steps, checks, asked):
    count = 0

    def score(network):
        nonlocal count
        count += 1
        return float(count)

    settings = replace(SETTINGS, checks=checks)
    result = fit(compact(), source, Regime(settings, steps), generator(), score)
    assert (result.steps, count) == (steps, asked)
    assert result.score == count


# --- slack ---


def test_slack_keeps_the_last_weights_that_cost_little(source):
    seen, answers = [], iter([5.0, 6, 5, 4.5, 4.5])

    def score(network):
        seen.append(copy.deepcopy(network.state_dict()))
        return next(answers)

    network = compact()
    impatient = replace(SETTINGS, patience=1)
    result = fit(network, source, Regime(impatient, 8, slack=2.0), generator(), score)
    assert same(network.state_dict(), seen[-1])
    assert (result.steps, result.score) == (8, 4.5)


def test_slack_has_an_end(source):
    network = wake(compact())
    before = copy.deepcopy(network.state_dict())
    result = fit(
        network, source, Regime(SETTINGS, 8, slack=2.0), generator(), scores(5.0, 2, 1, 2, 1)
    )
    assert same(network.state_dict(), before)
    assert result.score == 5.0
    assert not result.improved


def test_slack_does_not_make_a_loss_of_a_gain(source):
    network = compact()
    result = fit(
        network,
        source,
        Regime(SETTINGS, 8, slack=2.0),
        generator(),
        scores(0.5, 0.4, 0.4, -0.1, -1),
    )
    assert result.score == 0.4


def test_slack_does_not_add_up(source):
    # Each check is but little worse than the one before; all in all that would be a fall.
    falling = scores(5.0, 4, 3.5, 2, 1)
    result = fit(compact(), source, Regime(SETTINGS, 8, slack=2.0), generator(), falling)
    assert result.score == 3.5


# --- what counts ---


def test_the_margin_of_a_crop_is_left_out_of_the_loss(monkeypatch, source):
    # With all but one LTR frame and 2 x 2 pixels left out, the rest may be anything.
    settings, draw = replace(SETTINGS, margin=(1, 7)), PairSource.draw
    results = []
    for noise in (0.0, 0.5):

        def spoilt(self, random, noise=noise):
            crops = draw(self, random)  # (B, T, S, S, 3): 4 LTR frames
            crops[:, :2] += noise
            crops[:, :, :6] += noise
            crops[:, :, :, 10:] += noise
            return crops

        monkeypatch.setattr(PairSource, "draw", spoilt)
        network = Near()
        fit(network, source, Regime(settings, 1), generator(), scores(0, 1))
        results.append(network.state_dict())
    assert same(*results)


class Near(StepNetwork):
    """A network that looks at nothing but the pixel itself."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.factor, self.exposure = 2, "full"
        self.layer = torch.nn.Conv3d(3, 6, 1)

    def forward(self, ltr, asked=None):
        made = self.layer(ltr).unflatten(1, (3, 2))  # (N, 3, 2, T, H, W)
        return made.transpose(2, 3).flatten(2, 3)


def test_it_learns_as_a_network_that_learns_though_validation_left_it_as_one_that_is_judged(source):
    class Told(Near):
        def forward(self, ltr, asked=None):
            how.append(self.training)
            return super().forward(ltr, asked)

    def score(judged):
        judged.eval()
        return 1.0

    how = []
    fit(Told(), source, Regime(SETTINGS, 3), generator(), score)
    assert how == [True] * 3


def test_without_averaging_the_weights_are_those_of_the_last_step(source):
    networks = [compact(), compact()]
    for network, averaging in zip(networks, (0.0, 0.9), strict=True):
        settings = replace(SETTINGS, averaging=averaging)
        fit(network, source, Regime(settings, 8), generator(), scores(*range(9)))
    start = list(compact().parameters())
    far, near = (
        sum((p - s).square().sum() for p, s in zip(n.parameters(), start, strict=True))
        for n in networks
    )
    assert near < far


# --- the schedule ---


def rates(monkeypatch, source, settings, steps, **rest):
    """The learning rate of every step."""
    found = []
    step = Muon.step

    def spy(self, *args, **kwargs):
        found.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(Muon, "step", spy)
    fit(compact(), source, Regime(settings, steps, **rest), generator(), scores(*range(99)))
    return found


def test_halving_at_each_quarter(monkeypatch, source):
    settings = replace(SETTINGS, schedule="halving", learning_rate=8.0)
    assert rates(monkeypatch, source, settings, 8) == [8, 8, 4, 4, 2, 2, 1, 1]
    assert rates(monkeypatch, source, settings, 4, rate=16.0)[:2] == [16, 8]


def test_warm_up_and_cosine(monkeypatch, source):
    settings = replace(SETTINGS, schedule="cosine", learning_rate=1.0, warmup=4)
    found = rates(monkeypatch, source, settings, 20)
    assert found.index(max(found)) in range(2, 5)
    assert found[:3] == sorted(found[:3])
    assert found[0] == pytest.approx(0.25, abs=0.01)
    assert found[4:] == sorted(found[4:], reverse=True)
    assert found[10] == pytest.approx(0.5)
    assert 0 < found[-1] < 0.02


# --- interruption ---


class Shelf:
    """Keeps every state that it is offered, as a file would: it shares nothing with the fit."""

    def __init__(self, state=None):
        self.state, self.forced = state, []

    def load(self, network, generator):
        return copy.deepcopy(self.state)

    def offer(self, state, *, now=False):
        self.state = copy.deepcopy(state())
        self.forced.append(now)


class Cut(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("last", [1, 5, 6, 11, 12])
@pytest.mark.parametrize("kind", ["cosine", "halving"])
def test_an_interrupted_fit_goes_on_to_the_same_weights(source, last, kind):
    settings = replace(SETTINGS, checks=2, averaging=0.9, schedule=kind)
    regime, whole, score = Regime(settings, steps=12), compact(), miss(source)
    expected = fit(whole, source, regime, generator(), score)

    def cut(step):
        if step == last:
            raise Cut

    shelf = Shelf()
    with pytest.raises(Cut):
        fit(compact(), source, regime, generator(), score, Hooks(cut, keeper=shelf))
    assert shelf.forced == [False] * (last - 1) + [True]
    later, seen, other = Shelf(shelf.state), [], compact()
    found = fit(other, source, regime, generator(5), score, Hooks(seen.append, keeper=later))
    assert seen == list(range(last + 1, 13))
    assert found == expected
    assert same(other.state_dict(), whole.state_dict())


def test_a_fit_that_had_lost_its_patience_does_not_go_on(source):
    regime = Regime(replace(SETTINGS, checks=12, patience=2), steps=12)
    shelf = Shelf()
    falling = scores(0, -1, -2, -3, -4)
    fit(compact(), source, regime, generator(), falling, Hooks(keeper=shelf))
    # As files of earlier runs have it: score and best score, improved, stale validations, steps.
    assert shelf.state["counts"] == (0, 0, False, 2, 2)
    again = fit(compact(), source, regime, generator(), scores(), Hooks(keeper=shelf))
    assert (again.steps, again.improved) == (2, False)
