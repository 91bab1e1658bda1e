"""What is cut off and rounded such that the camera sees least of it."""

import pytest
import torch

from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.imaging.levels import in_levels, inside
from tests.helpers.synth import gap, noise


def plain(video, size, camera="bicubic"):
    return agree(enlarge(video, size), video, camera)


def test_what_is_cut_off_is_given_to_the_pixels_around():
    """Black beside white overshoots; both stay, and yet the camera sees the input."""
    video = shrink(noise(3, 32, 36, 3).round(), (16, 18))
    large = plain(video, (32, 36))
    made = inside(large.clone(), video)
    assert 0 <= made.min() <= made.max() <= 1
    errors = [
        (shrink(each, (16, 18)) - video).square().mean() for each in (large.clamp(0, 1), made)
    ]
    assert errors[1] < 0.1 * errors[0]
    assert torch.equal(inside(0.5 + 0.1 * large, video), 0.5 + 0.1 * large)


def test_black_beside_white_is_seen_again_in_8_bits():
    """Half of all pixels are black and half are white, and filmed again it still has 65 dB."""
    video = shrink(noise(2, 96, 96, 3).round(), (48, 48))
    video = (255 * video.clamp(0, 1)).round() / 255
    made = inside(plain(video, (96, 96)), video)
    assert 0 <= made.min() <= made.max() <= 1
    whole = in_levels(made, video, 255)
    assert float((shrink(whole, (48, 48)) - video).square().mean()) < 10**-6.5


def test_a_truth_within_black_and_white_comes_nearer():
    """What lies within them, and agrees, is what is looked for."""
    truth = noise(2, 24, 24, 3).round().repeat_interleave(4, 1).repeat_interleave(4, 2)
    video = shrink(truth, (64, 64), "area")
    large = plain(video, (96, 96), "area")
    made = inside(large.clone(), video, "area")
    errors = [(each - truth).square().mean() for each in (large.clamp(0, 1), made)]
    assert errors[1] < 1e-3 * errors[0]


@pytest.mark.parametrize("size", [(36, 44), (27, 33), (45, 55)])
@pytest.mark.parametrize("camera", ["bicubic", "area"])
def test_rounding_is_hidden_from_the_camera(size, camera):
    """Levels are whole, close to what was made, and filmed again nearer than by plain rounding."""
    video = (255 * (0.4 + 0.2 * noise(3, 18, 22, 3))).round() / 255
    large = plain(video, size, camera)
    made = in_levels(large.clone(), video, 255, camera)
    whole = 255 * made
    assert gap(whole, whole.round()) < 1e-4
    assert 0 <= made.min() <= made.max() <= 1
    assert float((made - large).square().mean().sqrt()) < 2 / 255 * 12**-0.5
    nearest = (255 * large).round() / 255
    errors = [
        float((shrink(each, (18, 22), camera) - video).square().mean()) for each in (nearest, made)
    ]
    assert errors[1] < 10**-6.5  # 65 dB
    assert errors[1] < 0.75 * errors[0]
