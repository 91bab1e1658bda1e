"""Cuts and duplicates, on clips whose cuts are known, and on motion that looks like cuts."""

import numpy as np
import pytest
from scipy.ndimage import shift, zoom

from deeptsr.analysis.scenes import Survey, scenes_between, survey, with_cuts
from tests.helpers.scenes import HEIGHT, WIDTH, scene, texture
from tests.helpers.synth import pan


def noisy(frames, spread=0.01, seed=0):
    rng = np.random.default_rng(seed)
    return [(f + rng.normal(0, spread, f.shape)).clip(0, 1).astype(np.float32) for f in frames]


def joined(*lengths, speed=3, seed=0):
    parts = [scene(seed + 10 * n, length, speed) for n, length in enumerate(lengths)]
    return [frame for part in parts for frame in part]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("speed", [0, 3, 15])
def test_cuts_are_found(seed, speed):
    found = survey(noisy(joined(9, 7, 8, speed=speed, seed=seed)))
    assert found.cuts == (9, 16)


@pytest.mark.parametrize("lengths", [(6, 1, 6), (6, 2, 6), (6, 3, 1, 6), (1, 5, 1)])
def test_very_short_scenes_are_found(lengths):
    assert survey(noisy(joined(*lengths))).cuts == tuple(np.cumsum(lengths[:-1]))


def test_a_cut_in_the_dark_and_one_to_black():
    dark = [frame * 0.2 for frame in joined(8, 8)]
    black = [np.zeros_like(dark[0])] * 6
    assert survey(noisy(dark, 0.002)).cuts == (8,)
    assert survey(joined(8) + black + scene(5, 8)).cuts == (8, 14)


def test_a_cut_between_plain_colours():
    cards = [np.full((40, 50, 3), value, np.float32) for value in (0.2, 0.7, 0.3) for _ in range(4)]
    assert survey(cards).cuts == (4, 8)


@pytest.mark.parametrize("lengths", [(9, 7, 8), (6, 1, 6), (6, 3, 1, 6), (1, 5, 1), (3,), (1,)])
def test_cuts_are_found_on_the_way(lengths):
    frames = noisy(joined(*lengths))
    marked = list(with_cuts(iter(frames)))
    assert all(one is other for (one, _), other in zip(marked, frames, strict=True))
    assert [n for n, (_, begins) in enumerate(marked) if begins] == [0, *survey(frames).cuts]


def test_few_frames_are_kept_on_the_way():
    read = []
    given = with_cuts(read.append(n) or frame for n, frame in enumerate(scene(1, 12)))
    ahead = [len(read) - n for n, _ in enumerate(given)]
    assert max(ahead) <= 4


def turned(angle):
    y, x = np.mgrid[-36:36, -48:48]
    sectors = np.sin(3 * (np.arctan2(y, x) + angle)) * (np.hypot(x, y) < 30)
    return texture(3) * 0.2 + np.where(sectors > 0, 0.7, 0.1)[..., None].astype(np.float32)


def lit(frames, at, lasting, gain):
    return [(f * gain).clip(0, 1) if at <= n < at + lasting else f for n, f in enumerate(frames)]


NOT_CUTS = {
    "static": scene(1, 10, 0),
    "fast pan": scene(1, 16, 24),
    "whip pan": [
        scene(1, 33, 10)[k] for k in (0, 0, 0, 0, 1, 4, 9, 15, 21, 26, 30, 32, 32, 32, 32)
    ],
    "fan": [turned(0.7 * n) for n in range(12)],
    "one flash": lit(scene(1, 12), 5, 1, 2.5),
    "two frames of white": [*scene(1, 10)[:5], *np.ones((2, HEIGHT, WIDTH, 3)), *scene(1, 10)[5:]],
    "fade": [f * abs(6 - n) / 6 for n, f in enumerate(scene(1, 13))],
    "dissolve": [
        a * (1 - t) + b * t
        for a, b, t in zip(scene(1, 15), scene(2, 15), np.linspace(0, 1, 15), strict=True)
    ],
    "zoom": [
        zoom(texture(4), (z, z, 1), order=1)[:HEIGHT, :WIDTH] for z in np.linspace(1, 2.2, 12)
    ],
    "waves": list(np.asarray(pan(12, 40, 48, speed=7.0))),
}


