"""How far a result can be trusted, without the truth."""

import math

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.imaging.exposure import correct, expose, repeat
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import StepNetwork, build
from deeptsr.pyramid.trust import (
    blend,
    changes,
    detour,
    disagreement,
    evenness,
    removed,
    restore_again,
    trust,
)
from tests.helpers.synth import gap, noise, pan, still, wake


class Oracle(StepNetwork):
    """Knows the truth of a clip from its first two pixels' time stamp, but for noise of its own."""

    factor, exposure, reach, multiple, width = 2, "full", (0, 0), 1, 1.0

    def __init__(self, truth, spread):
        super().__init__()
        self.truth, self.spread, self.calls = truth, spread, 0

    def forward(self, ltr, asked=None):
        first, self.calls = self.calls % 2, self.calls + 1  # the later camera comes second
        length = ltr.shape[2] * self.factor
        exact = self.truth[first : first + length].permute(3, 0, 1, 2)[None]
        return exact + self.spread * (noise(*exact.shape, seed=self.calls) - 0.5)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_constant_difference_by_hand(factor):
    made = torch.full((4 * factor, 32, 48, 3), 0.5)
    again = made.clone()
    first = factor // 2
    again[first : len(again) - (factor - first)] += 0.2
    error = disagreement(made, again, factor)
    assert error.shape == (4, 16, 24)
    assert gap(error, torch.full_like(error, 0.02)) < 1e-6
    assert gap(changes(made, made - 0.1, factor), torch.full_like(error, 0.01)) < 1e-6


def test_the_later_camera_sees_all_but_half_a_frame_at_each_end():
    network = wake(build(NetworkSettings("compact", 4, 1), 3, "full", 1).eval())
    made = noise(12, 20, 24, 3)
    again = restore_again(network, made, torch.float32)
    seen = [bool((a != m).any()) for a, m in zip(again, made, strict=True)]
    assert seen == [False] + [True] * 9 + [False] * 2
    assert gap(expose(again[1:10], 3), expose(made[1:10], 3)) < 1e-5


def test_a_single_frame_has_no_second_result():
    network = wake(build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval())
    made = noise(2, 20, 24, 3)
    again = restore_again(network, made, torch.float32)
    assert torch.equal(again, made)
    assert disagreement(made, again, 2).isfinite().all()


def test_half_the_squared_difference_is_the_error():
    truth = noise(40, 32, 32, 3)
    spread = 0.3
    network = Oracle(truth, spread)
    made = network(expose(truth, 2).permute(3, 0, 1, 2)[None])[0].permute(1, 2, 3, 0)
    error = disagreement(made, restore_again(network, made, torch.float32), 2).mean().item()
    assert error == pytest.approx((made - truth).square().mean().item(), rel=0.02)
    assert error == pytest.approx(spread**2 / 12, rel=0.02)


def test_trust_falls_with_the_error():
    change = torch.full((5, 16, 16), 0.1)
    shares = [trust(change * r, change).mean().item() for r in (0, 0.5, 0.7, 0.9, 2)]
    assert shares[:2] == [1, 1]
    assert 0.4 < shares[2] < 0.7
    assert shares[3:] == [0, 0]


def test_noise_is_not_doubted():
    small = torch.full((5, 16, 16), 1e-4)
    assert trust(5 * small, small).min() == 1


def test_trust_is_local():
    change = torch.full((9, 16, 16), 0.1)
    error = torch.zeros(9, 16, 16)
    error[4, 12:, 12:] = 0.5
    share = trust(error, change)
    assert share[4, 15, 15] == 0
    assert share[3, 15, 15] < 1
    assert share[:, :8, :8].min() == 1
    assert share[:3].min() == 1


def test_what_is_removed_by_hand():
    change = torch.tensor([0.3, 0.1]).view(2, 1, 1).expand(2, 4, 4)
    error = torch.tensor([0.05, 0.1]).view(2, 1, 1).expand(2, 4, 4)
    assert removed(error, change).mean().item() == pytest.approx(
        0.05
    )  # 0.2 in one frame, -0.1 in the other


@pytest.mark.parametrize("factor", [2, 3])
def test_a_blend_of_exact_volumes_is_exact(factor):
    ltr = noise(4, 32, 40, 3)
    made, plain = (correct(noise(4 * factor, 32, 40, 3, seed=seed), ltr, factor) for seed in (1, 2))
    share = noise(4, 16, 20, seed=3)
    mixed = blend(made.clone(), plain, share)
    assert gap(expose(mixed, factor), ltr) < 1e-5
    assert torch.equal(blend(made.clone(), plain, torch.ones(4, 16, 20)), made)
    assert gap(blend(made.clone(), plain, torch.zeros(4, 16, 20)), plain) < 1e-6
    one = torch.ones(4, 16, 20)
    one[2] = 0
    frame = slice(2 * factor, 3 * factor)
    assert gap(blend(made.clone(), plain, one)[frame], plain[frame]) < 1e-6


def test_a_network_that_only_interpolates_agrees_with_itself():
    network = build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval()
    clip = still(6, 20, 24)
    made = repeat(clip, 2)
    again = restore_again(network, made, torch.float32)
    assert gap(again, made) < 1e-5


def test_a_moving_clip_makes_interpolation_disagree_less_than_guesses():
    ltr = pan(12, 32, 40)
    made = correct(interpolate_time(ltr, 2), ltr, 2)
    network = build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval()
    calm = disagreement(made, restore_again(network, made, torch.float32), 2).mean()
    wild = wake(network, 1)
    guessed = (made + 0.3 * (noise(*made.shape) - 0.5)).clamp(0, 1)
    assert disagreement(guessed, restore_again(wild, guessed, torch.float32), 2).mean() > 4 * calm


@pytest.mark.parametrize("factor", [2, 3])
def test_the_detour_of_what_moves_the_shortest_way_and_of_what_goes_round(factor):
    """A wave whose frames are 0.3 of its length apart, or, seen the other way, 0.7."""

    def wave(step):
        along = torch.arange(24 * factor)[:, None, None, None] * step / factor
        place = torch.arange(40)[None, None, :, None] / 20
        return (torch.sin(2 * torch.pi * (place - along)) / 4 + 0.5).expand(-1, 8, -1, 3)

    short, long = wave(0.3), wave(-0.7)
    ltr = expose(short, factor, "delta")
    assert gap(ltr, expose(long, factor, "delta")) < 1e-4  # the same at the moments of the input
    right, wrong = (detour(made, ltr, factor, "delta") for made in (short, long))
    assert right < 1 / 2
    assert wrong > 1
    frames = noise(6, 8, 8, 3)
    assert detour(repeat(frames, 2), frames, 2, "full") == pytest.approx(0.25)  # half of each
    assert math.isfinite(detour(repeat(frames * 0, 2), frames * 0, 2, "full"))


@pytest.mark.parametrize("factor", [2, 3])
def test_what_goes_on_evenly_is_told_from_what_halts_and_leaps(factor):
    """Grey frames that grow brighter by ``within`` in an LTR frame, and by 0.02 to the next."""
    for within in (0.01, 0.02, 0.03):
        steps = torch.full((12,), within)
        steps[::factor] = 0.02
        clip = steps.cumsum(0)[:, None, None, None].expand(-1, 8, 8, 3)
        assert evenness(clip, factor) == pytest.approx((within / 0.02) ** 2, rel=1e-3)
    assert evenness(pan(12, 32, 40), factor) == pytest.approx(1, rel=0.1)
    assert evenness(still(12, 8, 8), factor) == 1
