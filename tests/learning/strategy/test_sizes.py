"""At which size a climb begins: what a slower camera tells."""

from fractions import Fraction

import pytest
import torch

from deeptsr.config import preset
from deeptsr.imaging.exposure import expose
from deeptsr.learning.prior import prior_of, starts
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.strategy.sizes import best_size
from deeptsr.networks import build
from tests.helpers.synth import noise

SIZES = [Fraction(1), Fraction(1, 2), Fraction(1, 4)]


def knowing(exposure="full"):
    options = preset("fast", factor=2, exposure=exposure)
    network = build(options.network, 2, exposure)
    network.load_state_dict(starts(prior_of(options), network)["any"])
    return network.eval()


@pytest.mark.parametrize(("exposure", "rates"), [("full", (1, 2, 4, 8, 16)), ("delta", (1, 4, 16))])
def test_the_faster_it_moves_from_frame_to_frame_the_smaller(exposure, rates):
    """Over some clips together: of one of them two sizes can be as good."""
    network, chosen = knowing(exposure), []
    for seed in range(5):
        fine = render(seed, "leaves", frames=192).frames.float()
        slow = [expose(fine, rate, exposure) for rate in rates]
        chosen.append([best_size(network, clip, SIZES, torch.float32) for clip in slow])
    usual = [sum(sizes) / len(sizes) for sizes in zip(*chosen, strict=True)]
    assert usual == sorted(usual, reverse=True)
    assert usual[0] == 1
    assert usual[-1] < 0.75
    assert sum(sizes[-1] < 1 for sizes in chosen) > len(chosen) / 2


@pytest.mark.parametrize("frames", [4, 5, 7, 33])
def test_clips_of_any_length(frames):
    assert best_size(knowing(), noise(frames, 32, 32, 3), SIZES, torch.float32) in SIZES


def test_where_all_are_as_good_it_is_the_first():
    still = noise(1, 32, 32, 3).expand(8, -1, -1, -1) * 0 + 0.5
    assert best_size(knowing(), still, SIZES, torch.float32) == SIZES[0]
