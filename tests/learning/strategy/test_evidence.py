"""What a result says of itself."""

import torch

from deeptsr.learning.strategy.evidence import examine
from deeptsr.networks import build
from tests.helpers.synth import NETWORK, pan, wake


def test_a_network_that_guesses_contradicts_itself():
    torch.manual_seed(0)
    found = examine(wake(build(NETWORK, 2)), pan(12, 24, 24), torch.float32)
    assert found.removed < 0
    assert -100 < found.agreement < 0


def test_what_changes_nothing_takes_nothing_away():
    found = examine(build(NETWORK, 2), pan(12, 24, 24), torch.float32)
    assert found.change < 0.01
    assert found.removed < 1
