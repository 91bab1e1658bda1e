"""The climb of a whole clip."""

from fractions import Fraction

import pytest
import torch

from deeptsr.imaging.backprojection import backproject
from deeptsr.imaging.exposure import correct, expose, repeat
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.trust import blend, changes, disagreement, restore_again, trust
from tests.helpers.climbs import HALF, QUARTER, every, fitted, shutter
from tests.helpers.synth import gap, noise, still


@every
@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
@pytest.mark.parametrize("size", [(21, 30), (16, 17)])
def test_the_result_exposes_to_the_input(name, exposure, size):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure)
    clip = noise(5, *size, 3)
    made = climb(stages, clip, exposure=exposure)
    assert gap(expose(made, factor, exposure), clip) < 1e-4


@every
@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
def test_a_static_clip_stays_static(name, exposure):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure, awake=False)
    clip = still(4, 21, 30)
    assert gap(climb(stages, clip, exposure=exposure), repeat(clip, factor)) < 1e-4


def trusted(network, ltr):
    made, k = predict(network, ltr), network.factor
    plain = correct(interpolate_time(ltr, k), ltr, k)
    again = restore_again(network, made, torch.float32)
    return blend(made, plain, trust(disagreement(made, again, k), changes(made, plain, k)))


def test_against_the_steps_of_figure_8b():
    stages, _ = fitted("compact")
    clip = noise(4, 21, 30, 3)
    low = resize(clip, (10, 15))
    first = trusted(stages[0].network, low)
    second = backproject(first, clip, 2, rounds=3)
    wanted = trusted(stages[1].network, second)
    assert gap(climb(stages, clip, rounds=3), wanted) < 1e-5


def test_an_interpolating_climb_at_one_size_is_linear_interpolation_corrected():
    clip = noise(6, 16, 17, 3)
    stage = FittedStage(Stage(Fraction(1), 4, 1), None)
    assert gap(climb((stage,), clip), correct(interpolate_time(clip, 4), clip, 4)) < 1e-6


@pytest.mark.parametrize("scale", [QUARTER, HALF, Fraction(1)])
def test_a_climb_can_end_below_full_size(scale):
    stages = (FittedStage(Stage(QUARTER, 2, 1), None),)
    clip = noise(3, 21, 30, 3)
    made = climb(stages, clip, scale=scale)
    size = Stage(scale, 1, 1).size(21, 30)
    assert made.shape == (6, *size, 3)
    assert gap(expose(made, 2), resize(clip, size)) < 1e-5
