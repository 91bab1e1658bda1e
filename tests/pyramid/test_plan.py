"""The stages of the climb."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeptsr.pyramid.plan import Stage, plan, steps_of

HD = (720, 1280)


@pytest.mark.parametrize(
    ("factor", "steps"),
    [
        (2, (2,)),
        (3, (3,)),
        (4, (2, 2)),
        (5, (5,)),
        (6, (3, 2)),
        (7, (7,)),
        (8, (2, 2, 2)),
        (12, (3, 2, 2)),
        (16, (2, 2, 2, 2)),
        (97, (97,)),
        (90, (5, 3, 3, 2)),
    ],
)
def test_steps_by_hand(factor, steps):
    assert steps_of(factor) == steps


def test_stages_that_are_held_have_the_size_of_the_first():
    quarter = Fraction(1, 4)
    scales = [[str(s.scale) for s in plan(16, *HD, quarter, held)] for held in (1, 2, 9)]
    assert scales == [["1/4", "1/2", "1", "1"], ["1/4", "1/4", "1/2", "1"], ["1/4"] * 4]


def test_the_papers_climb():
    assert [s.label for s in plan(8, *HD)] == ["S1/4 T1 -> T2", "S1/2 T2 -> T4", "S1 T4 -> T8"]
    assert [s.label for s in plan(8, *HD, Fraction(1, 8))] == [
        "S1/8 T1 -> T2",
        "S1/4 T2 -> T4",
        "S1/2 T4 -> T8",
    ]
    assert [s.label for s in plan(2, *HD)] == ["S1 T1 -> T2"]


def test_a_long_climb_stays_at_full_size_once_it_is_there():
    assert [s.scale for s in plan(16, *HD, Fraction(1, 2))] == [Fraction(1, 2), 1, 1, 1]


def test_a_small_video_starts_less_coarse():
    assert [s.scale for s in plan(8, 256, 256)] == [Fraction(1, 4), Fraction(1, 2), 1]
    assert plan(8, 256, 256, Fraction(1, 16))[0].scale > Fraction(1, 16)
    assert [s.scale for s in plan(8, 16, 2000)] == [1, 1, 1]


def test_sizes_are_whole_pixels():
    assert Stage(Fraction(1, 4), 2, 1).size(719, 1281) == (180, 320)
    assert Stage(Fraction(1, 4), 2, 1).size(1, 1) == (1, 1)
    assert Stage(Fraction(1), 2, 1).size(33, 47) == (33, 47)


@given(
    factor=st.integers(2, 400),
    height=st.integers(16, 4000),
    width=st.integers(16, 4000),
    coarsest=st.none() | st.sampled_from([Fraction(1, 2**n) for n in range(7)]),
)
def test_any_plan_is_a_climb(factor, height, width, coarsest):
    stages = plan(factor, height, width, coarsest)
    assert math.prod(s.step for s in stages) == factor
    for s in stages:
        assert s.step > 1
        assert all(s.step % n for n in range(2, s.step))
        assert 0 < s.scale <= 1
    assert stages[0].factor_before == 1
    for below, above in itertools.pairwise(stages):
        assert above.scale == min(1, below.scale * 2)
        assert above.factor_before == below.factor_before * below.step
    asked = coarsest or Fraction(1, 2 ** (len(stages) - 1))
    start = stages[0].scale
    assert start >= asked
    # It is coarser by no octave than the small side bears, and less coarse for no other reason.
    assert start == asked or min(height, width) * start / 2 < min(height, width, 64)
    assert start == 1 or min(height, width) * start >= 32
