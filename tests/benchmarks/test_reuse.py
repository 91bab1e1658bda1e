"""A twin is the same rotor, and its truth is its own."""

import torch

from benchmarks.reuse import turned
from benchmarks.rotors import render
from deeptsr.imaging.exposure import expose


def test_a_turned_twin_is_the_same_rotor():
    case = render(3, "below")
    twin = turned(case)
    assert torch.allclose(expose(twin.truth, 2), twin.clip, atol=1e-6)
    four_times = turned(turned(turned(twin)))
    assert torch.equal(four_times.clip, case.clip)
    assert not torch.equal(twin.clip, case.clip)
