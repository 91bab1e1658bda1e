"""What a result says of itself."""

import torch

from deeptsr.learning.strategy.evidence import Evidence, examine
from deeptsr.networks import build
from tests.helpers.synth import NETWORK, pan, wake


def test_what_removes_more_stands_higher_and_else_what_contradicts_itself_less():
    most = Evidence(9.0, 20.0, 0.3, 0.3, 1.0)
    more = Evidence(9.0, 5.0, 0.9, 0.3, 1.0)
    little, less = Evidence(9.0, -5.0, -0.2, 0.3, 1.0), Evidence(9.0, -1.0, -0.6, 0.3, 1.0)
    everything = [little, most, less, more]
    assert sorted(everything, key=lambda e: e.standing, reverse=True) == [most, more, little, less]


def test_a_network_that_guesses_contradicts_itself():
    torch.manual_seed(0)
    found = examine(wake(build(NETWORK, 2)), pan(12, 24, 24), torch.float32)
    assert found.removed < 0
    assert -100 < found.agreement < 0


def test_what_changes_nothing_takes_nothing_away():
    found = examine(build(NETWORK, 2), pan(12, 24, 24), torch.float32)
    assert found.change < 0.01
    assert found.standing[0] == 0
