"""What only the network of fused frames promises; the rest is in test_networks."""

import pytest

from deeptsr.networks import Compact
from deeptsr.networks.fusion import SPAN, Fusion
from tests.helpers.synth import gap, noise, wake


@pytest.mark.parametrize("weighted", [True, False])
def test_its_arithmetic_is_that_of_the_compact_network(weighted):
    fusion, compact = Fusion(2, "full", 16, 6, weighted=weighted), Compact(2, "full", 16, 6)
    assert fusion.operations == pytest.approx(compact.operations, rel=0.03)


def test_operations_are_those_of_its_kernels():
    fusion = Fusion(2, "full", 4, 1, 2)
    weights = sum(p.numel() for p in fusion.parameters()) - 1  # less the sharpness
    unused = fusion.leave.weight.numel() / 2  # two frames of four moments
    assert fusion.operations == 2 * (weights - unused) / 4


@pytest.mark.parametrize("span", [3, 7])
def test_it_looks_as_far_as_it_fuses(span):
    assert Fusion(2, "full", 4, 1, span=span).reach[0] == span // 2 + 2
    assert Fusion(2, "full", 4, 1).reach[0] == SPAN // 2 + 2


@pytest.mark.parametrize("contrast", [0.3, 2.0])
def test_early_fusion_alone_is_homogeneous_too(contrast):
    network, ltr = wake(Fusion(2, "full", 6, 1, weighted=False)), noise(1, 3, 6, 9, 9)
    scaled = 0.5 + contrast * (ltr - 0.5)
    assert gap(network(scaled), 0.5 + contrast * (network(ltr) - 0.5)) < 1e-5
