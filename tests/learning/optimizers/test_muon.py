"""Muon: what its steps are like, and that it goes on where it left."""

import pytest
import torch

from deeptsr.learning.optimizers.muon import Muon
from tests.helpers.synth import generator

RATE = 0.01


def layer(*shape):
    made = torch.randn(shape, generator=generator())
    return torch.nn.Parameter(made.contiguous(memory_format=memory_format(made)))


def memory_format(tensor):
    return torch.channels_last_3d if tensor.dim() == 5 else torch.contiguous_format


def stepped(optimizer, those, steps, first=0):
    """Make steps down gradients that hang on the step's number alone."""
    optimizer.param_groups[0]["lr"] = RATE
    for number in range(first, first + steps):
        optimizer.zero_grad()
        dice = torch.Generator().manual_seed(number)
        for parameter in those:
            parameter.grad = torch.randn(parameter.shape, generator=dice)
        optimizer.step()
    return those


def a_step(parameter, gradient):
    """What the first step adds to a parameter."""
    before = parameter.detach().clone()
    optimizer = Muon([parameter])
    optimizer.param_groups[0]["lr"] = RATE
    parameter.grad = gradient
    optimizer.step()
    return parameter.detach() - before


@pytest.mark.parametrize("shape", [(6, 5, 3, 3, 3), (8, 8, 1, 1, 1), (30, 2, 1, 3, 1), (4, 7)])
def test_a_step_is_alike_in_all_directions(shape):
    """Down the gradient's singular vectors, whatever their singular values."""
    steep = torch.randn(shape, generator=generator()).flatten(1)
    left, values, right = torch.linalg.svd(steep, full_matrices=False)
    steep = left @ (values * torch.linspace(1, 0.05, len(values)))[:, None].mul(right)
    step = a_step(layer(*shape), steep.view(shape)).flatten(1)
    sizes = (left.T @ step @ right.T).diagonal() / (-RATE * max(steep.shape) ** 0.5)
    assert 0.3 < sizes.min() <= sizes.max() < 1.3  # their ratio was 20 at least
    across = left @ sizes.diag() @ right * (-RATE * max(steep.shape) ** 0.5)
    torch.testing.assert_close(step, across, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("shape", [(16, 16, 3, 3, 3), (12, 16, 1, 3, 3), (40, 4, 1, 1, 1), (9,)])
def test_the_rate_is_how_far_weights_go(shape):
    gradient = 1e-4 * torch.randn(shape, generator=generator())
    assert a_step(layer(*shape), gradient).square().mean().sqrt() == pytest.approx(RATE, rel=0.35)


def test_how_steep_it_is_makes_no_difference():
    gradient = torch.randn(6, 5, 3, 3, 3, generator=generator())
    one, other = (a_step(layer(6, 5, 3, 3, 3), size * gradient) for size in (1.0, 1e-6))
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_it_goes_on_from_a_state_and_leaves_it_as_it_is():
    whole, first = ([layer(4, 3, 3, 3, 3), layer(5)] for _ in range(2))
    stepped(Muon(whole), whole, 8)
    begun = Muon(first)
    stepped(begun, first, 5)
    state = begun.state_dict()
    kept = state["state"][0]["mean"].clone()
    then = Muon(first)
    then.load_state_dict(state)
    stepped(then, first, 3, first=5)
    assert all(torch.equal(one, other) for one, other in zip(whole, first, strict=True))
    assert torch.equal(state["state"][0]["mean"], kept)


def test_parameters_without_a_gradient_stay():
    idle = layer(3, 3)
    a_step(layer(3, 3), torch.ones(3, 3))
    optimizer = Muon([idle])
    before = idle.detach().clone()
    optimizer.step()
    assert torch.equal(idle, before)


def test_what_is_flat_stays():
    assert not a_step(layer(4, 6), torch.zeros(4, 6)).any()


def test_gradients_can_be_made_zero():
    one = layer(2, 3)
    one.grad = torch.ones_like(one)
    Muon([one]).zero_grad(set_to_none=False)
    assert torch.equal(one.grad, torch.zeros_like(one))
