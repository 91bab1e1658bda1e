"""Fits a run into a time: measures this machine, cuts what is missed least, watches the clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deeptsr.config import Options, Settings
from deeptsr.errors import OptionError
from deeptsr.events import Budgeted, Listener, Warned, ignore
from deeptsr.jobs.resources.cutbacks import below, choose, least_of, rebased
from deeptsr.jobs.resources.forecast import Forecast, Speeds, Task, measure, operations_of_step
from deeptsr.jobs.resources.stopwatch import Watch
from deeptsr.learning.checkpoints import Checkpoints
from deeptsr.learning.recipe import steps_of_stage
from deeptsr.system.humanize import duration

__all__ = ["Task", "Watch", "within"]

_CUT = ("steps", "adapt_steps", "finetune_steps")
_CUT_PYRAMID = ("ensemble", "largest")
_AIM = 0.95  # of the time: what starting and finishing take is not measured


def within(
    task: Task,
    options: Settings,
    excerpt: int,
    began: float,
    on_event: Listener = ignore,
    checkpoints: Checkpoints | None = None,
) -> tuple[Settings, Watch]:
    """Choose the settings that ``options.time_budget`` has room for.

    Args:
        task: see there.
        options: what is wanted at most, with a time budget.
        excerpt: frames that fitting will look at.
        began: when the run began, on the monotonic clock.
        on_event: told what was chosen.
        checkpoints: where the choice is kept, so that a run that goes on goes on with it.

    Returns:
        The settings, and what watches the clock while the run goes on.
    """
    budget = options.time_budget or math.inf
    seconds = _AIM * budget - (time.monotonic() - began)
    bench = Bench(task, options, excerpt, seconds)
    kept = checkpoints.load_partial("time") if checkpoints is not None else None
    before = _restored(options, kept) if kept else None
    if before is not None:
        chosen, fits = before, True
    else:
        chosen, fits = choose(
            options,
            _AIM * budget,
            lambda full: _beside(bench(full), began),
        )
    if checkpoints is not None:
        checkpoints.save_partial("time", _kept(chosen))
    forecast = bench(chosen)
    fit, climb = forecast.fit(chosen), forecast.climb(chosen)
    passed = time.monotonic() - began
    stages = len(fit)
    on_event(
        Budgeted(
            budget,
            passed + sum(fit) + climb,
            chosen.preset,
            tuple(steps_of_stage(chosen, number) for number in range(stages)),
            chosen.pyramid.ensemble,
        )
    )
    if not fits:
        needed = duration(passed + sum(fit) + climb)
        on_event(
            Warned(
                f"the time budget of {duration(budget)} is too short: the least that can be done "
                f"takes about {needed}, and is done; expected that much time, or a smaller "
                "`factor`, or a shorter stretch (`start`, `end`)"
            )
        )
    return chosen, Watch(began, budget, fit, climb)


def _beside(forecast: Forecast, began: float) -> Callable[[Options], float]:
    """Count the time that has passed already, too."""
    return lambda options: forecast.total(options) + time.monotonic() - began


def _kept(options: Options) -> dict[str, Any]:
    chosen: dict[str, Any] = {name: getattr(options.fit, name) for name in _CUT}
    pyramid = {name: getattr(options.pyramid, name) for name in _CUT_PYRAMID}
    return {**chosen, **pyramid, "preset": options.preset}


def _restored(options: Settings, kept: dict[str, Any]) -> Settings | None:
    """The choice that an earlier run kept; None where that is damaged."""
    try:
        full = rebased(options, kept["preset"])
        return replace(
            full,
            fit=replace(full.fit, **{name: kept[name] for name in _CUT}),
            pyramid=replace(full.pyramid, **{name: kept[name] for name in _CUT_PYRAMID}),
        )
    except (LookupError, TypeError, OptionError):
        return None


class Bench:
    """Tells how long runs of any preset take here; measures only what may be of use.

    Args:
        task: see there.
        options: all settings.
        excerpt: frames that fitting will look at.
        seconds: that a run may take.
    """

    def __init__(self, task: Task, options: Options, excerpt: int, seconds: float) -> None:
        self._task, self._excerpt, self._seconds = task, excerpt, seconds
        self._least = rebased(options, below(options.preset)[-1])
        self._known: dict[str, Speeds] = {}

    def __call__(self, options: Options) -> Forecast:
        """Forecast runs of a preset's settings."""
        if self._least.preset not in self._known and options.preset != self._least.preset:
            self._measure(self._least)
        if options.preset not in self._known:
            guess = Forecast(self._task, options, self._guess(options), self._excerpt)
            if guess.total(least_of(options)) > 2 * self._seconds:
                return guess  # far beyond the time, however wrong: not worth a measurement
            self._measure(options)
        return Forecast(self._task, options, self._known[options.preset], self._excerpt)

    def _measure(self, options: Options) -> None:
        self._known[options.preset] = measure(self._task, options, self._excerpt)

    def _guess(self, options: Options) -> Speeds:
        """From the speeds of the least preset; none of its own measured yet: no time at all."""
        known = self._known.get(self._least.preset)
        if known is None:
            return Speeds(0.0, math.inf, 0.0)
        works = [operations_of_step(self._task, each) for each in (options, self._least)]
        return replace(known, step=known.step * works[0] / works[1])