@pytest.mark.parametrize("kind", NOT_CUTS)
def test_what_is_no_cut(kind):
    assert survey(noisy(NOT_CUTS[kind], 0.005)).cuts == ()


def test_a_jitter_is_no_cut():
    rng = np.random.default_rng(0)
    ways = rng.uniform(-6, 6, (12, 2))
    assert survey([shift(texture(7), (*way, 0), mode="mirror") for way in ways]).cuts == ()


@pytest.mark.parametrize("size", [(16, 16), (17, 200), (300, 20), (400, 600)])
def test_every_size(size):
    one, two = texture(0, *size), texture(1, *size) * 0.3
    assert survey([one] * 3 + [two] * 3).cuts == (3,)


# --- motion ---


def plain(value, height=4, width=6):
    return np.full((height, width, 3), value, np.float32)


def test_motion_by_hand():
    half = plain(0.0)
    half[:2] = 1
    assert survey([plain(0.0), plain(1.0), half, half]).changes == (1, 0.5, 0)


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_moves_in_less_than_two_frames(count):
    assert survey([plain(0.0)] * count) == Survey((), (), ())


def test_large_frames_are_measured_on_a_grid():
    before, after = plain(0.0, 600, 1000), plain(0.0, 600, 1000)
    after[:300] = 1
    assert survey([before, after]).changes[0] == pytest.approx(0.5, abs=0.01)


def test_a_reader_may_use_one_buffer_for_all_frames():
    def frames():
        buffer = plain(0.0)
        for value in (0.0, 0.25, 1.0):
            buffer[:] = value
            yield buffer

    assert survey(frames()).changes == (0.25, 0.75)


def test_scenes_between():
    assert scenes_between((), 4) == (range(4),)
    assert scenes_between((1, 3), 4) == (range(1), range(1, 3), range(3, 4))


# --- duplicates ---


@pytest.mark.parametrize("times", [2, 3, 4])
@pytest.mark.parametrize("grain", [0.0, 0.001])
def test_animation_on_twos_threes_and_fours(times, grain):
    frames = noisy([f for f in scene(1, 8) for _ in range(times)], grain)
    assert survey(frames).duplicates == tuple(n for n in range(8 * times) if n % times)


def test_a_stutter():
    frames = scene(1, 12)
    frames[5] = frames[4]
    frames[9] = frames[8]
    assert survey(frames).duplicates == (5, 9)


def test_duplicates_beside_a_cut():
    one, two = scene(1, 6), scene(11, 6)
    found = survey([one[0], *one[:5], *two[:2], two[1], *two[2:]])
    assert found.cuts == (6,)
    assert found.duplicates == (1, 8)


@pytest.mark.parametrize("grain", [0.0, 0.001, 0.02])
def test_what_stands_still_is_no_duplicate(grain):
    assert survey(noisy(scene(1, 12, 0), grain)).duplicates == ()
    frames = scene(1, 6)
    assert survey(noisy([*frames, *[frames[-1]] * 9, *frames[::-1]], grain)).duplicates == ()


def test_slow_or_small_motion_is_no_duplicate():
    slow = [shift(texture(2), (0, 0.05 * n, 0), order=1, mode="mirror") for n in range(10)]
    assert survey(slow).duplicates == ()
    small = []
    for n in range(10):
        frame = texture(2).copy()
        frame[30:34, 20 + 2 * n : 24 + 2 * n] = 1
        small.append(frame)
    assert survey(small).duplicates == ()


@pytest.mark.parametrize("name", NOT_CUTS)
def test_what_is_no_cut_is_none_on_the_way(name):
    frames = noisy(NOT_CUTS[name])
    begun = [n for n, (_, begins) in enumerate(with_cuts(frames)) if begins]
    assert begun == [0, *survey(frames).cuts]
