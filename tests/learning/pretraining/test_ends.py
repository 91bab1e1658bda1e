"""Crops within which a clip ends: what is shown there, and what counts."""

import pytest
import torch

from deeptsr.learning.pretraining.ends import with_ends
from tests.helpers.synth import noise


def test_half_of_them_begin_within_and_half_of_them_end():
    crops = noise(6, 3, 8, 4, 4)
    seen, there = with_ends(crops, torch.tensor([0.0, 0.14, 0.16, 0.84, 0.86, 0.99]), 0.3)
    assert there.flatten(1).tolist() == [
        *2 * [[0, 0, 1, 1, 1, 1, 1, 1]],
        *2 * [[1] * 8],
        *2 * [[1, 1, 1, 1, 1, 1, 0, 0]],
    ]
    assert torch.equal(seen[2:4], crops[2:4])
    assert torch.equal(seen * there, crops * there)
    for crop, beyond, end in ((0, (0, 1), 2), (5, (6, 7), 5)):
        for frame in beyond:
            assert torch.equal(seen[crop, :, frame], crops[crop, :, end])


@pytest.mark.parametrize(("frames", "left"), [(3, 2), (4, 3), (5, 3), (16, 14)])
def test_a_short_crop_keeps_most_of_its_frames(frames, left):
    _, there = with_ends(noise(1, 3, frames, 2, 2), torch.zeros(1), 1.0)
    assert int(there.sum()) == left


def test_none_ends_where_none_shall():
    crops = noise(4, 3, 8, 4, 4)
    seen, there = with_ends(crops, torch.tensor([0.0, 0.3, 0.6, 0.99]), 0.0)
    assert torch.equal(seen, crops)
    assert bool(there.all())
