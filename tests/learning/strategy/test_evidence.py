"""What a result says of itself."""

import copy

import pytest
import torch

from deeptsr.learning.strategy.evidence import examine, look, moving
from deeptsr.networks import build
from deeptsr.pyramid.special import Specialist
from tests.helpers.synth import NETWORK, certain, pan, wake


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


@pytest.mark.parametrize(("judged", "share"), [(1.0, 1.0), (-1.0, 0.0)])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_what_moves_is_whose_it_is_with_any_shutter(exposure, judged, share):
    network = wake(build(NETWORK, 2, exposure)).eval()
    judge, clip = copy.deepcopy(network), pan(12, 24, 24) * 0.4 + 0.3
    judge.leave.weight.data.mul_(judged)
    made = look(network, clip, torch.float32)
    motion = moving(Specialist(network, judge, certain(0.0)), clip, made, made, torch.float32)
    assert motion.special == pytest.approx(share, abs=1e-3)
    assert motion.sure > 0.55


def test_a_classifier_has_no_say_with_a_shutter_that_it_was_not_taught():
    clip, said = pan(6, 16, 16), []
    for exposure in ("full", "delta"):
        network = build(NETWORK, 2, exposure)
        special = Specialist(network, network, certain(5.0))
        said.append([special.odds(clip, torch.float32, part) for part in (None, range(2, 5))])
    assert [part.unique().tolist() for part in said[0]] == [[5.0], [5.0]]
    assert [part.unique().tolist() for part in said[1]] == [[0.0], [0.0]]
    assert [len(part) for part in said[1]] == [6, 3]
