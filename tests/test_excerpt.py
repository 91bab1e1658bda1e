"""The stretch that fitting looks at, against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeptsr.excerpt import motion, window


def frame(value, height=4, width=6):
    return np.full((height, width, 3), value, np.float32)


def test_motion_by_hand():
    half = frame(0.0)
    half[:2] = 1
    assert motion([frame(0.0), frame(1.0), half, half]) == [1, 0.5, 0]


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_moves_in_less_than_two_frames(count):
    assert motion([frame(0.0)] * count) == []


def test_large_frames_are_measured_on_a_grid():
    before, after = frame(0.0, 300, 500), frame(0.0, 300, 500)
    after[:150] = 1
    assert motion([before, after])[0] == pytest.approx(0.5, abs=0.02)


def test_a_reader_may_use_one_buffer_for_all_frames():
    def frames():
        buffer = frame(0.0)
        for value in (0.0, 0.25, 1.0):
            buffer[:] = value
            yield buffer

    assert motion(frames()) == [0.25, 0.75]


def test_the_earliest_of_equals():
    assert window([1.0, 1.0, 1.0, 1.0], 2) == range(2)
    assert window([0.0] * 9, 4) == range(4)


@pytest.mark.parametrize("length", [5, 6, 99])
def test_a_short_video_is_taken_whole(length):
    assert window([1.0, 2.0, 3.0, 4.0], length) == range(5)


@given(changes=st.lists(st.integers(0, 9).map(float), max_size=20), length=st.integers(1, 25))
def test_against_brute_force(changes, length):
    frames = len(changes) + 1
    found = window(changes, length)
    count = min(length, frames)
    assert len(found) == count
    sums = [sum(changes[s : s + count - 1]) for s in range(frames - count + 1)]
    assert found.start == sums.index(max(sums))
