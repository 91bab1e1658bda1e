"""Teaches a prior, and writes it."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.errors import OptionError
from deeptsr.events import Listener, Pretrained, Progress, Warned, ignore
from deeptsr.jobs.pretrain.pace import LEAST, Begun, affordable
from deeptsr.jobs.pretrain.shown import Damage, pictures_of
from deeptsr.learning.pretraining import VARIANTS, Variant, pretrain
from deeptsr.learning.prior import Prior
from deeptsr.learning.space.pretrain import SETTINGS, SPACE, pretrain_space
from deeptsr.learning.space.step import is_whole
from deeptsr.networks import build_teachable
from deeptsr.system import devices
from deeptsr.system.files import check_file, hidden_beside, write_whole
from deeptsr.system.humanize import duration
from deeptsr.system.lock import alone

__all__ = ["pretrain_file"]

_GROWN_FROM = "compact"  # the network that others can start from, too


def pretrain_file(
    output: str | Path,
    network: NetworkSettings | None = None,
    settings: PretrainSettings | None = None,
    *,
    space: bool = False,
    images: str | Path | None = None,
    start: str | Path | None = None,
    only: Collection[str] = (),
    seed: int = 0,
    device: str = "auto",
    time_budget: float | None = None,
    overwrite: bool = False,
    resume: bool = True,
    on_event: Listener = ignore,
) -> Pretrained:
    """Teach a prior on clips that are rendered, for ``Options.prior`` or ``Options.space_prior``.

    What was taught is kept beside the output every so often; the same call goes on from there. It
    may ask for another number of steps, or another time, at whose rates it goes on.

    Args:
        output: a safetensors file. It appears under its name only when it is whole.
        network: one that serves steps of any size, or of the kind "space"; by default that of the
            presets.
        settings: how long, on what; by default what suits the network.
        space: whether it finds detail in space, not frames in time.
        images: a folder of pictures that are shown as surfaces, beside those that are drawn.
        start: a prior that is taught on, of the same network or of a compact one; by default
            nothing is known.
        only: names of the prior's networks that are taught, such as "any/full-1"; none: all.
        seed: of all that is drawn, 0 or more.
        device: "auto", "cpu", "cuda" or "cuda:N".
        time_budget: seconds that it may take, what earlier calls took included, instead of the
            settings' steps.
        overwrite: whether an output that exists is replaced.
        resume: whether to go on from what an earlier call kept.
        on_event: listener.

    Raises:
        OptionError: when a setting, the prior to start from or the output cannot be met.
        InputError: when there are no pictures in the folder.
    """
    began = time.monotonic()
    output, network = Path(output), network or (SPACE if space else NetworkSettings())
    settings = settings or (SETTINGS if space else PretrainSettings())
    check_file(output, overwrite)
    if not space:
        with torch.device("meta"):  # refused at once, if it cannot be taught
            build_teachable(network, 2)
    elif network.kind != SPACE.kind:
        raise OptionError(
            f"network is {network.kind!r}; expected {SPACE.kind!r}: no other finds detail"
        )
    if settings.steps < 1 or seed < 0:
        raise OptionError(
            f"steps and seed are {settings.steps} and {seed}; expected 1 or more, and 0 or more"
        )
    _check_shares(settings, space)
    known = Prior.load(start) if start is not None else None
    if known and not _can_start(known.network, network):
        raise OptionError(
            f"prior to start from is of {known.network}; expected {network}, or a compact network "
            "of as many channels and blocks; choose another file"
        )
    if known and space and not is_whole(known):
        raise OptionError(
            f"prior to start from is {start}, whose weights are not of its network: the file is "
            "damaged; choose another file"
        )
    variants = _variants(only, space)
    place = devices.choose(device)
    # On a CPU what finds detail is taught faster in float32 (measured: 0.28 s a step for 0.47).
    precision = torch.float32 if space and place.type == "cpu" else devices.precision(place)
    pictures = pictures_of(Path(images), tiled=space) if images is not None else ()
    common: dict[str, Any] = {
        "seed": seed,
        "device": place,
        "precision": precision,
        "pictures": pictures,
        "start": known,
    }
    if not space:
        common |= {"damage": Damage(seed) if settings.damaged else None, "variants": variants}
    kept = hidden_beside(output, ".begun.pt")
    # It can be taught longer, or shorter, than it was begun.
    settled = asdict(replace(settings, steps=1, pool=1))
    digest = known.digest if known else ""
    taught = [variant.name for variant in variants]
    who = json.dumps([asdict(network), settled, seed, len(pictures), digest, taught])
    begun = Begun.load(kept, who, on_event) if resume else Begun(who)
    measure = partial(affordable, network, settings, common=common)
    settings = begun.planned(settings, time_budget, measure, variants)
    if time_budget is not None and settings.steps == LEAST:
        on_event(
            Warned(
                f"the time budget of {duration(time_budget)} has room for no more than {LEAST} "
                "steps, the least that is taught, and may not suffice for them; expected minutes, "
                "or hours"
            )
        )
    on_event(Progress(0.0, "fit", f"{settings.steps} steps for the first network"))

    def keep(state: dict[str, Any]) -> None:
        spent = begun.seconds + time.monotonic() - began
        Begun(who, state, spent, time_budget, settings.steps, settings.pool).save(kept)

    teach = pretrain_space if space else pretrain
    with alone([output], on_event):
        prior = teach(network, settings, **common, on_event=on_event, begun=begun.state, keep=keep)
        content = prior.bytes()
        write_whole(output, lambda path: path.write_bytes(content), replace=overwrite)
        kept.unlink(missing_ok=True)
    told = Pretrained(str(output), len(content), time.monotonic() - began, space)
    on_event(told)
    return told


def _variants(only: Collection[str], space: bool) -> tuple[Variant, ...]:
    """Those that are taught, in their order."""
    names = [variant.name for variant in VARIANTS]
    if space and only:
        raise OptionError("only is set with space; expected none: there is one network for detail")
    if not set(only) <= set(names):
        raise OptionError(f"only is {', '.join(only)}; expected some of {', '.join(names)}")
    return tuple(v for v in VARIANTS if not only or v.name in only)


def _can_start(known: NetworkSettings, network: NetworkSettings) -> bool:
    """Whether a network has all that it needs, or all but a block, of one that is known."""
    grown = network.kind != SPACE.kind and known == replace(network, kind=_GROWN_FROM)
    return known == network or grown


def _check_shares(settings: PretrainSettings, space: bool) -> None:
    for name in ("still", "hidden", "damaged"):
        share = getattr(settings, name)
        if not 0 <= share <= 1 or (name == "still" and share == 1):
            raise OptionError(f"{name} is {share}; expected a share between 0 and 1")
    if space and (settings.still or settings.damaged):
        raise OptionError(
            f"still and damaged are {settings.still} and {settings.damaged}; expected 0 and 0: "
            "what finds detail is taught without"
        )
