"""What only the recurrent network promises; the rest is in test_networks."""

import pytest
import torch

from deeptsr.networks import Compact, Request
from deeptsr.networks.recurrent import Recurrent
from tests.helpers.synth import gap, noise, wake

both = pytest.mark.parametrize("refocused", [False, True])


def make(grid=2, warm=2, **options):
    return wake(Recurrent(2, "full", 6, 1, 1, grid, warm, **options))


def test_its_arithmetic_is_that_of_the_compact_network():
    network, compact = Recurrent(2, "full", 16, 6), Compact(2, "full", 16, 6)
    assert network.streaming_operations == pytest.approx(compact.operations, rel=0.1)
    assert network.operations == pytest.approx(compact.operations, rel=0.15)
    attentive = Recurrent(2, "full", 16, 6, refocused=True)
    assert attentive.streaming_operations > network.streaming_operations


def test_operations_are_those_of_its_kernels():
    """By hand: what warms up again is counted again, without its gradients."""
    network = Recurrent(2, "full", 4, 1, 2, 2, 2)
    enter, encoder = 36 * 4 * 9, 2 * 4 * 4 * 9
    carried = 2 * (2 * 4 * 4 * 9 + 4 * 9)
    after = 12 * 4 * 9 + 4 * 4 * 27 + 4 * 4 * 9 + 4 * 24 * 9
    assert network.streaming_operations == 2 * (enter + encoder + 2 * carried + after) / 4
    warmed = 1 + 2 * 2 / 8 / 3
    assert network.operations == pytest.approx(
        2 * (warmed * (enter + encoder + carried) + after) / 4
    )


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


# --- while it learns ---


def test_outer_frames_of_a_long_crop_only_warm_up():
    network, ltr = make().train(), noise(1, 3, 9, 6, 6)
    assert [network.warming(n) for n in (6, 7, 9)] == [0, 2, 2]
    made, plain = network(ltr), Recurrent(2, "full", 6, 1, 1, 2, 2).train()(ltr)
    assert gap(made[:, :, :4], plain[:, :, :4]) == 0  # they are interpolated,
    assert gap(made[:, :, -4:], plain[:, :, -4:]) == 0
    assert gap(made[:, :, 4:-4], plain[:, :, 4:-4]) > 1e-3
    touched = ltr.clone()
    touched[:, :, 0] += 0.2
    assert gap(network(touched)[:, :, 6:-6], made[:, :, 6:-6]) > 1e-7  # and known of nevertheless


def test_outer_frames_take_no_gradients():
    network, ltr = make().train(), noise(1, 3, 9, 6, 6).requires_grad_()
    network(ltr)[:, :, 6:-6].square().sum().backward()
    reached = ltr.grad.abs().amax((0, 1, 3, 4)) > 0
    assert reached.tolist() == [False] + [True] * 7 + [False]  # differences reach a frame further


def test_without_gradients_states_are_the_same():
    """A warmed-up crop knows what one knows that is carried through from end to end."""
    network, ltr = make(warm=3).train(), noise(1, 3, 12, 6, 6)
    warmed = network(ltr)
    network.warm_up = 6  # more than the crop has: it is carried through
    assert network.warming(12) == 0
    through = network(ltr)
    inner = slice(2 * (3 + 1), 2 * (12 - 3 - 1))  # joining blocks look a frame further
    assert gap(warmed[:, :, inner], through[:, :, inner]) < 1e-6


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
