"""What a stage does: what is known, what it adapts to, what is kept."""

from dataclasses import replace

import pytest
import torch

from deeptsr.learning.strategy import attempts
from deeptsr.learning.strategy.attempts import approach, attempt
from deeptsr.learning.strategy.evidence import Evidence
from deeptsr.learning.strategy.fitter import StageFitter
from deeptsr.learning.strategy.start import Start
from deeptsr.networks import build
from deeptsr.pyramid.special import Specialist
from tests.helpers.fits import Shelf
from tests.helpers.synth import FIT, NETWORK, certain, gap, pan, tiny, wake

CLIP = pan(16, 24, 24)


def fitter(on_step=lambda step: None, checkpoints=None):
    options = tiny(fit=replace(FIT, finetune_rate=1e-2))
    cpu = torch.device("cpu")
    return StageFitter(
        options, len(CLIP), 0, torch.float32, on_step, cpu, checkpoints, lambda: False
    )


def seen(network):
    known = attempts.look(network, CLIP, torch.float32)
    return Start("any", known, attempts.examine(network, CLIP, torch.float32))


def agreeing(monkeypatch, *shares, change=5.0):
    answers = iter(shares)
    monkeypatch.setattr(
        attempts,
        "examine",
        lambda *_: Evidence(change, torch.zeros(1, 1, 1), next(answers), 0.3, 1.0),
    )


@pytest.mark.parametrize(
    ("shares", "learned"),
    [
        ((0.3, 0.2, 0.1, 0.0, -0.1), 0.0),
        ((0.3, 0.5, 0.35, 0.2, 0.1), 0.25),
        ((0.3, 0.4, 0.5, 0.2, 0.1), 0.5),
        ((0.3, 0.4, 0.5, 0.6, 0.1), 0.75),
        ((-0.5, -0.7, -0.6, -0.4, -0.2), 1.0),  # it contradicts itself less and less
    ],
)
def test_of_what_the_video_taught_as_much_is_kept_as_agrees_with_itself(
    monkeypatch, shares, learned
):
    agreeing(monkeypatch, *shares)
    network, fitting = wake(build(NETWORK, 2)), fitter()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    result = attempt(fitting, network, [CLIP], 1, start=seen(network))
    assert result.gain_db == pytest.approx(fitting.gain(network, [CLIP]), abs=1e-9)
    assert result.learned == learned
    assert result.outcome == ("fitted" if learned else "as known")
    assert result.evidence.agreement == max(shares)
    moved = max(gap(network.state_dict()[k], v) for k, v in before.items())
    assert (moved > 0) == (learned > 0)


@pytest.mark.parametrize(
    ("shares", "errors", "learned"),
    [
        ((0.30, 0.31, 0.33, 0.29, 0.1), (0.5, 0.4, 0.3, 0.2, 0.1), 0.75),
        ((0.30, 0.31, 0.33, 0.29, 0.1), (0.1, 0.4, 0.3, 0.2, 0.1), 0.0),
        ((0.70, 0.60, 0.10, 0.0, 0.0), (0.5, 0.4, 0.3, 0.2, 0.1), 0.0),  # as of a fan
        ((0.90, 0.88, 0.10, 0.0, 0.0), (0.5, 0.4, 0.3, 0.2, 0.1), 0.0),  # the surer, the stricter
        ((-0.42, -0.45, -0.43, -0.48, -0.67), (0.5, 0.4, 0.3, 0.2, 0.1), 0.75),
    ],
)
def test_of_means_that_agree_as_much_held_out_frames_choose(monkeypatch, shares, errors, learned):
    agreeing(monkeypatch, *shares)
    told = iter((*errors[1:], errors[0]))  # what was known is looked at last
    monkeypatch.setattr(StageFitter, "error_of_slower", lambda *_: next(told))
    network = wake(build(NETWORK, 2))
    result = attempt(fitter(), network, [CLIP], 1, start=seen(network))
    assert result.learned == learned
    assert result.evidence.agreement == shares[(0.0, 0.25, 0.5, 0.75, 1.0).index(learned)]


def test_what_is_chosen_is_what_is_left_in_the_network(monkeypatch):
    agreeing(monkeypatch, 0.3, 0.3, 0.3, 0.3, 0.3)
    errors = iter((0.4, 0.2, 0.3, 0.6, 0.5))
    seen_then = []

    def error(self, network, clip):
        seen_then.append({k: v.clone() for k, v in network.state_dict().items()})
        return next(errors)

    monkeypatch.setattr(StageFitter, "error_of_slower", error)
    network = wake(build(NETWORK, 2))
    assert attempt(fitter(), network, [CLIP], 1, start=seen(network)).learned == 0.5
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in seen_then[1].items())
    first, last = seen_then[4], seen_then[3]
    assert any(gap(first[k], last[k]) > 1e-4 for k in first)
    assert all(gap(seen_then[1][k], (first[k] + last[k]) / 2) < 1e-5 for k in first)


@pytest.mark.parametrize(
    ("agreement", "error", "goes_on"),
    [
        (0.4, 0.3, True),  # it agrees more
        (0.1, 0.1, True),  # it is better for a slower camera's frames
        (0.3, 0.2, False),
        (0.1, 0.3, False),
    ],
)
def test_a_fit_that_promises_nothing_ends_when_it_has_begun(monkeypatch, agreement, error, goes_on):
    network, fitting = wake(build(NETWORK, 2)), fitter()
    before, start = {k: v.clone() for k, v in network.state_dict().items()}, seen(network)
    start = replace(start, evidence=replace(start.evidence, agreement=0.3))
    agreeing(monkeypatch, agreement, *[0.5] * 4 * goes_on)
    errors = iter((error, 0.2, *[0.2, 0.2, 0.2, 0.2, 0.3] * goes_on))
    monkeypatch.setattr(StageFitter, "error_of_slower", lambda *_: next(errors))
    result = attempt(fitting, network, [CLIP], 16, start=start)
    assert fitting.steps_made == (16 if goes_on else 2)
    assert (result.learned, result.outcome) == ((0.25, "fitted") if goes_on else (0.0, "as known"))
    if not goes_on:
        assert result.evidence == start.evidence
        assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert [steps for _, steps, _ in fitting.curve] == [0, 2, 16][: 2 + goes_on]


