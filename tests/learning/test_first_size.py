"""Where a climb begins: which plan a fit takes, and that a run that goes on takes the same."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import preset
from deeptsr.learning import stages
from deeptsr.learning.prior import SPECIALIST
from deeptsr.learning.recipe import climbs
from deeptsr.learning.strategy.evidence import Evidence
from deeptsr.learning.strategy.start import Start
from deeptsr.pyramid.special import Specialist
from tests.helpers.fits import Shelf, fitted, outcomes
from tests.helpers.synth import certain, pan

OPTIONS = preset("fast", factor=4)
OPTIONS = replace(OPTIONS, fit=replace(OPTIONS.fit, adapt_steps=0))
CLIP = pan(12, 192, 192)
PLANS = climbs(OPTIONS, 192, 192)
KNOWN = Evidence(9.0, torch.zeros(1, 1, 1), 0.9, 0.3, 1.0)


def begun(clip=CLIP, options=OPTIONS, **settings):
    told = []
    made, events = fitted(
        clip, PLANS[0], options, smaller=PLANS[1:], on_smaller=told.append, **settings
    )
    assert [stage.stage.label for stage in made] == [event.label for event in outcomes(events)]
    return made[0].stage.scale, told


def choosing(monkeypatch, answer):
    asked = []

    def best_size(network, clip, sizes, precision):
        asked.append(list(sizes))
        return answer

    monkeypatch.setattr(stages, "best_size", best_size)
    return asked


def test_there_is_a_choice():
    assert [str(plan[0].scale) for plan in PLANS] == ["1", "1/2", "1/4"]


@pytest.mark.parametrize("scale", ["1", "1/2", "1/4"])
def test_it_begins_at_the_size_that_is_best(monkeypatch, scale):
    asked = choosing(monkeypatch, Fraction(scale))
    found, told = begun()
    assert found == Fraction(scale)
    assert asked == [[Fraction(1), Fraction(1, 2), Fraction(1, 4)]]
    assert [plan[0].scale for plan in told] == ([] if scale == "1" else [found])


def test_slow_motion_begins_at_full_size():
    assert begun(pan(12, 192, 192, speed=0.5))[0] == 1


def test_where_a_specialist_takes_part_it_is_the_smallest(monkeypatch):
    asked = choosing(monkeypatch, Fraction(1))
    start_from = stages.start_from

    def special(network, experts, clip, precision):
        known = start_from(network, experts, clip, precision)
        return replace(known, special=Specialist(network, network, certain(1.0)))

    monkeypatch.setattr(stages, "start_from", special)
    quarter = Fraction(1, 4)
    found, told = begun()
    assert found == quarter
    assert not asked
    assert [[stage.scale for stage in plan] for plan in told] == [[quarter, 1 / 2], [quarter] * 2]


def test_where_it_begins_larger_no_specialist_is_asked(monkeypatch):
    choosing(monkeypatch, Fraction(1, 2))
    start_from, asked = stages.start_from, []

    def recorded(network, experts, *others):
        asked.append(SPECIALIST in experts)
        return start_from(network, experts, *others)

    monkeypatch.setattr(stages, "start_from", recorded)
    begun()
    assert asked == [True, False]


def test_a_specialist_makes_the_stages_of_its_size_in_one(monkeypatch):
    choosing(monkeypatch, Fraction(1))
    monkeypatch.setattr(
        stages,
        "start_from",
        lambda network, *_: Start(
            *("any", CLIP, KNOWN, Specialist(network, network, certain(1.0))), leads=True
        ),
    )
    options = replace(OPTIONS, factor=16)
    plans = climbs(options, 192, 192)
    shelf = Shelf()
    made, _ = fitted(CLIP, plans[0], options, smaller=plans[1:], checkpoints=shelf)
    again, _ = fitted(CLIP, plans[0], options, smaller=plans[1:], checkpoints=shelf)
    assert [each.stage for each in again] == [each.stage for each in made]
    assert again[1].at_once is not None
    assert [str(each.stage.scale) for each in made] == ["1/4", "1/4", "1/2", "1"]
    assert [each.at_once is not None for each in made] == [False, True, False, False]
    assert made[1].at_once.factor == 4
    assert [each.network is not None for each in made] == [True, True, True, False]


@pytest.mark.parametrize(("scale", "looks"), [("1/4", 1), ("1/2", 2)])
def test_what_was_looked_at_is_not_looked_at_again(monkeypatch, scale, looks):
    choosing(monkeypatch, Fraction(scale))
    start_from, sizes = stages.start_from, []

    def watched(network, experts, clip, precision):
        sizes.append(clip.shape[1])
        return start_from(network, experts, clip, precision)

    monkeypatch.setattr(stages, "start_from", watched)
    begun()
    assert sizes == [48, 96][:looks]


def test_a_run_that_goes_on_begins_at_the_same_size(monkeypatch):
    shelf = Shelf()
    choosing(monkeypatch, Fraction(1, 2))
    assert begun(checkpoints=shelf)[0] == Fraction(1, 2)
    asked = choosing(monkeypatch, Fraction(1))
    found, told = begun(checkpoints=shelf)
    assert found == Fraction(1, 2)
    assert [plan[0].scale for plan in told] == [found]
    assert not asked


def test_a_run_that_goes_on_starts_from_the_same_expert(monkeypatch):
    """Who suits the motion is seen at the smallest size, and not looked at again."""
    choosing(monkeypatch, Fraction(1, 2))
    start_from, asked = stages.start_from, []

    def below(network, experts, *others):
        asked.append(sorted(experts))
        return replace(start_from(network, experts, *others), expert="below")

    monkeypatch.setattr(stages, "start_from", below)
    begun(checkpoints=(shelf := Shelf()))
    shelf.kept.clear()  # interrupted when the size was chosen, and no stage was fitted
    begun(checkpoints=shelf)
    (smallest, *others), kept = asked, shelf.started["size"]
    assert SPECIALIST in smallest
    assert others == [["below"], ["below"]]
    for damage in ("nobody", [1], None):
        shelf.started["size"], _ = {**kept, "expert": damage}, shelf.kept.clear()
        begun(checkpoints=shelf)
        assert asked.pop()[:2] == ["any", "below"]


@pytest.mark.parametrize("damage", [{}, {"scale": "2"}, {"scale": None}, {"scale": [1]}])
def test_what_is_damaged_is_chosen_anew(monkeypatch, damage):
    shelf = Shelf()
    shelf.save_partial("size", damage)
    asked = choosing(monkeypatch, Fraction(1, 2))
    assert begun(checkpoints=shelf)[0] == Fraction(1, 2)
    assert len(asked) == 1
