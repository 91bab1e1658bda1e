"""How many steps of a teaching a time has room for."""

from dataclasses import replace

import pytest
import torch

from deeptsr.config import PretrainSettings
from deeptsr.events import Warned
from deeptsr.jobs.pretrain import pace as module
from deeptsr.jobs.pretrain.pace import Begun, affordable
from deeptsr.learning.pretraining import VARIANTS
from tests.helpers.synth import NETWORK

TINY = PretrainSettings(steps=4, batch=2, crop=16, frames=3, pool=2, check=2, warmup=1)
TIME = {"done": {"any/full-1": {}}, "variant": "special/full-1", "state": {"step": 30}}


def begun(**changes):
    """Of a teaching with a budget of 500 s, of which 400 are over."""
    given = {"state": TIME, "seconds": 400.0, "budget": 500.0, "steps": 77, "pool": 9}
    return Begun("it", **(given | changes))


def measured(seconds):
    """A step a second."""
    return replace(TINY, steps=round(seconds), pool=5)


def test_a_time_budget_counts_the_clips_that_are_there_from_the_start(monkeypatch):
    """A clip takes 2 s and a step 1 s: of 4000 s all pools of clips take 600 at most."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def render(seed, kind):
        now[0] += 2.0

    def pretrain(network, settings, *, variants, on_event, **_):
        for _ in range(settings.steps):
            now[0] += 1.0
            on_event(None)

    monkeypatch.setattr(module, "render", render)
    monkeypatch.setattr(module, "pretrain", pretrain)
    pools = sum((v.rotors < 1) + (v.rotors > 0) for v in VARIANTS)
    settings = replace(TINY, pool=250)
    for seconds, pool in ((4000.0, round(0.15 * 4000 / (2 * pools))), (1e6, 250), (10.0, 8)):
        found = affordable(NETWORK, settings, seconds, {"variants": VARIANTS})
        assert found.pool == pool
        taken = 2 * pools * pool + found.steps * sum(v.share for v in VARIANTS)
        assert taken == pytest.approx(0.9 * seconds, abs=5) or found.steps == 40


def test_the_same_budget_goes_on_as_it_was_planned():
    planned = begun().planned(TINY, 500.0, lambda seconds: pytest.fail("measured again"), VARIANTS)
    assert planned == replace(TINY, steps=77, pool=9)
    assert Begun("it").planned(TINY, 500.0, measured, VARIANTS).steps == 500


def test_another_budget_is_for_all_of_it():
    """Of 1000 s, 600 are left: 600 times all shares, and the 30 made, for the networks not done."""
    shares = [v.share for v in VARIANTS]
    steps = (600 * sum(shares) + 30) / sum(shares[1:])
    planned = begun().planned(TINY, 1000.0, measured, VARIANTS)
    assert planned == replace(TINY, steps=round(steps), pool=5)
    detail = begun(state={"counts": (30, 4)}).planned(TINY, 1000.0, measured, VARIANTS)
    assert detail.steps == 630
    least = begun().planned(TINY, 100.0, lambda seconds: measured(max(40, seconds)), VARIANTS)
    assert least.steps == round((40 * sum(shares) + 30) / sum(shares[1:]))
    assert begun(steps=50).planned(TINY, 100.0, lambda seconds: measured(40), VARIANTS).steps == 50


def test_a_number_of_steps_is_taken_as_it_is():
    assert begun().planned(TINY, None, measured, VARIANTS) == TINY


def test_what_is_kept_is_read_again(tmp_path):
    path, told = tmp_path / "kept.pt", []
    assert Begun.load(path, "it", told.append) == Begun("it")
    begun().save(path)
    assert Begun.load(path, "it", told.append) == begun()
    assert told == []
    assert Begun.load(path, "another", told.append) == Begun("another")
    assert isinstance(told.pop(), Warned)


@pytest.mark.parametrize(
    "content",
    [
        {"who": "it", "state": {}},
        {"who": "it", "state": 7, "steps": 1, "pool": 1},
        {"who": "it", "state": {}, "steps": 1, "pool": 1, "seconds": "x"},
        {"who": "it", "more": 1},
        [1],
    ],
)
def test_what_is_no_beginning_counts_as_none(tmp_path, content):
    path, told = tmp_path / "kept.pt", []
    torch.save(content, path)
    assert Begun.load(path, "it", told.append) == Begun("it")
    assert isinstance(told.pop(), Warned)
