"""When the frames of the output are shown."""

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeptsr.config import Options, PyramidSettings
from deeptsr.errors import InputError, OptionError
from deeptsr.imaging.timeline import Timeline
from deeptsr.jobs.frame_times import require_constant_rate, schedule

NTSC = Fraction(24000, 1001)
AS_ASKED = PyramidSettings(doubling=False)
VARIABLE = Timeline(Fraction(1, 1000), (0, 40, 80, 200, 240, 1000), Fraction(1, 4))


def test_a_factor_divides_every_interval():
    for line in (Timeline.constant(NTSC, 12), VARIABLE):
        laid = schedule(line, Options(factor=8))
        assert (laid.factor, laid.opened, laid.stretch) == (8, None, 1)
        assert laid.shown == laid.fine == line.subdivided(8)
        assert laid.as_shown == laid


@pytest.mark.parametrize(("asked", "climbed"), [(2, 2), (3, 4), (6, 8), (8, 8), (12, 16), (1, 1)])
def test_a_factor_is_climbed_by_steps_of_two(asked, climbed):
    for line in (Timeline.constant(NTSC, 12), VARIABLE):
        options = Options(factor=asked, scale=2)
        laid = schedule(line, options)
        assert (laid.factor, laid.fine, laid.stretch) == (climbed, line.subdivided(climbed), 1)
        assert laid.shown == line.subdivided(asked)
        shown = laid.as_shown
        assert (shown.factor, shown.opened) == (asked, None)
        assert shown.fine == shown.shown == laid.shown
        for kept in ({"exposure": "delta"}, {"exposure": 0.5}, {"pyramid": AS_ASKED}):
            laid = schedule(line, replace(options, **kept))
            assert (laid.factor, laid.opened) == (asked, None)
        assert schedule(line, replace(options, exposure=0.9)).factor == climbed


def test_frames_that_straddle_those_of_the_input_are_no_parts_of_them():
    laid = schedule(Timeline.constant(Fraction(24), 24), Options(fps=60))
    assert laid.as_shown == laid


@pytest.mark.parametrize(
    ("rate", "fps", "factor"),
    [
        (25, 60, 4),
        (24, 60, 4),
        (NTSC, Fraction(120000, 1001), 8),
        (NTSC, 60, 4),
        (25, 25, 2),
        (25, 26, 2),
        (24, 96, 4),
        (24, 165, 8),
        (24, 168, 8),
        (30, 390, 16),
        (30, 391, 16),
    ],
)
def test_a_rate_is_reached_from_the_next_factor(rate, fps, factor):
    laid = schedule(Timeline.constant(Fraction(rate), 24), Options(fps=fps))
    assert laid.factor == factor
    assert laid.shown.rate == fps
    assert laid.shown.is_constant
    assert (laid.opened is None) == (Fraction(fps) / rate == factor)


@pytest.mark.parametrize(
    ("rate", "fps", "factor"),
    [
        (24, 60, 3),
        (24, 165, 8),  # 6.875: a step of 7 at once would be harder
        (24, 168, 7),  # unless nothing is left over
        (30, 391, 15),
    ],
)
def test_without_doubling_a_rate_is_reached_from_easy_steps(rate, fps, factor):
    line = Timeline.constant(Fraction(rate), 24)
    assert schedule(line, Options(fps=fps, pyramid=AS_ASKED)).factor == factor


@pytest.mark.parametrize(
    ("rate", "fps", "exposure", "frames", "factor"),
    [
        (24, 60, "delta", 24, 5),  # an instant for each frame
        (24, 60, "full", 24, 4),
        (24, 60, 0.25, 24, 5),  # frames do not touch at the end of the climb
        (24, 60, 0.5, 24, 3),  # they do
        (24, 60, "delta", 9, 3),  # too few to learn a step of 5 from
        (25, 60, "delta", 24, 3),  # 12 would be four times the work
        (30, 50, "delta", 24, 5),
        (24, 56, "delta", 24, 3),  # 7 at once
        (25, 25, "delta", 24, 2),
        (NTSC, 60, "delta", 24, 3),
    ],
)
def test_instants_are_met_exactly_where_that_is_not_much_more_work(
    rate, fps, exposure, frames, factor
):
    line = Timeline.constant(Fraction(rate), frames)
    laid = schedule(line, Options(fps=fps, exposure=exposure))
    assert laid.factor == factor
    if factor == 5:
        moments = {laid.fine.moment(i) for i in range(len(laid.fine) + 1)}
        assert {laid.opened.moment(i) for i in range(len(laid.opened))} <= moments