def test_a_fit_that_was_interrupted_as_it_ended_has_ended(monkeypatch):
    """Whether it promises anything is not asked again, and the steps that it made are told."""

    def stop(step):
        if step == 2:
            raise KeyboardInterrupt

    shelf, known = Shelf(), wake(build(NETWORK, 2)).state_dict()
    errors = iter((0.3, 0.2))
    monkeypatch.setattr(StageFitter, "error_of_slower", lambda *_: next(errors))
    network = build(NETWORK, 2)
    network.load_state_dict(known)
    start = seen(network)
    start = replace(start, evidence=replace(start.evidence, agreement=1.0))
    with pytest.raises(KeyboardInterrupt):
        attempt(fitter(stop, shelf), network, [CLIP], 16, start=start)
    network.load_state_dict(known)
    fitting = fitter(checkpoints=shelf)
    assert attempt(fitting, network, [CLIP], 16, start=start).learned == 0
    assert fitting.steps_made == 2
    assert all(torch.equal(v, known[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize(
    ("answers", "errors", "learned"),
    [  # agreement, and how much is kept of it, of what was taken over and with all that it learns
        ([(0.3, 1.0), (0.32, 0.9)], (0.2, 0.1), 1.0),
        ([(0.3, 1.0), (0.32, 0.9)], (0.1, 0.2), 0.0),  # a slower camera's frames are worse for it
        ([(0.3, 1.0), (0.38, 0.9)], (0.1, 0.2), 1.0),  # but it agrees more
        ([(0.3, 1.0), (0.38, 0.4)], (0.2, 0.1), 0.0),  # it turns against what was taken over
        ([(0.3, 1.0), (0.1, 1.0)], (0.2, 0.1), 0.0),  # it agrees less
    ],
)
def test_a_fit_of_another_video_comes_nearer_as_a_fit_of_its_own_is_kept(
    monkeypatch, answers, errors, learned
):
    told = iter(answers)
    kept = [error for (_, kept), error in zip(answers[1:], errors[1:], strict=True) if kept > 0.5]
    slower = iter((*kept, errors[0]))  # what was taken over is looked at last
    monkeypatch.setattr(attempts, "examine", lambda *_, **__: evidence(*next(told)))
    monkeypatch.setattr(StageFitter, "error_of_slower", lambda *_: next(slower))
    network, few = wake(build(NETWORK, 2)), fitter()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    result = approach(few, network, CLIP, 4)
    assert (result.learned, result.outcome) == (learned, "fitted" if learned else "as known")
    moved = max(gap(network.state_dict()[k], v) for k, v in before.items())
    assert (moved > 0) == (learned > 0)
    assert few.steps_made == 4
    assert not network.training


@pytest.mark.parametrize(("steps", "leads"), [(0, False), (4, True)])
def test_without_steps_and_where_a_specialist_leads_what_is_known_stays(steps, leads):
    network = wake(build(NETWORK, 2))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    special = Specialist(network, network, certain(1.0)) if leads else None
    start = replace(seen(network), special=special, leads=leads)
    result = attempt(fitter(), network, [CLIP], steps, start=start)
    assert (result.outcome, result.learned) == ("as known", 0.0)
    assert result.special == leads
    assert all(torch.equal(network.state_dict()[k], v) for k, v in before.items())


@pytest.mark.parametrize(("levels", "taken"), [(1.1, True), (0.9, False)])
@pytest.mark.parametrize("known", [True, False])
def test_a_change_that_nobody_can_see_is_not_taken(monkeypatch, levels, taken, known):
    agreeing(monkeypatch, *[0.5] * 9, change=levels)
    monkeypatch.setattr(StageFitter, "gain", lambda *_: 1.0)
    network = wake(build(NETWORK, 2))
    start = seen(network) if known else None
    result = attempt(fitter(), network, [CLIP], 2, start=start)
    assert (result.outcome != "interpolates") == taken


def test_what_turns_against_what_was_known_is_not_taken(monkeypatch):
    answers = iter([(0.3, 1.0), (0.4, 0.9), (0.6, 0.45), (0.8, -0.2), (0.9, -1.0)])
    monkeypatch.setattr(attempts, "examine", lambda *_: evidence(*next(answers)))
    network = wake(build(NETWORK, 2))
    result = attempt(fitter(), network, [CLIP], 1, start=seen(network))
    assert (result.learned, result.evidence.agreement) == (0.25, 0.4)


def evidence(agreement, kept):
    return Evidence(5.0, torch.zeros(1, 1, 1), agreement, 0.3, 1.0, kept)


@pytest.mark.parametrize("gain", [0.5, -0.5])
def test_what_starts_from_nothing_must_gain(monkeypatch, gain):
    agreeing(monkeypatch, 0.5)
    monkeypatch.setattr(StageFitter, "gain", lambda *_: gain)
    result = attempt(fitter(), build(NETWORK, 2), [CLIP], 2, start=None)
    assert result.outcome == ("fitted" if gain > 0 else "interpolates")
