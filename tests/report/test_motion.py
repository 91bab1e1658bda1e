"""Where it moves most."""

import numpy as np
import pytest

from deeptsr.report.motion import measure

HEIGHT, WIDTH = 64, 96


def still(count):
    return np.full((count, HEIGHT, WIDTH, 3), 0.5, np.float32)


def flicker(frames, times, rows, columns, strength=0.4):
    """Noise in a block, at some times."""
    rng = np.random.default_rng(0)
    for time in times:
        block = frames[time, rows, columns]
        block += rng.uniform(-strength, strength, block.shape).astype(np.float32)
    return frames


def test_the_liveliest_place_and_time_are_found():
    clip = flicker(still(12), range(5, 9), slice(40, 56), slice(64, 80))
    found = measure(clip)
    (box,) = found.boxes(16, 1)
    assert (box.left, box.top, box.side) == (64, 40, 16)
    assert 5 <= box.frame <= 8
    assert 40 <= found.row() < 56
    assert 64 <= found.column() < 80
    assert found.times(4, [range(12)]) == range(5, 9)
    assert found.times(4, [range(7), range(7, 12)]) in (range(3, 7), range(7, 11))


def test_places_lie_apart():
    clip = flicker(still(24), range(2, 8), slice(0, 16), slice(0, 16))
    clip = flicker(clip, range(12, 20), slice(40, 56), slice(64, 80))
    one, other = measure(clip).boxes(16, 2)
    assert {(one.left, one.top), (other.left, other.top)} == {(0, 0), (64, 40)}


def test_what_hardly_moves_is_no_further_place():
    clip = flicker(still(24), range(2, 8), slice(0, 16), slice(0, 16))
    clip = flicker(clip, range(12, 20), slice(40, 56), slice(64, 80), strength=0.01)
    assert len(measure(clip).boxes(16, 2)) == 1


def test_a_cut_is_no_motion():
    clip = still(12)
    clip[6:] = 0.9
    clip = flicker(clip, range(9, 12), slice(40, 56), slice(64, 80), strength=0.05)
    (box,) = measure(clip).boxes(16, 1)
    assert (box.left, box.top) == (64, 40)


@pytest.mark.parametrize(("count", "side"), [(1, 16), (2, 500), (4, 3)])
def test_a_clip_that_stands_still_has_one_place_all_the_same(count, side):
    found = measure(still(count))
    (box,) = found.boxes(side, 3)
    assert box.left + box.side <= WIDTH
    assert box.top + box.side <= HEIGHT
    assert found.row() < HEIGHT
    assert found.times(20, [range(count)]) == range(count)


def test_a_picture_smaller_than_a_cell_can_be_measured():
    (box,) = measure(np.zeros((3, 5, 4, 3), np.float32)).boxes(2, 1)
    assert (box.left, box.top) == (0, 0)
