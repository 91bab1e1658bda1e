"""Keeps what a stage's fits made so far, so that a later run takes it over."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import astuple
from typing import Any, Protocol

import torch

from deeptsr.events import StageFitted
from deeptsr.learning.fit import FitResult, FitState
from deeptsr.networks import StepNetwork

__all__ = ["Checkpoints", "StageKeeper"]

_INTERVAL = 20.0  # seconds between two checkpoints within a fit


class Checkpoints(Protocol):
    """Where fitted stages are kept."""

    def restore(self, number: int, network: StepNetwork) -> StageFitted | None:
        """Load a stage's weights into ``network``; None when they are not there."""

    def save(self, number: int, network: StepNetwork | None, event: StageFitted) -> None:
        """Keep a stage."""

    def load_partial(self, number: int) -> dict[str, Any] | None:
        """What :meth:`save_partial` kept of an unfinished stage; None when there is nothing."""

    def save_partial(self, number: int, state: dict[str, Any]) -> None:
        """Keep what is made of a stage so far."""


class _Counts(Protocol):
    """What a stage counts over all its fits."""

    steps_made: int
    curve: list[tuple[str, int, float]]  # of the validations


class StageKeeper:
    """Keeps the fits that a stage is made of: the finished ones, and the state of the last."""

    def __init__(self, fitter: _Counts, number: int, checkpoints: Checkpoints) -> None:
        self._fitter, self._number, self._checkpoints = fitter, number, checkpoints
        partial = checkpoints.load_partial(number) or {"finished": [], "state": None, "curve": ()}
        self._finished: list[dict[str, Any]] = partial["finished"]
        self._state: FitState | None = partial["state"]
        self._curve: list[tuple[str, int, float]] = partial["curve"]
        self._given, self._time = 0, time.monotonic()

    def next(self, network: StepNetwork, generator: torch.Generator) -> FitResult | None:
        """Take the next fit over from an earlier run; None when that did not finish it."""
        if self._given == len(self._finished):
            return None
        record = self._finished[self._given]
        self._given += 1
        network.load_state_dict(record["weights"])
        network.eval()
        generator.set_state(record["random"])
        self._fitter.curve[:], self._fitter.steps_made = record["curve"], record["made"]
        return FitResult(*record["result"])

    def load(self) -> FitState | None:
        """The state of the fit that an earlier run was at."""
        state, self._state = self._state, None
        if state is not None:
            self._fitter.curve[:] = self._curve
        return state

    def offer(self, state: Callable[[], FitState], *, now: bool = False) -> None:
        """Keep the state of the fit that is going on, every so often."""
        if now or time.monotonic() - self._time > _INTERVAL:
            self._keep(state())

    def finish(self, network: StepNetwork, generator: torch.Generator, result: FitResult) -> None:
        """Keep a fit that is finished."""
        self._finished.append(
            {
                "weights": copy.deepcopy(network.state_dict()),
                "random": generator.get_state(),
                "result": astuple(result),
                "curve": list(self._fitter.curve),
                "made": self._fitter.steps_made,
            }
        )
        self._given += 1
        self._keep(None)

    def _keep(self, state: FitState | None) -> None:
        partial = {"finished": self._finished, "state": state, "curve": list(self._fitter.curve)}
        self._checkpoints.save_partial(self._number, partial)
        self._time = time.monotonic()
