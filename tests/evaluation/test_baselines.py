"""What results are held against: repeat, linear and minterpolate, as streams."""

import numpy as np
import pytest
import torch

from deeptsr.evaluation.baselines import BASELINES, baseline, linear, minterpolate, repeat
from deeptsr.imaging.exposure import expose, first_position
from deeptsr.imaging.resample import interpolate_time
from tests.helpers.synth import noise


def ramp(factor, exposure="full", frames=6):
    """Frames of one grey that grows by 6 levels an LTR frame: LTR, HTR."""
    levels = 20 + 6 * (first_position(factor, exposure) + np.arange(frames * factor) / factor)
    htr = np.broadcast_to(levels[:, None, None, None] / 255, (frames * factor, 48, 48, 3))
    htr = htr.astype(np.float32)
    return expose(torch.from_numpy(htr), factor, exposure).numpy(), htr


def between(factor, exposure):
    """The outputs that lie between two inputs; beyond them the clip stands still."""
    return slice(factor // 2, -(factor // 2)) if exposure == "full" else slice(0, 1 - factor)


def test_repeat():
    ltr = noise(3, 4, 5, 3).numpy()
    np.testing.assert_array_equal(np.stack(list(repeat(ltr, 4))), ltr.repeat(4, axis=0))


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("factor", [2, 3, 8])
def test_linear_is_that_of_a_whole_clip(factor, exposure, frames):
    ltr = noise(frames, 4, 5, 3)
    made = np.stack(list(linear(ltr.numpy(), factor, exposure)))
    expected = interpolate_time(ltr, factor, exposure).numpy()
    np.testing.assert_allclose(made, expected, atol=2e-6)


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("factor", [2, 3, 8])
def test_linear_is_exact_on_a_ramp(factor, exposure):
    ltr, htr = ramp(factor, exposure)
    made = np.stack(list(linear(ltr, factor, exposure)))
    inner = between(factor, exposure)
    np.testing.assert_allclose(made[inner], htr[inner], atol=1e-5)
    np.testing.assert_allclose(made[0], ltr[0], atol=1e-6)
    np.testing.assert_allclose(made[-1], ltr[-1], atol=1e-6)


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("factor", [2, 3, 8])
def test_minterpolate_is_aligned(factor, exposure):
    ltr, htr = ramp(factor, exposure)
    made = np.stack(list(minterpolate(ltr, factor, exposure))) * 255
    assert made.shape == htr.shape
    inner = between(factor, exposure)
    # 8 bits round by 0.5 at most. Half an output interval would add 0.375 grey levels to that at
    # factor 8, and more at the others.
    np.testing.assert_allclose(made[inner], htr[inner] * 255, atol=0.51)
    np.testing.assert_allclose(made[-1], ltr[-1] * 255, atol=0.51)


def test_minterpolate_follows_what_moves():
    square = np.zeros((8, 64, 96, 3), np.float32)
    texture = noise(24, 24, 3).numpy()
    for t in range(8):
        square[t, 20:44, 4 + 8 * t : 28 + 8 * t] = texture
    between_two = list(minterpolate(square, 2, "delta"))[7]  # halfway from frame 3 to frame 4
    expected = np.roll(square[3], 4, axis=1)
    blend = (square[3] + square[4]) / 2
    assert np.square(between_two - expected).mean() < 0.2 * np.square(blend - expected).mean()


@pytest.mark.parametrize("frames", [1, 2])
def test_minterpolate_of_hardly_any_frames(frames):
    ltr = np.full((frames, 32, 40, 3), 0.5, np.float32)
    made = np.stack(list(minterpolate(ltr, 3)))
    assert made.shape == (3 * frames, 32, 40, 3)
    np.testing.assert_allclose(made, 0.5, atol=1 / 255)


@pytest.mark.parametrize("name", BASELINES)
def test_they_stream(name):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield np.full((32, 32, 3), 0.5, np.float32)

    made = baseline(name, endless(), 4)
    for _ in range(40):
        next(made)
    assert taken <= 10 + 4


def test_minterpolate_of_frames_smaller_than_it_takes():
    ltr = np.random.default_rng(0).random((4, 11, 50, 3)).astype(np.float32)[:1].repeat(4, 0)
    made = np.stack(list(minterpolate(ltr, 2)))
    assert made.shape == (8, 11, 50, 3)
    np.testing.assert_allclose(made, ltr.repeat(2, 0), atol=3 / 255)
