"""Cuts a run to a time: what is missed least goes first.

In this order: the ensemble, the steps of later stages, those of the first, the size at which the
climb begins, then the preset. A
preset's steps are cut to a quarter at most before the next smaller preset is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from deeptsr.config import PRESETS, Settings
from deeptsr.learning.recipe import first_steps

__all__ = ["below", "choose", "least_of", "rebased"]

_LADDER = ("quality", "balanced", "fast")  # from much work to little
_LEAST = 0.25  # of a preset's steps, before a smaller preset does better
_LEAST_STEPS = 20  # of a fit from nothing, in the least plan of all


def rebased(options: Settings, name: str) -> Settings:
    """Take another preset, and keep what the options have changed of their own.

    Args:
        options: all settings.
        name: of the other preset.
    """
    changed: Settings = _rebased(options, PRESETS[options.preset], PRESETS[name])
    return replace(changed, preset=name)


def _rebased(now: Any, before: Any, other: Any) -> Any:
    if is_dataclass(now) and not isinstance(now, type):
        values = {
            f.name: _rebased(*(getattr(each, f.name) for each in (now, before, other)))
            for f in fields(now)
        }
        return replace(now, **values)
    return other if now == before else now


def choose(
    options: Settings, seconds: float, forecast: Callable[[Settings], Callable[[Settings], float]]
) -> tuple[Settings, bool]:
    """Find the settings that do most in a time.

    Args:
        options: what is wanted at most.
        seconds: that the run may take.
        forecast: called with a preset's settings, returns what tells the seconds of a run of these
            with some steps or the ensemble left out.

    Returns:
        The settings, and whether they fit: where nothing does, the least that there is.
    """
    names = below(options.preset)
    chosen = options
    for name in names:
        full = rebased(options, name)
        last = name == names[-1]
        takes = forecast(full)

        def fits(candidate: Settings, takes: Callable[[Settings], float] = takes) -> bool:
            return takes(candidate) <= seconds

        if fits(full):
            return full, True
        first = first_steps(full)
        cuts = [("finetune_steps", 0), (first, _LEAST_STEPS if first == "steps" else 0)]
        for largest in dict.fromkeys((full.pyramid.largest, None)):
            chosen = _without_ensemble(full, largest)
            for field, least in cuts:
                most = getattr(full.fit, field)
                floor = min(most, least if last else _quarter(most))
                chosen, done = _most(chosen, field, floor, most, fits)
                if done:
                    return chosen, True
    return chosen, False


def below(preset: str) -> tuple[str, ...]:
    """A preset and those that take less work, in order."""
    return _LADDER[_LADDER.index(preset) :] if preset in _LADDER else (preset,)


def least_of(options: Settings) -> Settings:
    """What is left of a preset before a smaller one is taken."""
    cut: dict[str, Any] = {
        name: _quarter(getattr(options.fit, name))
        for name in ("finetune_steps", first_steps(options))
    }
    settings = replace(options.fit, **cut)
    return _without_ensemble(replace(options, fit=settings), None)


def _quarter(steps: int) -> int:
    return round(_LEAST * steps)


def _without_ensemble(options: Settings, largest: int | None) -> Settings:
    return replace(options, pyramid=replace(options.pyramid, ensemble=False, largest=largest))


def _most(
    options: Settings, field: str, least: int, most: int, fits: Callable[[Settings], bool]
) -> tuple[Settings, bool]:
    """The largest number of steps that fits, or the least number."""

    def with_steps(count: int) -> Settings:
        changes: dict[str, Any] = {field: count}
        return replace(options, fit=replace(options.fit, **changes))

    if not fits(with_steps(least)):
        return with_steps(least), False
    low, high = least, most + 1  # low fits, high is not asked for
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(with_steps(middle)) else (low, middle)
    return with_steps(low), True
