"""Exact moments, whatever is done to them."""

from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeptsr.imaging.timeline import Timeline

NTSC = Fraction(24000, 1001)
FEW = settings(deadline=None, max_examples=50)
RATES = st.sampled_from([NTSC, Fraction(30000, 1001), Fraction(25), Fraction(25, 2), Fraction(7)])


@st.composite
def timelines(draw):
    """Constant and variable ones, from any start."""
    start = draw(st.fractions(0, 3, max_denominator=90_000))
    if draw(st.booleans()):
        return Timeline.constant(draw(RATES), draw(st.integers(1, 30)), start)
    gaps = draw(st.lists(st.integers(1, 500), min_size=1, max_size=30))
    clock = draw(st.sampled_from([Fraction(1, 1000), Fraction(1, 90_000), Fraction(1001, 30_000)]))
    return Timeline(clock, (0, *accumulate(gaps)), start)


def moments(timeline):
    return [timeline.moment(i) for i in range(len(timeline) + 1)]


def test_a_constant_rate_by_hand():
    line = Timeline.constant(NTSC, 48, Fraction(1, 2))
    assert (len(line), line.rate, line.highest_rate) == (48, NTSC, NTSC)
    assert line.duration == Fraction(48 * 1001, 24000)
    assert line.moment(24) == Fraction(1, 2) + Fraction(1001, 1000)
    assert line.is_constant


def test_a_variable_rate_by_hand():
    line = Timeline(Fraction(1, 100), (0, 4, 20, 30), Fraction(1))
    assert (len(line), line.rate, line.highest_rate) == (3, 10, 25)
    assert moments(line) == [1, Fraction(104, 100), Fraction(120, 100), Fraction(130, 100)]
    assert line.subdivided(2).ticks == (0, 4, 8, 24, 40, 50, 60)
    assert line.part(range(1, 3)) == Timeline(Fraction(1, 100), (0, 16, 26), Fraction(104, 100))
    assert not line.is_constant


@FEW
@given(timelines(), st.integers(1, 16))
def test_each_interval_is_divided_evenly(line, factor):
    fine = line.subdivided(factor)
    assert len(fine) == len(line) * factor
    assert moments(fine)[::factor] == moments(line)
    for begin, end in pairwise(range(0, len(fine) + 1, factor)):
        steps = {b - a for a, b in pairwise(moments(fine)[begin : end + 1])}
        assert len(steps) == 1
    assert (fine.duration, fine.is_constant) == (line.duration, line.is_constant)
    assert moments(fine.merged(factor)) == moments(line)


@FEW
@given(timelines(), st.data())
def test_a_part_keeps_its_moments(line, data):
    stop = data.draw(st.integers(1, len(line)))
    start = data.draw(st.integers(0, stop - 1))
    assert moments(line.part(range(start, stop))) == moments(line)[start : stop + 1]


@FEW
@given(timelines(), st.fractions(1, 16, max_denominator=1001))
def test_time_is_stretched_from_moment_0_on(line, by):
    assert moments(line.stretched(by)) == [moment * by for moment in moments(line)]


@FEW
@given(timelines(), st.fractions(0, 3, max_denominator=48_000))
def test_another_start_moves_all_alike(line, start):
    moved = line.starting_at(start)
    assert abs(moved.start - start) <= line.clock / 2
    assert [m - moved.start for m in moments(moved)] == [m - line.start for m in moments(line)]
    assert all(m % moved.grid == 0 for m in moments(moved))
    assert max(moved.grid.numerator, moved.grid.denominator) < 2**31


def test_a_start_that_no_clock_counts_is_rounded():
    line = Timeline.constant(NTSC * 8, 3)
    assert line.starting_at(Fraction(1, 3)).start == Fraction(1, 3)
    assert line.starting_at(Fraction(1, 999_983)).start == 0


@FEW
@given(timelines(), st.fractions(-1, 5, max_denominator=1000))
def test_the_first_frame_from_a_moment_on(line, seconds):
    later = [i for i in range(len(line)) if line.moment(i) - line.start >= seconds]
    assert line.first_from(seconds) == (later[0] if later else len(line))


@FEW
@given(timelines(), st.fractions(-1, 20, max_denominator=1000))
def test_the_frame_shown_at_a_moment(line, moment):
    before = [i for i in range(len(line)) if line.moment(i) <= moment]
    assert line.shown_at(moment) == (before[-1] if before else 0)


@pytest.mark.parametrize("frames", [1, 5])
def test_equal_timelines_are_equal(frames):
    line = Timeline.constant(Fraction(25), frames)
    assert line == Timeline.constant(Fraction(25), frames)
    assert hash(line) == hash(Timeline.constant(Fraction(25), frames))


@FEW
@given(timelines(), st.data())
def test_without_some_frames_the_others_keep_their_moments(timeline, data):
    inner = range(1, len(timeline))
    left_out = data.draw(st.sets(st.sampled_from(inner))) if inner else set()
    thin = timeline.without(left_out)
    assert moments(thin) == [m for i, m in enumerate(moments(timeline)) if i not in left_out]
    gaps = {b - a for a, b in pairwise(moments(thin))}
    assert thin.is_constant == (len(gaps) == 1)
