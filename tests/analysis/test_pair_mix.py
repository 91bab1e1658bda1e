"""What mix a video speaks for."""

import pytest
import torch

from deeptsr.analysis.pair_mix import propose, uniform_motion
from deeptsr.config import PairSettings
from tests.helpers.synth import noise, pan, still

PAIRS = PairSettings(within=0.5, across=0.3, shift=0.2)


def shares(mix):
    return (mix.within, mix.across, mix.shift)


def disc(frames=16, side=48):
    """A disc that moves over a still texture."""
    clip = still(frames, side, side).clone()
    for t in range(frames):
        clip[t, 20:28, 2 * t + 4 : 2 * t + 12] = 0.95
    return clip


@pytest.mark.parametrize("speed", [-3.0, 1.5, 2.25, 6.7])
def test_the_speed_of_a_pan(speed):
    explained, found = uniform_motion(pan(10, 48, 48, speed=speed))
    assert explained > 0.95
    assert found == pytest.approx(abs(speed), abs=0.15)


def test_motion_along_both_axes():
    sheet = noise(1, 20, 20, 3).movedim(3, 1)
    smooth = torch.nn.functional.interpolate(sheet, size=80, mode="bicubic")[0].movedim(0, 2)
    clip = torch.stack([smooth[2 * t : 2 * t + 40, t : t + 40] for t in range(10)]).clamp(0, 1)
    explained, speed = uniform_motion(clip)
    assert explained > 0.99
    assert speed == pytest.approx(5**0.5, abs=0.05)


@pytest.mark.parametrize("clip", [still(10, 48, 48), torch.full((10, 48, 48, 3), 0.5)])
def test_what_does_not_move_has_no_motion(clip):
    assert uniform_motion(clip) == (0, 0)


@pytest.mark.parametrize("clip", [disc(), noise(10, 48, 48, 3)])
def test_what_is_no_translation_of_the_frame_is_not_taken_for_one(clip):
    assert uniform_motion(clip)[0] < 0.6


def test_a_pan_wants_pairs_in_translation():
    mix = propose(pan(16, 48, 48, speed=2), PAIRS)
    assert shares(mix) == (0, 0, 1)
    assert "2.0 pixels a frame" in mix.reason


@pytest.mark.parametrize(
    "clip", [disc(), still(8, 48, 48), noise(2, 16, 16, 3), pan(8, 48, 48, speed=0.2)]
)
def test_for_other_videos_the_mix_stands(clip):
    mix = propose(clip, PAIRS)
    assert shares(mix) == (0.5, 0.3, 0.2)
    assert mix.reason
