"""Blocks with padding and without, whole and slab by slab."""

import pytest
import torch
from torch import nn

from deeptsr.networks.fusion import Fusion
from deeptsr.networks.parts.blocks import TimeBlock, convolved, inner
from deeptsr.networks.parts.memory import Memory
from tests.helpers.synth import gap, noise, wake

BLOCKS = {
    "time": lambda: TimeBlock(4),
    "fused": lambda: Fusion(2, "full", 4, 1).middle,
    "early": lambda: Fusion(2, "full", 4, 0, weighted=False).middle,
    "memory": lambda: Memory(4, 3, 2, refocused=False),
    "refocused": lambda: Memory(4, 2, 1, refocused=True),
}
every = pytest.mark.parametrize("name", BLOCKS)


@every
def test_a_block_starts_as_the_identity(name):
    x = noise(1, 4, 5, 9, 9)
    assert gap(BLOCKS[name]()(x), x) == 0


@every
@pytest.mark.parametrize("lengths", [(14,), (1,) * 14, (3, 9, 2)])
def test_slab_by_slab_it_is_the_same(name, lengths):
    """The oracle is `forward`, which pads; the first frame of all has any number."""
    block, first = wake(BLOCKS[name]()), 7
    frames, pixels = block.frames, block.pixels
    x = noise(1, 4, 14, 2 * pixels + 3, 2 * pixels + 2)
    inside = (slice(None), slice(None), slice(frames, 14 - frames))
    with torch.no_grad():
        whole = inner(block(x, first)[inside], pixels, False)
        parts = list(block.stream(x.split(lengths, dim=2), first))
    assert gap(torch.cat(parts, 2), whole) < 1e-5


def test_padding_by_hand():
    layer, x = nn.Conv3d(1, 1, (1, 3, 3), dilation=(1, 2, 2), bias=False), noise(1, 1, 2, 7, 7)
    whole = convolved(layer, x, True)
    assert whole.shape == x.shape
    corner = sum(
        x[..., 2 * i, 2 * j] * layer.weight[0, 0, 0, 1 + i, 1 + j] for i in (0, 1) for j in (0, 1)
    )
    assert gap(whole[..., 0, 0], corner) < 1e-6
    assert gap(convolved(layer, x, False), inner(whole, 2, False)) < 1e-6
    assert inner(x, 0, False) is x
