"""The crops that a stage's network learns from."""

from dataclasses import replace

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.learning.strategy import fitter
from deeptsr.learning.strategy.fitter import StageFitter
from deeptsr.networks import build
from tests.helpers.synth import PAIRS, pan, tiny

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("kind", "frames", "crop"),
    [
        ("compact", 40, 4),
        ("compact", 6, 3),  # of a short clip
        ("recurrent", 40, 4 + 2 * 3),  # states warm up on three frames at each end
        ("recurrent", 16, 4),  # of which a short clip has not enough
    ],
)
def test_a_crop_has_frames_to_warm_up_on_where_there_are_enough(monkeypatch, kind, frames, crop):
    asked = []

    def no_more(pieces, pairs, step, exposure):
        asked.append(pairs.frames)
        raise InterruptedError

    monkeypatch.setattr(fitter, "PairSource", no_more)
    options = tiny(pairs=replace(PAIRS, frames=4))
    stage = StageFitter(
        options, frames, 0, torch.float32, lambda step: None, CPU, None, lambda: False
    )
    network = build(NetworkSettings(kind, 4, 1), 2)
    with pytest.raises(InterruptedError):
        stage.fit(network, [pan(frames, 24, 24)], 1, known=False)
    assert asked == [crop]
