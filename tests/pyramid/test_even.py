"""Results that go on as evenly as a video does."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.imaging.exposure import expose
from deeptsr.networks import build
from deeptsr.pyramid.even import make_even
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.trust import evenness
from tests.helpers.synth import gap, noise, pan


def held_back(truth, factor, share):
    """What a network in doubt makes of a clip: a share of what happens within its frames."""
    ltr = expose(truth, factor)
    within = truth - ltr.repeat_interleave(factor, 0)
    return ltr, ltr.repeat_interleave(factor, 0) + share * within


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("share", [0.6, 0.8])
@pytest.mark.parametrize("speed", [0.5, 1.0])
def test_what_was_held_back_goes_on_evenly(speed, factor, share):
    truth = pan(12 * factor, 48, 48, speed)
    ltr, result = held_back(truth, factor, share)
    before = gap(result, truth), evenness(result, factor)
    make_even(result, ltr)
    assert gap(result, truth) < 0.6 * before[0]
    assert abs(evenness(result, factor) - 1) < abs(before[1] - 1)
    assert gap(expose(result, factor), ltr) < 1e-5


def test_what_is_even_is_left_alone():
    truth = pan(24, 48, 48)
    result = truth.clone()
    make_even(result, expose(truth, 2))
    assert gap(result, truth) < 0.15 * gap(held_back(truth, 2, 0.6)[1], truth)


def test_nothing_is_stretched_by_more_than_twice():
    ltr, result = held_back(pan(24, 48, 48), 2, 0.01)
    before = result - ltr.repeat_interleave(2, 0)
    make_even(result, ltr)
    after = result - ltr.repeat_interleave(2, 0)
    assert gap(after, 2 * before) < 1e-5


def test_at_the_ends_no_more_happens_than_beside_them():
    ltr, result = held_back(pan(24, 48, 48), 2, 0.6)
    large = result[2:4].sub(ltr[1]).square().mean().sqrt().item()
    for end in (0, 11):  # too large already, and unlike what moves
        strange = noise(1, 48, 48, 3, seed=end)[0] - 0.5
        strange *= 1.6 * large / strange.square().mean().sqrt()
        result[2 * end : 2 * end + 2] = torch.stack([ltr[end] + strange, ltr[end] - strange])
    make_even(result, ltr)
    happens = (result.view(12, 2, 48, 48, 3) - ltr[:, None]).square().mean((1, 2, 3, 4)).sqrt()
    assert happens[1] > 1.2 * large
    assert happens[0] <= 1.01 * max(happens[1], 1.6 * large)
    assert happens[-1] <= 1.01 * max(happens[-2], 1.6 * large)
    assert gap(expose(result, 2), ltr) < 1e-5


@pytest.mark.parametrize("frames", [1, 2])
def test_a_short_clip_is_no_trouble(frames):
    ltr, result = held_back(noise(2 * frames, 16, 16, 3), 2, 0.5)
    make_even(result, ltr)
    assert result.isfinite().all()
    assert gap(expose(result, 2), ltr) < 1e-5


@pytest.mark.parametrize("network", [True, False])
def test_some_frames_come_out_as_of_the_whole(network):
    doubtful = build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval() if network else None
    stage = FittedStage(Stage(Fraction(1), 2, 1), doubtful, network, network, False, True)
    clip, step, around = pan(40, 24, 26), 2, stage.reach
    whole = stage.apply(clip, "full", torch.float32)
    assert gap(whole, replace(stage, even=False).apply(clip, "full", torch.float32)) > 1e-3
    for wanted in (range(2), range(20, 23), range(39, 40)):
        first, last = max(0, wanted.start - around), min(40, wanted.stop + around)
        inner = range(wanted.start - first, wanted.stop - first)
        made = stage.apply(clip[first:last], "full", torch.float32, inner)
        assert gap(made, whole[wanted.start * step : wanted.stop * step]) < 1e-5
