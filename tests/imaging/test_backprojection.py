"""Back-projection, against its formula written with numpy and Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image

from deeptsr.errors import OptionError
from deeptsr.imaging.backprojection import backproject
from deeptsr.imaging.exposure import correct, expose, repeat
from deeptsr.imaging.resample import interpolate_time, resize
from tests.helpers.synth import gap, noise, pan, still


def scaled(volume, size):
    """Bicubic, plane by plane."""
    planes = [
        [Image.fromarray(frame[..., c]).resize(size[::-1], Image.Resampling.BICUBIC)]
        for frame in volume
        for c in range(3)
    ]
    stacked = np.stack([np.asarray(p[0]) for p in planes])
    return np.moveaxis(stacked.reshape(len(volume), 3, *size), 1, 3)


def slow(coarse, ltr, factor, rounds):
    """Footnote 1 of the paper, frame by frame, but with detail that is interpolated in time."""
    small, large = coarse.shape[1:3], ltr.shape[1:3]
    fine = scaled(coarse, large)
    detail = ltr - fine.reshape(len(ltr), factor, *fine.shape[1:]).mean(1)
    for t in range(len(fine)):
        at = (t + 0.5) / factor - 0.5
        below = int(np.floor(at))
        one, other = (detail[np.clip(n, 0, len(ltr) - 1)] for n in (below, below + 1))
        fine[t] += one + (at - below) * (other - one)

    def in_time(fine):
        out = fine.copy()
        for t, frame in enumerate(ltr):
            group = slice(t * factor, (t + 1) * factor)
            out[group] -= fine[group].mean(0) - frame
        return out

    for _ in range(rounds):
        fine = in_time(fine)
        fine = fine - scaled(scaled(fine, small) - coarse, large)
    return in_time(fine)


@pytest.mark.parametrize("rounds", [1, 3])
def test_against_the_formula(rounds):
    coarse, ltr = noise(6, 5, 8, 3), noise(3, 11, 15, 3, seed=1)
    made = backproject(coarse, ltr, 2, rounds=rounds)
    assert made.numpy() == pytest.approx(slow(coarse.numpy(), ltr.numpy(), 2, rounds), abs=1e-4)


@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
@pytest.mark.parametrize("factor", [2, 3])
def test_the_result_exposes_to_the_ltr_video(exposure, factor):
    coarse, ltr = noise(4 * factor, 6, 5, 3), noise(4, 13, 10, 3, seed=1)
    made = backproject(coarse, ltr, factor, exposure)
    assert made.shape == (4 * factor, 13, 10, 3)
    assert gap(expose(made, factor, exposure), ltr) < 1e-5


@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
def test_a_static_clip_stays_static(exposure):
    ltr = still(3, 16, 20)
    coarse = repeat(resize(ltr, (8, 10)), 4)
    assert gap(backproject(coarse, ltr, 4, exposure), repeat(ltr, 4)) < 1e-5


def test_at_one_size_only_time_is_corrected():
    coarse = torch.tensor([0.2, 0.4]).view(2, 1, 1, 1)
    ltr = torch.tensor([0.5]).view(1, 1, 1, 1)
    made = backproject(coarse, ltr, 2)
    assert made.flatten().tolist() == pytest.approx([0.4, 0.6])
    assert made.data_ptr() == coarse.data_ptr()  # and takes no memory


def test_it_agrees_with_both_and_comes_nearer_to_the_truth():
    truth = pan(24, 32, 48, speed=0.7)
    coarse, ltr = resize(truth, (16, 24)), expose(truth, 4)
    plain = resize(coarse, (32, 48))

    def miss(volume):
        return (volume - truth).square().mean()

    def strays(volume):
        return (resize(volume, (16, 24)) - coarse).square().mean()

    one, many = backproject(coarse, ltr, 4), backproject(coarse, ltr, 4, rounds=5)
    assert miss(one) < miss(plain) / 1.5
    assert strays(one) < strays(correct(plain, ltr, 4)) / 2
    assert strays(many) < strays(one)
    assert strays(one) < 1e-5


def test_fine_detail_that_drifts_is_not_held_still():
    """A scene that is slower than its detail is fine: only interpolation carries it across."""
    truth = pan(24, 32, 48, speed=0.05)
    coarse, ltr = resize(truth, (8, 12)), expose(truth, 4)
    plain = correct(resize(coarse, (32, 48)), ltr, 4)
    made = backproject(coarse, ltr, 4)
    linear = interpolate_time(ltr, 4)
    misses = [(v - truth).square().mean().item() for v in (plain, linear, made)]
    assert misses[2] < misses[0] / 4
    assert misses[2] < 1.02 * misses[1]


def test_lengths_that_disagree_are_refused():
    with pytest.raises(OptionError, match="5 HTR frames do not divide"):
        backproject(noise(5, 4, 4, 3), noise(2, 8, 8, 3), 2)


def test_what_it_is_given_stays():
    coarse, ltr = noise(10, 5, 8, 3), noise(5, 11, 15, 3, seed=1)
    backproject(coarse, ltr, 2, rounds=2)
    assert torch.equal(ltr, noise(5, 11, 15, 3, seed=1))
    assert torch.equal(coarse, noise(10, 5, 8, 3))
