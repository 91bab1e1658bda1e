"""Adam, beside torch's own."""

import sys

import pytest
import torch

from deeptsr.learning.fit import Regime, fit
from deeptsr.learning.optimizers.adam import Adam
from deeptsr.learning.pairs.pool import PairSource
from tests.helpers.synth import generator, pan
from tests.learning.test_fit import PAIRS, SETTINGS, compact, scores


def parameters():
    """Of two layers: one has a layout of its own, and one no gradient."""
    dice = generator()
    layer = torch.randn(4, 3, 3, 3, 3, generator=dice).to(memory_format=torch.channels_last_3d)
    return [torch.nn.Parameter(p) for p in (layer, torch.randn(4, generator=dice), torch.ones(2))]


def stepped(optimizer, those, steps, first=0):
    """Make steps, each at a rate of its own."""
    for number in range(first, first + steps):
        optimizer.param_groups[0]["lr"] = 0.01 * (number + 1)
        optimizer.zero_grad()
        dice = torch.Generator().manual_seed(number)
        for parameter in those[:2]:
            parameter.grad = torch.randn(parameter.shape, generator=dice)
        optimizer.step()
    return those


def test_steps_are_those_of_torch_to_the_bit():
    own, theirs = parameters(), parameters()
    stepped(Adam(own), own, 20)
    stepped(torch.optim.Adam(theirs), theirs, 20)
    assert all(torch.equal(one, other) for one, other in zip(own, theirs, strict=True))
    assert not torch.equal(own[0], parameters()[0])
    assert torch.equal(own[2], torch.ones(2))


@pytest.mark.parametrize("earlier", [Adam, torch.optim.Adam])
def test_it_goes_on_from_a_state(earlier):
    whole, first = parameters(), parameters()
    stepped(Adam(whole), whole, 8)
    begun = earlier(first)
    stepped(begun, first, 5)
    then = Adam(first)
    then.load_state_dict(begun.state_dict())
    stepped(then, first, 3, first=5)
    assert all(torch.equal(one, other) for one, other in zip(whole, first, strict=True))


def test_what_is_loaded_is_not_changed():
    those = parameters()
    begun = Adam(those)
    stepped(begun, those, 2)
    kept = begun.state_dict()["state"][0]["exp_avg"].clone()
    other = Adam(those)
    other.load_state_dict(begun.state_dict())
    stepped(other, those, 2)
    assert torch.equal(begun.state_dict()["state"][0]["exp_avg"], kept)


def test_gradients_can_be_made_zero():
    (one, *_) = those = parameters()
    one.grad = torch.ones_like(one)
    Adam(those).zero_grad(set_to_none=False)
    assert torch.equal(one.grad, torch.zeros_like(one))


def test_a_fit_loads_no_compiler(monkeypatch):
    """torch's own Adam imports it with every step: two seconds, and 70 MB."""
    network, source = compact(), PairSource([pan(32, 48, 48)], PAIRS, 2)
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # which makes an import fail
    done = fit(network, source, Regime(SETTINGS, 2), generator(), scores(*range(9)))
    assert done.steps == 2
