"""Teaches the networks of a prior one after the other: motion of all kinds, then blades that turn.

One set of weights serves steps of any size, so that steps of 2 to 5 are taught together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.events import Listener, Progress, Taught, ignore
from deeptsr.learning.descent import damaged_told
from deeptsr.learning.pretraining.classifying import Classifying
from deeptsr.learning.pretraining.course import Course, Damage
from deeptsr.learning.pretraining.restoring import Restoring
from deeptsr.learning.pretraining.variants import VARIANTS, Variant
from deeptsr.learning.prior import CLASSIFIER, Prior, State

__all__ = ["pretrain", "still_to_teach"]


def pretrain(
    network: NetworkSettings,
    settings: PretrainSettings,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    precision: torch.dtype = torch.float32,
    pictures: Sequence[Tensor] = (),
    damage: Damage | None = None,
    variants: Sequence[Variant] = VARIANTS,
    start: Prior | None = None,
    on_event: Listener = ignore,
    begun: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda state: None,
) -> Prior:
    """Teach a prior.

    Args:
        network: one that serves steps of any size.
        settings: how long, on what.
        seed: of all that is drawn.
        device: that does the work; None: the CPU.
        precision: of the convolutions.
        pictures: (3, side, side) each, in [0, 1], shown as surfaces beside those that are drawn.
        damage: spoils LTR crops (N, C, T, H, W), in the settings' share of the steps.
        variants: that are taught, in this order.
        start: a prior that is taught on, whose other variants are kept; of another network, of
            which nothing is kept, what both have in common is taken over
            (:func:`deeptsr.networks.taken_over`). None: nothing is known.
        on_event: listener: progress, and the gain on clips that are never taught.
        begun: what an earlier run kept; it goes on from there, to another number of steps if that
            is asked for now.
        keep: told a state from which a later run can go on, at each check.
    """
    done: dict[str, State] = dict(begun["done"]) if begun else {}
    plans: list[int] = list(begun.get("plans", ())) if begun else []
    if plans[-1:] != [settings.steps]:
        plans.append(settings.steps)
    known = start.variants if start else {}
    total = sum(round(v.share * settings.steps) for v in variants)
    before = 0
    for variant in variants:
        steps = round(variant.share * settings.steps)
        if variant.name not in done:
            common: dict[str, Any] = {
                "seed": seed,
                "device": device or torch.device("cpu"),
                "precision": precision,
                "pictures": pictures,
                "damage": damage,
            }
            course: Course[Any] = (
                Classifying(settings, variant, steps, **common)
                if variant.expert == CLASSIFIER
                else Restoring(network, settings, variant, steps, **common)
            )
            others = {**known, **done}
            first = known.get(variant.name) or others.get(variant.start or "")
            if first:
                course.start_from(first)
            if begun and begun.get("variant") == variant.name:
                with damaged_told():
                    course.load(begun["state"])

            def on_step(step: int, before: int = before, name: str = variant.name) -> None:
                share = (before + step) / total
                on_event(Progress(share, "fit", f"{name}: step {before + step} of {total}"))

            def on_check(gains: dict[str, float], course: Course[Any] = course) -> None:
                on_event(Taught(course.variant.name, course.step, **gains))
                now = {"variant": course.variant.name, "state": course.state()}
                keep({"done": done, "plans": plans, **now})

            course.run(on_step, on_check)
            done[variant.name] = {
                name: value.detach().cpu() for name, value in course.average.state_dict().items()
            }
        before += steps
    origin = {
        "clips": "rendered" + (" and pictures" if pictures else ""),
        "settings": str(replace(settings, rate=settings.peak)),
        "seed": str(seed),
        "torch": torch.__version__,
    }
    if len(plans) > 1:
        origin["planned steps"] = ", then ".join(map(str, plans))
    if start:
        origin["taught on from"] = start.digest or "a prior that is in no file"
    kept = known if start and start.network == network else {}
    return Prior(network, {**kept, **done}, origin)


def still_to_teach(begun: dict[str, Any], variants: Sequence[Variant]) -> tuple[float, int]:
    """What an interrupted :func:`pretrain` has left.

    Args:
        begun: what it kept.
        variants: that are taught.

    Returns:
        The shares of the settings' steps of the networks that are not done, together; and the steps
        that one of these has made.
    """
    shares = sum(v.share for v in variants if v.name not in begun["done"])
    return shares, int(begun["state"]["step"])
