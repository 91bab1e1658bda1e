"""What only the recurrent network promises; the rest is in test_networks."""

import pytest
import torch

from deeptsr.networks import Compact, Request
from deeptsr.networks.recurrent import Recurrent
from tests.helpers.synth import gap, noise, wake


def make(grid=2, warm=2, **options):
    return wake(Recurrent(2, "full", 6, 1, 1, grid, warm, **options))


def test_its_arithmetic_is_that_of_the_compact_network():
    network, compact = Recurrent(2, "full", 16, 6), Compact(2, "full", 16, 6)
    assert network.streaming_operations == pytest.approx(compact.streaming_operations, rel=0.02)
    assert network.operations < compact.operations
    attentive = Recurrent(2, "full", 16, 6, refocused=True)
    assert attentive.streaming_operations > network.streaming_operations


def test_operations_are_those_of_its_kernels():
    """By hand: what warms up a state is counted again where it is streamed."""
    network = Recurrent(2, "full", 4, 2, 2, 2, 2)
    enter, block = 36 * 4 * 27, 4 * 4 * 27 + 4 * 4 * 9
    carried = 2 * (4 * 2 * 9 + 2 * 2 * 9 + 2 * 9)
    join, leave = 4 * 4 * 9, 4 * 24 * 9
    plain = enter + block + carried + join + leave
    assert network.operations == 2 * plain / 4
    less = enter * 4 / 9 + leave / 2  # differences are merged, and one of two frames is known
    assert network.streaming_operations == pytest.approx(2 * (plain - less + carried) / 4)


@pytest.mark.parametrize("contrast", [0.3, 2.0])
def test_with_attention_it_is_homogeneous_too(contrast):
    network, ltr = make(refocused=True), noise(1, 3, 6, 9, 9)
    scaled = 0.5 + contrast * (ltr - 0.5)
    assert gap(network(scaled), 0.5 + contrast * (network(ltr) - 0.5)) < 1e-5


def test_a_longer_memory_looks_further():
    near, far = make(warm=0), make(warm=5)
    assert far.reach[0] == near.reach[0] + 5
    ltr = noise(1, 3, 24, 5, 5)
    touched = ltr.clone()
    touched[:, :, 4] += 0.2
    seen = [(n(touched) - n(ltr)).abs().amax((0, 1, 3, 4)) > 1e-9 for n in (near, far)]
    assert seen[1].sum() > seen[0].sum()


def test_while_it_learns_a_crop_is_carried_through_from_end_to_end():
    network, ltr = make(grid=3, warm=1), noise(1, 3, 12, 6, 6)
    through = make(grid=12, warm=0)(ltr)
    assert gap(network(ltr), through) > 1e-4
    assert gap(network.train()(ltr), through) < 1e-6
    touched = ltr.clone()
    touched[:, :, 0] += 0.2
    assert gap(network(touched)[:, :, -6:-4], network(ltr)[:, :, -6:-4]) > 1e-7


# --- long scenes ---


@pytest.mark.parametrize(("refocused", "frames"), [(False, 1000), (True, 160)])
def test_a_long_still_scene_ends_no_worse_than_it_began(refocused, frames):
    """Without a grid, too: states may not drift away from what is there."""
    network = wake(Recurrent(2, "full", 4, 1, 1, frames, 0, refocused=refocused))
    ltr = noise(1, 3, 1, 6, 6).expand(-1, -1, frames, -1, -1)
    with torch.no_grad():
        change = network(ltr) - ltr.repeat_interleave(2, 2)
    error = change.square().mean((0, 1, 3, 4)).view(frames, 2).mean(1)
    began, ended = error[40:60].mean(), error[-60:-40].mean()
    assert 0 < ended <= 1.01 * began


def test_a_scene_is_the_same_wherever_it_is_cut():
    """States begin anew on a grid of the scene's frames: what lies before is not needed."""
    network, ltr = make(grid=4, warm=3), noise(1, 3, 40, 5, 5)
    whole, reach = network(ltr), network.reach[0]
    for first in (5, 12, 18):
        part = network(ltr[:, :, first:], Request(2, first))
        assert gap(part[:, :, 2 * reach :], whole[:, :, 2 * (first + reach) :]) < 1e-5
    astray = network(ltr[:, :, 5:], Request(2, 4))
    assert gap(astray[:, :, 2 * reach :], whole[:, :, 2 * (5 + reach) :]) > 1e-4
