"""What a result says of itself."""

import copy

import pytest
import torch

from deeptsr.learning.strategy.evidence import examine, look
from deeptsr.networks import build
from tests.helpers.synth import NETWORK, pan, wake


def test_a_network_that_guesses_contradicts_itself():
    torch.manual_seed(0)
    found = examine(wake(build(NETWORK, 2)), pan(12, 24, 24), torch.float32)
    assert -100 < found.agreement < 0
    assert found.removed.mean() < 0


def test_what_changes_nothing_is_told():
    found = examine(build(NETWORK, 2), pan(12, 24, 24), torch.float32)
    assert found.change < 0.01


@pytest.mark.parametrize(("scale", "kept"), [(1.0, 1.0), (0.5, 0.5), (-1.0, -1.0), (2.0, 2.0)])
def test_how_much_is_kept_of_what_another_network_makes(scale, kept):
    other = wake(build(NETWORK, 2)).eval()
    network = copy.deepcopy(other)
    network.leave.weight.data.mul_(scale)
    clip = pan(8, 16, 16)
    found = examine(network, clip, torch.float32, look(other, clip, torch.float32))
    assert found.kept == pytest.approx(kept, abs=1e-3)
