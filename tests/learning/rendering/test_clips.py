"""Rendered training clips."""

import numpy as np
import pytest
import torch

from deeptsr.learning.rendering.clips import render
from deeptsr.learning.rendering.dice import Dice
from deeptsr.learning.rendering.motion import path, turning
from deeptsr.learning.rendering.shapes import Rotor
from deeptsr.learning.rendering.textures import noise, sample, texture


@pytest.mark.parametrize("kind", ["leaves", "rotor", "below", "beyond"])
def test_a_seed_gives_a_clip_and_another_seed_another_one(kind):
    one, again, other = (render(s, kind, size=24, frames=6) for s in (3, 3, 4))
    assert one.frames.shape == (6, 24, 24, 3)
    assert one.frames.dtype == torch.float16
    assert torch.equal(one.frames, again.frames)
    assert not torch.equal(one.frames, other.frames)
    assert one.frames.min() >= 0
    assert one.frames.max() <= 1


@pytest.mark.parametrize("kind", ["leaves", "rotor", "below", "beyond"])
def test_most_clips_move(kind):
    moved = [
        float(render(seed, kind, size=32, frames=8).frames.float().diff(dim=0).abs().max())
        for seed in range(8)
    ]
    assert sum(change > 0.02 for change in moved) >= 6


def test_what_turns_is_told_and_stands_on_both_sides_of_the_limit():
    turns = [render(seed, "rotor", size=24, frames=8).rotor for seed in range(24)]
    shares = np.array([2 * t.degrees.abs().max() * t.blades / 360 for t in turns])
    assert all(len(t.degrees) == 7 for t in turns)
    assert shares.max() <= 0.96  # of the blades' distance, an LTR frame of two HTR frames
    assert (shares > 0.5).sum() >= 5
    assert (shares < 0.5).sum() >= 5
    assert {bool(t.degrees.mean() > 0) for t in turns} == {True, False}


def test_a_rotor_repeats_itself_after_a_blades_distance():
    dice = Dice(1)
    rotor = Rotor(dice, 10.0)
    line = torch.arange(24.0) - 11.5
    y, x = (g[None] for g in torch.meshgrid(line, line, indexing="ij"))
    apart = torch.full((1, 1, 1), 2 * torch.pi / rotor.blades)
    one, _ = rotor.depth(x, y, torch.zeros(1, 1, 1))
    again, beside = rotor.depth(x, y, apart)
    assert torch.allclose(one, again, atol=1e-3)
    assert beside.abs().max() <= 0.5 + 1e-5


def test_turning_goes_one_way_within_its_speeds():
    times = torch.linspace(0, 20, 201)
    for seed in range(20):
        angle, fastest = turning(Dice(seed), times, 0.8, side=("rotor", "beyond")[seed % 2])
        speed = angle.diff() / times.diff()
        assert speed.abs().max() <= fastest * 1.01 <= 0.38
        assert speed.abs().min() >= 0.8 * 0.03
        assert seed % 2 == 0 or speed.abs().max() >= 0.8 * 0.2499
        assert bool((speed > -1e-5).all()) or bool((speed < 1e-5).all())


@pytest.mark.parametrize("step", [2, 4])
def test_blades_turn_as_far_in_each_frame_whatever_it_is_made_of(step):
    turns = [render(s, "beyond", size=24, frames=6 * step, step=step).rotor for s in range(12)]
    farthest = torch.stack([turn.distances.reshape(6, step).sum(1).max() for turn in turns])
    assert 0.49 < farthest.min() < farthest.max() < 0.93


@pytest.mark.parametrize(("side", "below"), [("below", 0.5), ("rotor", 0.25), ("beyond", 0.0)])
def test_half_of_what_turns_crosses_the_limit(side, below):
    times = torch.linspace(0, 20, 201)
    turned = [turning(Dice(seed), times, 1.0, side=side)[0] for seed in range(400)]
    speeds = [(angle.diff() / times.diff()).abs() for angle in turned]
    crosses = torch.stack([(each.min() < 0.25) & (each.max() > 0.25) for each in speeds])
    slow = torch.tensor([bool(each.max() < 0.25) for each in speeds])
    assert float(crosses.float().mean()) == pytest.approx(0.5, abs=0.07)
    assert float(slow.float().mean()) == pytest.approx(below, abs=0.07)


def test_speeds_that_look_alike_are_as_likely():
    """What turns by 0.25 + x of the blades' distance a frame looks like 0.25 - x, backwards."""
    times = torch.tensor([0.0, 1e-3, 20.0])  # the first step tells the speed at the beginning
    turned = [turning(Dice(seed), times, 1.0)[0] for seed in range(2000)]
    away = torch.stack([angle[1].abs() / 1e-3 for angle in turned]) - 0.25
    assert float((away > 0).float().mean()) == pytest.approx(0.5, abs=0.04)
    for low, high in ((0.0, 0.05), (0.05, 0.1), (0.1, 0.2)):
        near = (away.abs() > low) & (away.abs() < high)
        assert float((away[near] > 0).float().mean()) == pytest.approx(0.5, abs=0.07)
    assert (away.abs() < 0.08).float().mean() > 0.5


def test_paths_begin_where_they_stand_and_keep_their_bound():
    times = torch.linspace(0, 20, 201)
    for seed in range(20):
        way = path(Dice(seed), times, 3.0)
        assert way[0].abs() < 1e-5
        assert (way.diff() / times.diff()).abs().max() < 3.0 * 3


def test_noise_has_the_spectrum_asked_for():
    made = noise(Dice(0), 1.5, channels=1)[0]
    assert made.mean().abs() < 1e-5
    assert float(made.std()) == pytest.approx(1, abs=1e-3)
    spectrum = torch.fft.rfft2(made).abs()
    low, high = spectrum[2:6, 2:6].mean(), spectrum[30:40, 30:40].mean()
    assert float(low / high) == pytest.approx(9.0**1.5, rel=0.6)


def test_a_texture_is_looked_up_where_it_is_asked():
    surface = texture(Dice(5))
    line = torch.arange(8.0)
    y, x = (g[None] for g in torch.meshgrid(line, line, indexing="ij"))
    found = sample(surface, x + 0.5, y + 0.5, 1.0)
    assert torch.allclose(found[0], surface[:, 48:56, 48:56], atol=1e-4)
