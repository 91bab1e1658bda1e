"""The network of a step in space."""

import pytest
import torch
from torch import nn

from deeptsr.networks.space import SpaceNetwork
from tests.helpers.synth import gap, noise


def network(channels=4, blocks=4):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = SpaceNetwork(channels, blocks)
        for weight in made.parameters():
            nn.init.normal_(weight, std=0.2)
    return made.eval()


def clip(frames, side, seed=0):
    return noise(frames, side, side, 3, seed=seed).movedim(3, 0)[None]  # (1, 3, T, side, side)


@torch.no_grad()
def test_it_takes_its_reach_off_and_doubles_the_rest():
    made = network()
    frames, edge = made.reach
    assert (frames, edge) == (3, 10)
    assert made(clip(9, 25)).shape == (
        1,
        3,
        9 - 2 * frames,
        2 * (25 - 2 * edge),
        2 * (25 - 2 * edge),
    )


@torch.no_grad()
def test_it_looks_as_far_as_it_says_and_no_further():
    made, base = network(), clip(7, 23)
    (frames, edge), before = made.reach, made(base)
    for place in ((0, edge, edge), (3, 0, edge), (3, edge, 22)):
        other = base.clone()
        other[(0, slice(None), *place)] += 1
        assert gap(made(other), before) > 1e-6, place
    wider = clip(9, 25)
    wider[:, :, 1:-1, 1:-1, 1:-1] = base
    assert gap(made(wider)[:, :, 1:-1, 2:-2, 2:-2], before) < 1e-5
    assert frames == 3


@torch.no_grad()
@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_what_is_flat_comes_out_as_nothing(level):
    made = network()
    for padded in (False, True):
        assert made(torch.full((1, 3, 7, 23, 23), level), padded=padded).abs().max() < 1e-5
    colours = torch.tensor([0.2, 0.9, 0.4]).view(1, 3, 1, 1, 1).expand(1, 3, 7, 23, 23)
    assert made(colours).abs().max() < 1e-5


@torch.no_grad()
def test_it_grows_with_contrast():
    made, base = network(), clip(7, 23)
    faint = 0.6 + 0.1 * (base - 0.5)
    assert gap(made(faint), 0.1 * made(base)) < 1e-5


@torch.no_grad()
def test_padded_it_is_the_same_away_from_the_borders():
    made, base = network(), clip(7, 23)
    (frames, edge) = made.reach
    inner = made(base, padded=True)[
        :, :, frames:-frames, 2 * edge : -2 * edge, 2 * edge : -2 * edge
    ]
    assert gap(inner, made(base)) < 1e-5


def test_it_begins_as_interpolation_and_counts_its_work():
    made = SpaceNetwork(4, 3)
    assert made(clip(7, 20)).abs().max() == 0
    weights = 4 * 3 * 27 + 4 * 4 * (27 + 9) + 2 * 4 * 4 * (9 + 9) + 12 * 4 * 9
    assert made.operations == 2 * weights
