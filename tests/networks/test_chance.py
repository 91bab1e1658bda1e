"""Random state that threads share."""

import sys
import threading

import pytest
import torch

from deeptsr.networks.chance import seeded


@pytest.fixture
def hasty():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def drawn(seed):
    with seeded(seed):
        return torch.cat([torch.nn.Linear(4, 4).weight.detach() for _ in range(10)])


def test_threads_draw_what_each_draws_alone(hasty):
    alone = [drawn(seed) for seed in range(4)]
    before, wrong = torch.get_rng_state(), []

    def draw(seed):
        wrong.extend(seed for _ in range(40) if not torch.equal(drawn(seed), alone[seed]))

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert torch.equal(torch.get_rng_state(), before)
