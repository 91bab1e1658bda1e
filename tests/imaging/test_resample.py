"""Resampling, against numpy, Pillow and loops."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import (
    add_interpolated,
    blend_frames,
    exposing_taps,
    interpolate_exposing,
    interpolate_time,
    resize,
)
from tests.helpers.synth import gap, noise, still


def positions(length, factor, exposure):
    """Where the outputs sit on the time line of the inputs."""
    i = np.arange(length * factor)
    return (i + 0.5) / factor - 0.5 if exposure == "full" else i / factor


def keys(x):
    """The cubic kernel of Keys (1981) with a = -1/2, the one of Catmull and Rom."""
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def test_numbers_worked_by_hand():
    ltr = torch.tensor([0.0, 8.0])
    assert interpolate_time(ltr, 2).tolist() == [0, 2, 6, 8]
    assert interpolate_time(ltr, 4).tolist() == [0, 0, 1, 3, 5, 7, 8, 8]
    assert interpolate_time(ltr, 2, "delta").tolist() == [0, 4, 8, 8]


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("factor", [1, 2, 3, 5, 8])
def test_linear_against_numpy(exposure, factor):
    ltr = noise(6)
    wanted = np.interp(positions(6, factor, exposure), np.arange(6), ltr)
    made = interpolate_time(ltr, factor, exposure)
    assert made.numpy() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("factor", [2, 3, 5])
def test_cubic_against_a_loop(exposure, factor):
    ltr = noise(6)
    wanted = []
    for place in positions(6, factor, exposure):
        near = range(math.floor(place) - 1, math.floor(place) + 3)
        wanted.append(sum(ltr[min(max(j, 0), 5)].item() * keys(place - j) for j in near))
    made = interpolate_time(ltr, factor, exposure, cubic=True)
    assert made.numpy() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("cubic", [False, True])
def test_any_axis_is_time(axis, cubic):
    ltr = noise(3, 4, 5)
    made = interpolate_time(ltr, 3, axis=axis, cubic=cubic)
    first = interpolate_time(ltr.movedim(axis, 0), 3, cubic=cubic)
    assert torch.equal(made, first.movedim(0, axis))


@pytest.mark.parametrize("cubic", [False, True])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_static_clip_stays_static(cubic, exposure):
    clip = still(4, 5, 6)
    made = interpolate_time(clip, 3, exposure, cubic=cubic)
    assert torch.allclose(made, still(12, 5, 6), atol=1e-6)


def test_a_linear_motion_is_interpolated_exactly_inside_the_clip():
    ltr = torch.arange(8.0)
    made = interpolate_time(ltr, 4)[4:-4]
    assert torch.allclose(expose(made, 4), ltr[1:-1])


def test_one_frame_stands_still():
    assert interpolate_time(torch.tensor([3.0]), 4).tolist() == [3, 3, 3, 3]


def test_interpolation_leaves_its_input_alone():
    ltr = noise(4, 2, 2, 3)
    before = ltr.clone()
    interpolate_time(ltr, 2)
    assert torch.equal(ltr, before)


@pytest.mark.parametrize("size", [(12, 16), (13, 9), (24, 33), (40, 50), (1, 1)])
def test_resize_against_pillow(size):
    volume = noise(2, 24, 33, 3)
    made = resize(volume, size)
    assert made.shape == (2, *size, 3)
    for t in range(2):
        for c in range(3):
            picture = Image.fromarray(volume[t, :, :, c].numpy())
            wanted = np.asarray(picture.resize(size[::-1], Image.Resampling.BICUBIC))
            assert made[t, :, :, c].numpy() == pytest.approx(wanted, abs=2e-5)


def test_a_constant_stays_constant():
    volume = torch.full((2, 11, 7, 3), 0.3)
    for size in ((5, 3), (22, 14), (3, 20)):
        assert torch.allclose(resize(volume, size), torch.tensor(0.3), atol=1e-6)


def test_the_finest_detail_does_not_alias():
    checks = torch.zeros(1, 32, 32, 1)
    checks[:, ::2, 1::2] = checks[:, 1::2, ::2] = 1
    inside = resize(checks, (8, 8))[:, 2:-2, 2:-2]
    assert torch.allclose(inside, torch.tensor(0.5), atol=0.01)


def test_the_same_size_is_the_identity():
    volume = noise(2, 5, 7, 3)
    assert resize(volume, (5, 7)) is volume


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("cubic", [False, True])
@pytest.mark.parametrize("factor", [2, 3, 5])
def test_one_filter_interpolates_and_exposes(factor, exposure, cubic):
    clip = noise(2, 9, 4, 5, 3)
    taps = exposing_taps(factor, exposure, cubic)
    r = taps.shape[1] // 2
    made = interpolate_time(clip, factor, exposure, axis=1, cubic=cubic)
    wanted = correct(made, clip, factor, exposure, axis=1)[:, r * factor : (9 - r) * factor]
    assert gap(blend_frames(clip.unbind(1), taps), wanted) < 1e-6


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("length", [1, 2, 7])
def test_what_is_interpolated_to_expose_in_one_pass(factor, exposure, length):
    """Against both passes over the whole clip, its ends with it."""
    clip = noise(length, 4, 5, 3)
    wanted = correct(interpolate_time(clip, factor, exposure), clip, factor, exposure)
    assert gap(interpolate_exposing(clip, factor, exposure), wanted) < 1e-6
    part = range(length // 2, length)
    made = interpolate_exposing(clip, factor, exposure, part)
    assert torch.equal(made, interpolate_exposing(clip, factor, exposure)[part.start * factor :])


@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
@pytest.mark.parametrize("factor", [2, 3, 8])
@pytest.mark.parametrize("length", [1, 2, 7])
def test_what_is_interpolated_is_added_where_it_lies(factor, exposure, length):
    clip, volume = noise(length, 4, 5, 3), noise(length * factor, 4, 5, 3, seed=1)
    wanted = volume + interpolate_time(clip, factor, exposure)
    add_interpolated(volume, clip, factor, exposure)
    assert gap(volume, wanted) < 1e-6


def test_the_filter_by_hand():
    # Linear: 1/4 and 3/4; their mean lacks 1/8 of the frame on each side.
    assert exposing_taps(2).tolist() == [[0.125, 1, -0.125], [-0.125, 1, 0.125]]
    assert exposing_taps(2, "delta").tolist() == [[0, 1, 0], [0, 0.5, 0.5]]
