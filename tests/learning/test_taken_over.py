"""A fit of another video, turned where this one lies on its side."""

from fractions import Fraction

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.learning import taken_over
from deeptsr.learning.strategy.evidence import Evidence
from deeptsr.learning.taken_over import suited, turned
from deeptsr.networks import build
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.synth import noise, wake

COMPACT = NetworkSettings(channels=4, blocks=2)


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("fold", [1, 2])
def test_a_turned_network_does_the_same_with_axes_swapped(exposure, fold):
    network = wake(build(COMPACT, 2, exposure, fold)).eval()
    batch = noise(2, 3, 5, 8, 12)  # (N, C, T, H, W)
    with torch.no_grad():
        made, other = network(batch), turned(network)(batch.transpose(-1, -2))
        assert torch.allclose(other.transpose(-1, -2), made, atol=1e-5)
        assert not torch.allclose(network(batch.transpose(-1, -2)).transpose(-1, -2), made)
        for one, two in zip(
            network.parameters(), turned(turned(network)).parameters(), strict=True
        ):
            assert torch.equal(one, two)


def fitted(kind="compact"):
    network = wake(build(NetworkSettings(kind, channels=4, blocks=2), 2))
    coarse, fine = Stage(Fraction(1, 2), 2, 1), Stage(Fraction(1), 2, 2)
    return FittedStage(coarse, network), FittedStage(fine, network), FittedStage(fine, None)


@pytest.mark.parametrize("better", [True, False])
def test_it_is_turned_where_that_agrees_more(monkeypatch, better):
    stages, seen = fitted(), []

    def examine(network, clip, precision):
        assert clip.shape == (6, 16, 20, 3)
        seen.append(network)
        agreement = 0.5 if (network is stages[0].network) != better else 0.2
        return Evidence(3.0, 1.0, agreement, 0.25, 1.0)

    monkeypatch.setattr(taken_over, "examine", examine)
    found, told = suited(stages, noise(6, 32, 40, 3), torch.float32)
    assert told is better
    assert len(seen) == 2
    assert found[2].network is None
    for before, after in zip(stages[:2], found, strict=False):
        wanted = before.network.enter.weight
        wanted = wanted.transpose(-1, -2) if better else wanted
        assert torch.equal(after.network.enter.weight, wanted)
        assert after.stage == before.stage


def test_what_cannot_be_turned_stays(monkeypatch):
    monkeypatch.setattr(taken_over, "examine", lambda *a: pytest.fail("it was looked at"))
    for stages in (fitted("recurrent"), fitted()[2:]):
        assert suited(stages, noise(6, 32, 40, 3), torch.float32) == (stages, False)
