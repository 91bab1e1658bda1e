"""Runs a training step again and again: on a card, recorded once as a CUDA graph, then replayed.

A step of a small network is some hundred short kernels, and to launch them one by one takes the
host three times as long as the card takes to run them (measured). A recorded step is launched as
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

__all__ = ["RecordedStep"]

_WARM = 3  # runs before it is recorded: libraries choose their kernels, optimisers make their state


class RecordedStep:
    """A function without arguments or result: it changes tensors in place."""

    def __init__(self, function: Callable[[], None], generator: torch.Generator) -> None:
        """Prepare.

        Args:
            function: what is run. On a card it must neither look at values nor copy from or to the
                host, and numbers that vary must be tensors that live there.
            generator: the only source of its randomness; its device is where it runs.
        """
        self._function, self._generator, self._runs = function, generator, 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Run, or replay."""
        self._runs += 1
        if self._generator.device.type != "cuda":
            self._function()
        elif self._runs <= _WARM:
            self._warm_up()
        else:
            self._graph = self._graph or self._recorded()
            self._graph.replay()

    def _warm_up(self) -> None:
        """Run beside the main stream, as what is to be recorded must."""
        device = self._generator.device
        main = torch.cuda.current_stream(device)
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(main)
        with torch.cuda.stream(side), _tuned():
            self._function()
        main.wait_stream(side)

    def _recorded(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        with torch.cuda.device(self._generator.device), torch.cuda.graph(graph), _tuned():
            self._function()
        return graph


@contextmanager
def _tuned() -> Iterator[None]:
    """Let cuDNN try its kernels and take the fastest: shapes stay the same for many steps."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
