"""States that begin anew on a grid of the scene's frames."""

import torch

from deeptsr.networks.parts.memory import Memory
from tests.helpers.synth import gap, noise, wake


def test_by_plain_code():
    """Each window of the grid by itself: a frame's states saw so many before, and no more."""
    block, x = wake(Memory(4, 3, 2, refocused=False)), noise(1, 4, 10, 6, 6) - 0.5
    first, made = 4, []
    for t in range(10):
        start = (first + t) // 3 * 3 - first  # of the window, in the clip
        before = x[:, :, max(0, start - 2) : t + 1]
        after = x[:, :, t : start + 3 + 2].flip(2)
        states = [block.forwards(before)[:, :, -1:], block.backwards(after)[:, :, -1:]]
        seen = torch.nn.functional.pad(torch.cat(states, 1), (1, 1, 1, 1))
        made.append(x[:, :, t : t + 1] + block.join(seen))
    assert gap(block(x, first), torch.cat(made, 2)) < 1e-5


def test_states_have_half_the_channels():
    block = Memory(6, 3, 2, refocused=False)
    assert block.forwards(noise(1, 6, 2, 5, 5)).shape == (1, 3, 2, 5, 5)
    assert (block.frames, block.pixels) == (3 - 1 + 2, 1 + 3 + 2 + 1)
