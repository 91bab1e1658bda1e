"""Stills without time."""

import torch

from deeptsr.learning.pretraining.pseudo_time import BLOCK, PseudoTime, hidden
from deeptsr.networks import Compact
from tests.helpers.synth import gap


def test_blocks_are_hidden_frame_by_frame_and_count_by_how_often_they_are_seen():
    stills = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    shown = torch.ones(1, 1, 3, 2, 2)
    shown[0, 0, 1, 0, 1] = 0  # hidden in one frame
    shown[0, 0, :, 1, 0] = 0  # in all
    frames, weight = hidden(stills, shown)
    assert frames.shape == (1, 3, 3, 8, 8)
    assert torch.equal(frames[0, :, 0, :4], stills[0, :, :4])
    assert bool((frames[0, :, 1, :4, 4:] == 0.5).all())
    assert torch.equal(frames[0, :, 1, :4, :4], stills[0, :, :4, :4])
    assert weight.shape == (1, 1, 1, 8, 8)
    assert weight[0, 0, 0, 0, 0] == 1 / 4
    assert weight[0, 0, 0, 0, BLOCK] == 1 / 3
    assert weight[0, 0, 0, BLOCK, 0] == 1


def test_it_learns_to_draw_what_is_hidden():
    torch.manual_seed(0)
    for fold in (1, 2):
        network = Compact(2, "full", 8, 1, fold)
        learner = PseudoTime(network, torch.Generator().manual_seed(0))
        stills = torch.nn.functional.interpolate(torch.rand(2, 3, 4, 4), (16, 16), mode="bilinear")
        shown = (torch.rand(2, 1, 4, 4, 4) > 0.5).float()
        frames, weight = hidden(stills, shown)
        optimizer = torch.optim.Adam(learner.parameters(), 1e-2)
        errors = []
        for _ in range(60):
            error = (weight * (learner(frames) - stills[:, :, None]).square()).mean()
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            errors.append(error.item())
        assert errors[-1] < 0.3 * errors[0]
        assert network.leave.weight.abs().max() == 0


def test_what_is_drawn_lies_where_it_was(monkeypatch):
    """Folds are undone: a layer that copies what enters draws the frames themselves."""
    network = Compact(2, "full", 36, 0, 2)
    learner = PseudoTime(network, torch.Generator().manual_seed(0))
    frames = torch.rand(1, 3, 2, 8, 8, generator=torch.Generator().manual_seed(1)) + 1
    with torch.no_grad():
        network.enter.weight.zero_()
        for channel in range(36):
            network.enter.weight[channel, channel, 1, 1, 1] = 1
        learner.draw.weight.zero_()
        for colour in range(12):  # the last third is the frame less gray
            learner.draw.weight[colour, 24 + colour, 0, 1, 1] = 1
        assert gap(learner(frames), frames) < 1e-6
