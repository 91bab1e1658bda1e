"""Keeps what a stage's fits made so far, so that a later run takes it over."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import astuple
from typing import Any, Literal, Protocol

import torch

from deeptsr.events import StageFitted
from deeptsr.learning.fit import FitResult, FitState
from deeptsr.networks import StepNetwork

__all__ = ["Checkpoints", "Choice", "StageKeeper", "fits", "is_curve"]

_INTERVAL = 20.0  # seconds between two checkpoints within a fit
_LARGEST = 2**63  # of steps, and of dB

Choice = Literal["time", "size"]  # that a time has room for; at which the climb begins


class Checkpoints(Protocol):
    """Where fitted stages are kept."""

    def restore(self, number: int, network: StepNetwork) -> StageFitted | None:
        """Load a stage's weights into ``network``; None when they are not there."""

    def save(self, number: int, network: StepNetwork | None, event: StageFitted) -> None:
        """Keep a stage."""

    def load_partial(self, part: int | Choice) -> dict[str, Any] | None:
        """What :meth:`save_partial` kept; None when there is nothing."""

    def save_partial(self, part: int | Choice, state: dict[str, Any]) -> None:
        """Keep what is made of a stage so far, or what was chosen before the first one."""


def fits(network: StepNetwork, weights: object) -> bool:
    """Whether a network can take weights over: the same names, shapes and kinds of numbers."""
    own = network.state_dict()
    return (
        isinstance(weights, dict)
        and weights.keys() == own.keys()
        and all(_alike(weights[name], tensor) for name, tensor in own.items())
    )


def _alike(value: object, wanted: torch.Tensor) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and value.dtype == wanted.dtype
        and value.shape == wanted.shape
        and (not value.is_floating_point() or bool(value.isfinite().all()))
    )


class _Counts(Protocol):
    """What a stage counts over all its fits."""

    steps_made: int
    curve: list[tuple[str, int, float]]  # of the validations


class StageKeeper:
    """Keeps the fits that a stage is made of: the finished ones, and the state of the last."""

    def __init__(self, fitter: _Counts, number: int, checkpoints: Checkpoints) -> None:
        self._fitter, self._number, self._checkpoints = fitter, number, checkpoints
        begun = checkpoints.load_partial(number) or {}
        finished, curve = begun.get("finished"), begun.get("curve")
        self._finished: list[dict[str, Any]] = finished if isinstance(finished, list) else []
        self._state: FitState | None = begun.get("state")
        self._curve = _points(curve) or []
        if _points(curve) is None:
            self._finished, self._state = [], None
        self._given, self._time = 0, time.monotonic()

    def next(self, network: StepNetwork, generator: torch.Generator) -> FitResult | None:
        """Take the next fit over from an earlier run; None when that did not finish it."""
        if self._given == len(self._finished):
            return None
        record = self._finished[self._given]
        if not _is_finished(record, network, generator):
            del self._finished[self._given :]  # damaged: it is fitted again, and what came after it
            self._state = None
            return None
        self._given += 1
        network.load_state_dict(record["weights"])
        network.eval()
        generator.set_state(record["random"])
        self._fitter.curve[:], self._fitter.steps_made = record["curve"], record["made"]
        return FitResult(*record["result"])

    def load(self, network: StepNetwork, generator: torch.Generator) -> FitState | None:
        """The state of the fit that an earlier run was at; None when it is not whole."""
        state, self._state = self._state, None
        if state is None or not _is_state(state, network, generator):
            return None
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


def is_curve(curve: object) -> bool:
    """Whether this is the course of a stage's validations: the fit, its step, a finite score."""
    points = _points(curve)
    return points is not None and all(
        abs(step) < _LARGEST and abs(score) < _LARGEST for _, step, score in points
    )


def _points(curve: object) -> list[tuple[str, int, float]] | None:
    """The points of a curve; None where it is none."""
    if not isinstance(curve, (list, tuple)):
        return None
    whole = all(
        isinstance(point, (list, tuple))
        and [type(part) for part in point] in ([str, int, float], [str, int, int])
        for point in curve
    )
    return list(curve) if whole else None


def _is_finished(record: Any, network: StepNetwork, generator: torch.Generator) -> bool:
    """Whether what was kept of a finished fit is of this network."""
    try:
        steps, score, improved = record["result"]
        return (
            fits(network, record["weights"])
            and _alike(record["random"], generator.get_state())
            and _points(record["curve"]) is not None
            and type(record["made"]) is type(steps) is int
            and isinstance(score, (int, float))
            and isinstance(improved, bool)
        )
    except (LookupError, TypeError, ValueError):
        return False


def _is_state(state: Any, network: StepNetwork, generator: torch.Generator) -> bool:
    """Whether what was kept of an unfinished fit is of this network."""
    parameters = list(network.parameters())
    try:
        score, top, improved, stale, step = state["counts"]
        moments, (group,) = state["optimizer"]["state"], state["optimizer"]["param_groups"]
        return (
            all(fits(network, state[name]) for name in ("network", "average", "kept"))
            and _alike(state["random"], generator.get_state())
            and isinstance(score, (int, float))
            and isinstance(top, (int, float))
            and isinstance(improved, bool)
            and type(stale) is type(step) is int
            and group["params"] == list(range(len(parameters)))
            and moments.keys() <= set(group["params"])
            and all(
                tensor.ndim == 0 or tensor.shape == parameters[number].shape
                for number, held in moments.items()
                for tensor in held.values()
            )
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
