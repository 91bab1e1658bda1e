"""How frames come in, and blocks with padding and without."""

import pytest
import torch

from deeptsr.networks.parts.blocks import FrameBlock, TimeBlock, with_differences
from tests.helpers.synth import gap, noise, wake


def test_differences_by_hand():
    ltr = noise(1, 3, 4, 2, 2)
    made = with_differences(ltr, 1, padded=True)
    assert made.shape == (1, 9, 4, 2, 2)
    assert gap(made[:, :3, 1], ltr[:, :, 2] - ltr[:, :, 1]) == 0
    assert gap(made[:, 3:6, 1], ltr[:, :, 1] - ltr[:, :, 0]) == 0
    assert gap(made[:, 6:, 1], ltr[:, :, 1] - 0.5) == 0
    assert not made[:, :3, 3].any()  # beyond the end nothing moves
    assert not made[:, 3:6, 0].any()


def test_without_padding_the_ends_are_lacking():
    ltr = noise(2, 3, 5, 4, 6)
    whole = with_differences(ltr, 2, padded=True)
    assert whole.shape == (2, 36, 5, 2, 3)
    assert gap(with_differences(ltr, 2, padded=False), whole[:, :, 1:-1]) == 0


def test_a_fold_holds_its_pixels():
    ltr = noise(1, 3, 3, 4, 4)
    folded = with_differences(ltr, 2, padded=True).view(1, 9, 2, 2, 3, 2, 2)
    assert torch.equal(folded[0, 6:, 1, 0, 1, 1, 0], ltr[0, :, 1, 3, 0] - 0.5)


@pytest.mark.parametrize("block", [FrameBlock, TimeBlock])
def test_a_block_is_the_same_without_padding(block):
    layers, x = wake(block(4)), noise(1, 4, 5, 9, 9)
    whole, part = layers(x, True), layers(x, False)
    around = (5 - part.shape[2]) // 2
    assert gap(part, whole[:, :, around : 5 - around, 2:-2, 2:-2]) < 1e-6
    assert gap(block(4)(x, True), x) == 0  # it starts as the identity
