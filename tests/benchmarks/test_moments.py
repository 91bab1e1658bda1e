"""What frames at any moments are measured by."""

from fractions import Fraction

import pytest

from benchmarks.moments import measured, tasks, told
from deeptsr.pyramid.plan import Stage

SMALL = {"size": 32, "frames": 8, "climb": ""}


@pytest.mark.parametrize(("rate", "factors"), [("5/2", [3, 4]), ("7", [7, 8]), ("8", [8])])
def test_each_rate_is_made_of_its_own_factor_and_of_a_power_of_two(rate, factors):
    found = tasks(("ball",), rate, exposure="full", **SMALL)
    assert [task["factor"] for task in found] == factors


def test_of_perfect_frames_the_cubic_is_closer_than_stills():
    (task, _) = tasks(("ball",), "5/2", exposure="full", **SMALL)
    found = measured(task)
    assert found["as it is done"] > found["stills"] + 3
    assert found["stills"] > 40


def test_instants_of_the_rate_itself_are_exact_and_others_are_not():
    (task, _) = tasks(("ball",), "5/2", exposure="delta", **SMALL)
    assert measured(task | {"factor": 5})["as it is done"] > 90 > measured(task)["as it is done"]


def test_a_climb_is_told_stage_by_stage():
    stages, networks = told("2@1/4,4@1i")
    assert stages == (Stage(Fraction(1, 4), 2, 1), Stage(Fraction(1), 4, 2))
    assert networks == [True, False]
    (task,) = tasks(("ball",), "3", exposure="full", stages="4@1i", **SMALL | {"climb": "fast"})
    assert task["factor"] == 4
    plain = measured(task | {"size": 24, "frames": 6})["as it is done"]
    assert 20 < plain < measured(task | {"size": 24, "frames": 6, "stages": "4@1"})["as it is done"]
