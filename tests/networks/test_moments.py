"""One head for every step: what moments add to the frames of a step."""

import pytest
import torch

from deeptsr.networks import Compact
from deeptsr.networks.moments import MOMENTS, frames_of_moments
from tests.helpers.synth import gap, noise, wake


@pytest.mark.parametrize("factor", [2, 3, 5, 7, 8])
def test_with_full_exposure_no_moment_changes_the_mean(factor):
    assert frames_of_moments(factor, "full").sum(0).abs().max() < 1e-6


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_frames_of_a_fine_step_average_to_those_of_a_coarse_one(factor):
    fine = frames_of_moments(2 * factor, "full").view(factor, 2, MOMENTS).mean(1)
    assert gap(fine, frames_of_moments(factor, "full")) < 1e-6


def test_by_hand():
    # P1 is the line from -1 to 1: its halves have means of -1/2 and 1/2, its thirds -2/3, 0, 2/3.
    assert frames_of_moments(2, "full")[:, 0].tolist() == [-0.5, 0.5]
    assert frames_of_moments(3, "full")[:, 0].tolist() == pytest.approx([-2 / 3, 0, 2 / 3])
    # P2 is even about the middle: what it adds to halves is nothing.
    assert frames_of_moments(2, "full")[:, 1].abs().max() < 1e-7


def test_with_delta_exposure_the_frame_that_is_known_stays():
    assert frames_of_moments(5, "delta")[0].abs().max() == 0
    assert frames_of_moments(2, "delta")[1].tolist() == pytest.approx([1, 0, -1, 0], abs=1e-6)


def test_a_step_of_five_can_become_anything():
    assert torch.linalg.matrix_rank(frames_of_moments(5, "full")) == 4


def test_the_same_weights_serve_every_step():
    two, six = Compact(2, "full", 4, 1), Compact(6, "full", 4, 1)
    wake(two)
    six.load_state_dict(two.state_dict())
    ltr = noise(1, 3, 8, 6, 6)
    residuals = []
    for network in (two, six):
        silent = Compact(network.factor, "full", 4, 1)  # interpolation alone
        residuals.append(network(ltr) - silent(ltr))
    coarse = residuals[1].unflatten(2, (16, 3)).mean(3)
    assert gap(coarse, residuals[0]) < 1e-5
