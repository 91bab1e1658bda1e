"""A step is run once for each call; recorded on a card, it does what it does unrecorded."""

import pytest
import torch
from torch import nn

from deeptsr.config import preset
from deeptsr.learning.fit import Regime, fit
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.networks import build
from deeptsr.system import cudagraph
from deeptsr.system.cudagraph import RecordedStep


def test_on_a_cpu_each_call_runs_the_function():
    runs = []
    step = RecordedStep(lambda: runs.append(len(runs)), torch.Generator())
    for _ in range(6):
        step()
    assert runs == [0, 1, 2, 3, 4, 5]


def _fitted(device):
    """Fit a small network for some steps; its weights, and what is drawn next."""
    torch.manual_seed(0)
    options = preset("fast").network
    network = build(options, 2).to(device)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.02)
    generator = torch.Generator(device).manual_seed(1)
    clip = torch.rand(
        24, 40, 48, 3, generator=torch.Generator(device).manual_seed(2), device=device
    )
    source = PairSource([clip], preset("fast").pairs, 2)
    fit(network, source, Regime(preset("fast").fit, steps=20), generator, lambda n: 0.0)
    weights = torch.cat([p.detach().flatten() for p in network.parameters()])
    return weights.cpu(), source.draw(generator).cpu()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")
def test_a_recorded_fit_ends_as_one_that_is_not(monkeypatch):
    recorded, drawn = _fitted("cuda")
    monkeypatch.setattr(cudagraph, "_WARM", 1000)
    plain, drawn_then = _fitted("cuda")
    assert torch.equal(drawn, drawn_then)
    torch.testing.assert_close(recorded, plain, rtol=1e-3, atol=1e-5)
