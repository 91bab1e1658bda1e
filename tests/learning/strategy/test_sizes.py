"""At which size a climb begins: what a slower camera tells."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import preset
from deeptsr.imaging.backprojection import backproject
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import resize
from deeptsr.learning.prior import prior_of, starts
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.strategy.sizes import best_size
from deeptsr.networks import build
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.stage import FittedStage
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


def test_no_one_size_is_better_for_clips_of_any_rate():
    """By the truth, in the mean of ratios: the choice loses least to the best of each clip."""
    network, total = knowing(), dict.fromkeys((None, *SIZES), 0.0)
    for rate in (2, 4, 8):
        losses = dict.fromkeys(total, 0.0)
        for seed in range(5):
            clip, truth = rendered(seed, rate)
            errors = {size: error_at(size, network, clip, truth) for size in SIZES}
            errors[None] = errors[best_size(network, clip, SIZES, torch.float32)]
            for each, error in errors.items():
                losses[each] += math.log(error / min(errors.values()))
        assert losses[None] == min(losses.values())
        total = {each: total[each] + loss for each, loss in losses.items()}
    assert total[None] < sorted(total.values())[1]


def rendered(seed, rate):
    fine = render(seed, "leaves", frames=min(192, 48 * rate)).frames.float()
    return expose(fine, rate), expose(fine, rate // 2)


def test_places_that_have_a_choice_of_sizes_gain():
    """By the truth, in the mean of ratios; one clip may lose."""
    stage = FittedStage(Stage(Fraction(1), 2, 1), knowing(), refilmed=True, verify=False, sizes=3)
    gained = []
    for seed in range(5):
        clip, truth = rendered(seed, 8)
        one, three = (
            (each.apply(clip, "full", torch.float32) - truth)[2:-2].square().mean()
            for each in (replace(stage, sizes=1), stage)
        )
        gained.append(10 * math.log10(one / three))
    assert sum(gained) / len(gained) > 0.1
    assert sum(gain > 0 for gain in gained) > len(gained) / 2


def error_at(size, network, clip, truth):
    height, width = clip.shape[1:3]
    small = resize(clip, (round(height * size), round(width * size))).clamp(0, 1)
    made = backproject(predict(network, small), clip, 2)
    return float((made - truth)[2:-2].square().mean())


@pytest.mark.parametrize("frames", [4, 5, 7, 33])
def test_clips_of_any_length(frames):
    assert best_size(knowing(), noise(frames, 32, 32, 3), SIZES, torch.float32) in SIZES


def test_where_all_are_as_good_it_is_the_first():
    still = noise(1, 32, 32, 3).expand(8, -1, -1, -1) * 0 + 0.5
    assert best_size(knowing(), still, SIZES, torch.float32) == SIZES[0]
