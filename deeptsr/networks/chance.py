"""The first weights of networks are drawn from torch's random state, which a process has once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch

__all__ = ["seeded"]

_ONE_STATE = Lock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from a seed in the block, one thread at a time; the caller's state stays as it is.

    Args:
        seed: 0 <= seed < 2**63.
    """
    with _ONE_STATE, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
