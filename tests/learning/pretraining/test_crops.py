"""Crops of rendered clips."""

import pytest
import torch

from deeptsr.config import PretrainSettings
from deeptsr.learning.pretraining import crops
from deeptsr.learning.pretraining.crops import Crops
from deeptsr.learning.pretraining.variants import Variant
from deeptsr.learning.rendering.clips import Clip
from tests.helpers.synth import noise

SETTINGS = PretrainSettings(batch=2, crop=16, frames=8, pool=1, slowed=1.0)


@pytest.fixture
def rendered(monkeypatch):
    """Lengths of the clips that were rendered, which are noise."""
    lengths = []

    def render(seed, kind, frames, pictures):
        lengths.append(frames)
        return Clip(noise(frames, 20, 20, 3, seed=seed).half(), 6)

    monkeypatch.setattr(crops, "render", render)
    return lengths


@pytest.mark.parametrize(
    ("around", "factor", "frames"),
    [(0, 2, 8), (0, 5, 8), (8, 2, 24), (8, 5, 8), (3, 2, 14), (3, 3, 8)],
)
def test_a_crop_has_more_frames_around_it_where_a_clip_is_long_enough(
    rendered, around, factor, frames
):
    pool = Crops(SETTINGS, Variant("any", "full", 1, 1.0), 0, (), around)
    pool.fill()
    assert pool.batch(factor).shape == (2, 3, frames * factor, 16, 16)
    assert rendered == [48 if around == 8 else 40]


def test_frames_around_change_nothing_of_what_is_drawn_without_them(rendered):
    variant = Variant("any", "full", 1, 1.0)
    pools = [Crops(SETTINGS, variant, 0, (), around) for around in (0, 3)]
    for pool in pools:
        pool.fill()
    short, long = (pool.batch(5) for pool in pools)  # too long for a clip with more around it
    assert torch.equal(short, long)
