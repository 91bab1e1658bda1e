"""How noisy a video is."""

import pytest
import torch

from deeptsr.analysis.noise import noise_of
from tests.helpers.synth import noise, pan


def grainy(clip, levels, seed=0):
    """What a sensor adds, and 8 bits."""
    random = torch.Generator().manual_seed(seed)
    clip = clip + levels / 255 * torch.randn(clip.shape, generator=random)
    return (clip.clamp(0, 1) * 255).round() / 255


def scene(frames=6):
    """A sharp texture that moves, and a flat half."""
    clip = 0.2 + 0.6 * pan(frames, 96, 96, speed=0.5)
    clip[:, :, 48:] = 0.5
    return clip


@pytest.mark.parametrize("levels", [2, 5, 10])
@pytest.mark.parametrize("clip", [scene(), torch.full((6, 40, 64, 3), 0.4)], ids=["scene", "flat"])
def test_noise_is_told(clip, levels):
    assert noise_of(grainy(clip, levels)) == pytest.approx(levels / 255, rel=0.1)


@pytest.mark.parametrize(
    "clip",
    [
        grainy(scene(), 0),
        grainy(pan(6, 96, 96, speed=1.7), 0),  # nothing but a texture that moves
        torch.full((6, 96, 96, 3), 0.4),
        grainy(scene(), 0.3),  # no more than rounding
        grainy(scene(2), 5),  # too few frames,
        grainy(scene(), 5)[:, :16],  # or pixels
        grainy(scene(4), 5)[:, :40, :40],  # or both
    ],
    ids=["clean", "texture", "flat", "rounded", "short", "small", "little"],
)
def test_what_is_none_is_not_taken_for_noise(clip):
    assert noise_of(clip) == 0


def test_grain_as_coarse_as_a_codec_leaves_is_none():
    blocks = noise(6, 24, 24, 3).repeat_interleave(4, 1).repeat_interleave(4, 2)
    assert noise_of(0.4 + 0.1 * blocks) == 0
