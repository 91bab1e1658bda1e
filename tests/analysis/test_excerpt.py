"""The stretch that fitting looks at, against brute force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeptsr.analysis import excerpt
from deeptsr.analysis.excerpt import choose, read_excerpt, window
from deeptsr.analysis.scenes import Survey
from deeptsr.events import Progress, Surveyed, Warned
from tests.helpers.scenes import scene


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


def survey_of(*changes, duplicates=()):
    return Survey(tuple(map(float, changes)), (), duplicates)


def test_an_excerpt_is_of_one_scene():
    found = survey_of(1, 1, 50, 2, 2, 2)
    assert choose(found, (3,), 3) == [3, 4, 5]
    assert choose(found, (3,), 9) == [3, 4, 5, 6]
    assert choose(found, (), 3) == [2, 3, 4]


def test_a_scene_that_is_long_enough_comes_before_one_that_moves_more():
    found = survey_of(9, 50, 1, 1, 1)
    assert choose(found, (2,), 9, least=2) == [0, 1]
    assert choose(found, (2,), 9, least=3) == [2, 3, 4, 5]


def test_duplicates_are_left_out():
    found = survey_of(1, 0, 1, 0, 5, 0, duplicates=(2, 4, 6))
    assert choose(found, (), 9) == [0, 1, 3, 5]
    assert choose(found, (), 2) == [3, 5]


def read(frames, length, cuts=None, least=(2, 2)):
    told, read_through = [], []

    def again():
        read_through.append(1)
        return iter(frames)

    def listen(event):
        if not isinstance(event, Progress):  # which a slow machine is told more often
            told.append(event)

    chosen, found = read_excerpt(again, len(frames), cuts, length, least, listen)
    index = {f.tobytes(): n for n, f in reversed(list(enumerate(frames)))}
    return [index[f.tobytes()] for f in chosen], found, told, len(read_through)


def test_a_short_video_is_read_once_and_a_long_one_twice():
    frames = scene(1, 12)
    assert read(frames, 12) == (list(range(12)), (), [], 1)
    chosen, cuts, told, times = read(frames, 5)
    assert (len(chosen), cuts, told, times) == (5, (), [], 2)
    assert chosen == list(range(chosen[0], chosen[0] + 5))


def test_what_was_found_is_told():
    frames = [f for f in [*scene(1, 6), *scene(21, 4)] for _ in range(2)]
    chosen, cuts, told, _ = read(frames, 99)
    assert cuts == (12,)
    assert chosen in ([0, 2, 4, 6, 8, 10], [12, 14, 16, 18])
    assert told[0] == Surveyed((12,))
    assert isinstance(told[1], Warned)
    assert told[1].message.startswith("10 of 20 frames repeat the one before")


def test_cuts_that_are_given_are_taken():
    frames = scene(1, 12)
    chosen, cuts, told, _ = read(frames, 99, (4,))
    assert (cuts, told) == ((4,), [Surveyed((4,))])
    assert set(chosen) in (set(range(4)), set(range(4, 12)))


def test_duplicates_are_better_than_too_few_frames():
    frames = [f for f in scene(1, 4) for _ in range(2)]
    chosen, _, _, _ = read(frames, 99, least=(4, 4))
    assert len(chosen) == 4
    chosen, _, _, _ = read(frames, 99, least=(5, 5))
    assert len(chosen) == 8


def test_how_far_reading_has_come_is_told(monkeypatch):
    monkeypatch.setattr(excerpt, "_TOLD", -1.0)
    told = []
    read_excerpt(lambda: iter(scene(1, 5)), 5, (), 9, (1, 1), told.append)
    assert [event.detail for event in told if isinstance(event, Progress)] == [
        f"reading, frame {number} of 5" for number in range(1, 6)
    ]
