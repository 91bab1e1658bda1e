"""How many steps a time has room for, and what an earlier call of the same teaching left."""

from __future__ import annotations

import pickle
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.events import Listener, Warned
from deeptsr.learning.pretraining import Variant, pretrain, still_to_teach
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.space.pretrain import pretrain_space
from deeptsr.system.files import as_full, unwritable, whole

__all__ = ["LEAST", "Begun", "affordable"]

LEAST = 40  # steps, however short the time
_MEASURED = 4  # steps that tell how long one takes, after as many that warm up
_CLIPS = 0.15  # share of the time that the clips take that are there from the start, at most
_FEWEST = 8  # of these, of each kind


@dataclass(frozen=True)
class Begun:
    """What is kept beside an output while it is made.

    Attributes:
        who: what is taught, on what: another call goes on from here where that is the same. How
            long is not part of it.
        state: of the teaching; None: it has not begun.
        seconds: that were taken for it.
        budget: in seconds, that it was begun with; None: with a number of steps.
        steps: of the first network, as planned.
        pool: clips that were there from the start.
    """

    who: str
    state: dict[str, Any] | None = None
    seconds: float = 0.0
    budget: float | None = None
    steps: int = 0
    pool: int = 0

    @classmethod
    def load(cls, path: Path, who: str, on_event: Listener) -> Begun:
        """Read what an earlier call kept; of another prior nothing is taken, and that is told."""
        try:
            if path.exists() and not path.is_file():
                raise ValueError("it is no file")
            found = cls(**torch.load(path, weights_only=True, map_location="cpu"))
            if found.who == who and isinstance(found.state, dict) and _is_plan(found):
                return found
        except FileNotFoundError:
            return cls(who)
        except (
            *(OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError),
            *(pickle.UnpicklingError, AssertionError, OverflowError, struct.error),
        ):
            pass
        on_event(Warned(f"{path} is of another prior, which is begun anew"))
        return cls(who)

    def save(self, path: Path) -> None:
        """Write it.

        Raises:
            OutputError: when it cannot be written.
            ResourceError: when the disk is full.
        """
        try:
            with whole(path) as aside:
                torch.save(vars(self), aside)
        except (OSError, RuntimeError) as error:
            raise unwritable(path, as_full(error)) from error

    def planned(
        self,
        settings: PretrainSettings,
        budget: float | None,
        measure: Callable[[float], PretrainSettings],
        variants: Sequence[Variant],
    ) -> PretrainSettings:
        """The settings of this call, with as many steps as it is to come to.

        Args:
            settings: that are asked for.
            budget: seconds for all of it, earlier calls included; None: the settings' steps.
            measure: the settings that a time has room for, from the beginning.
            variants: that are taught, where these are networks of a climb.

        With the budget that it was begun with it goes on as it was planned. With another one it
        takes as many more steps as the rest of that has room for.
        """
        if budget is None:
            return settings
        if self.state is None:
            return measure(budget)
        if budget == self.budget:
            return replace(settings, steps=self.steps, pool=self.pool)
        more = measure(max(0.0, budget - self.seconds))
        if "done" in self.state:
            shares, made = still_to_teach(self.state, variants)
            all_shares = sum(v.share for v in variants)
        else:  # of what finds detail, which is one network
            shares, made, all_shares = 1.0, int(self.state["counts"][0]), 1.0
        # What is left of the networks that are not done yet takes those steps together.
        steps = (more.steps * all_shares + made) / shares if shares else self.steps
        if self.budget is not None and budget < self.budget:
            steps = min(steps, self.steps)  # a few are made in any case
        return replace(more, steps=max(1, round(steps)))


def affordable(
    network: NetworkSettings, settings: PretrainSettings, seconds: float, common: dict[str, Any]
) -> PretrainSettings:
    """The settings with the steps, and with the clips from the start, that a time has room for.

    The steps are those of the first network, all others taught as well.

    Args:
        network: that is taught.
        settings: how.
        seconds: for all of it.
        common: further arguments of the teaching.
    """
    few = replace(settings, steps=2 * _MEASURED, pool=4, check=10**9)
    began = time.monotonic()
    for seed in range(_MEASURED):
        render(seed, ("leaves", "rotor")[seed % 2])
    clip = (time.monotonic() - began) / _MEASURED
    clock: list[float] = []
    listen: Callable[[object], None] = lambda event: clock.append(time.monotonic())  # noqa: E731
    shares, pools = 1.0, 1
    if network.kind == "space":
        pretrain_space(network, few, **common, on_event=listen)
    else:
        variants = common["variants"]
        pretrain(network, few, **{**common, "variants": variants[:1]}, on_event=listen)
        shares = sum(variant.share for variant in variants)
        pools = sum((variant.rotors < 1) + (variant.rotors > 0) for variant in variants)
    pool = max(_FEWEST, min(settings.pool, round(_CLIPS * seconds / (pools * clip))))
    step = (clock[2 * _MEASURED - 1] - clock[_MEASURED - 1]) / _MEASURED
    left = 0.9 * seconds - pools * pool * clip
    return replace(settings, steps=max(LEAST, round(left / (step * shares))), pool=pool)


def _is_plan(begun: Begun) -> bool:
    counts = all(isinstance(n, int) and n >= 1 for n in (begun.steps, begun.pool))
    budget = begun.budget is None or isinstance(begun.budget, (int, float))
    state = begun.state or {}
    climb = all(isinstance(state.get(name), dict) for name in ("done", "state"))
    known = climb or "counts" in state  # the latter of what finds detail
    return known and counts and budget and isinstance(begun.seconds, (int, float))