@pytest.mark.parametrize("fps", [1, Fraction(24999, 1000)])
def test_a_rate_below_the_input_s_is_refused(fps):
    with pytest.raises(OptionError, match=r"the input has 25; expected at least as many"):
        schedule(Timeline.constant(Fraction(25), 9), Options(fps=fps))


def test_a_variable_rate_can_be_made_constant_or_refused():
    laid = schedule(VARIABLE, Options(factor=4, vfr="cfr"))
    assert laid.shown == Timeline.constant(Fraction(20), 20, Fraction(1, 4))
    with pytest.raises(InputError, match=r"variable, 5 fps on average; .* `vfr` keep or cfr"):
        require_constant_rate(VARIABLE)
    even = Timeline.constant(NTSC, 9)
    require_constant_rate(even)
    assert {schedule(even, Options(vfr=vfr)).opened for vfr in ("keep", "cfr", "error")} == {None}


@pytest.mark.parametrize("asked", [{"fps": Fraction(60)}, {"vfr": "cfr", "factor": 2}])
def test_a_frame_that_a_broken_stamp_shows_for_ages_is_told_at_once(asked):
    ages = Timeline(Fraction(1, 1000), (0, 40, 2**45 + 1, 2**45 + 41))
    with pytest.raises(OptionError, match=r"a broken timestamp .*cut it off"):
        schedule(ages, Options(**asked))


def test_slow_motion_keeps_the_rate():
    shown = schedule(Timeline.constant(NTSC, 12, Fraction(1, 8)), Options(slow_motion=True)).shown
    assert shown == Timeline.constant(NTSC, 96, Fraction(1))
    options = Options(fps=60, slow_motion=True)
    assert schedule(Timeline.constant(Fraction(25), 10), options).shown == Timeline.constant(
        Fraction(25), 24
    )
    slow = schedule(VARIABLE, Options(factor=2, slow_motion=True)).shown
    assert slow.ticks == VARIABLE.subdivided(2).ticks
    assert (slow.clock, slow.start) == (VARIABLE.clock, VARIABLE.start * 2)


@st.composite
def timelines(draw):
    frames = draw(st.integers(4, 40))
    start = draw(st.fractions(0, 2, max_denominator=90_000))
    if draw(st.booleans()):
        rate = draw(st.sampled_from([NTSC, Fraction(30000, 1001), Fraction(25), Fraction(100, 7)]))
        return Timeline.constant(rate, frames, start)
    gaps = draw(st.lists(st.integers(1, 9000), min_size=frames, max_size=frames))
    return Timeline(Fraction(1, 90_000), (0, *accumulate(gaps)), start)


@settings(deadline=None, max_examples=80)
@given(
    timelines(),
    st.integers(2, 16),
    st.none() | st.fractions(1, 6, max_denominator=1001),
    st.sampled_from(["keep", "cfr"]),
    st.booleans(),
)
def test_time_never_runs_away(line, factor, times, vfr, slow):
    fps = None if times is None else (line.rate * times).limit_denominator(1000)
    if fps is not None and (fps < line.rate or fps.numerator > 1_000_000):
        return
    laid = schedule(line, Options(factor=factor, fps=fps, vfr=vfr, slow_motion=slow))
    shown = laid.shown
    frame = 1 / shown.rate
    assert abs(shown.duration - line.duration * laid.stretch) < frame
    if fps is None:
        assert len(shown) == len(line) * factor
    # One of FFmpeg's fractions can hold its clock.
    assert max(shown.grid.numerator, shown.grid.denominator) < 2**31
    if slow and fps is None:
        assert abs(shown.rate / line.rate - 1) < Fraction(1, 1000)
    assert len(laid.fine) == len(line) * laid.factor
    assert laid.fine.duration == line.duration
