"""Teaches a prior, and writes it."""

from __future__ import annotations

import json
import pickle
import struct
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.errors import InputError, OptionError
from deeptsr.events import Listener, Pretrained, Progress, Warned, ignore
from deeptsr.learning.pretraining import VARIANTS, Variant, pretrain
from deeptsr.learning.prior import Prior
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.space.pretrain import SETTINGS, SPACE, pretrain_space
from deeptsr.networks import build_teachable
from deeptsr.system import devices
from deeptsr.system.files import as_full, check_file, hidden_beside, unwritable, whole, write_whole
from deeptsr.system.lock import alone
from deeptsr.video import compressed
from deeptsr.video.reading.pillow import BROKEN, opened_image

__all__ = ["pretrain_file"]

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM")  # of pictures
_SIDE = 96  # pixels of a surface
_LEAST = 40  # steps
_GROWN_FROM = "compact"  # the network that others can start from, too
_MEASURED = 4  # steps that tell how long one takes, after as many that warm up
_CLIPS = 0.15  # share of the time that the clips take that are there from the start, at most
_FEWEST = 8  # of these, of each kind
_NOISE = 8 / 255  # standard deviation of a sensor's noise, at most
_CRF = (18, 32)  # of H.264, between


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

    What was taught is kept beside the output every so often; the same call goes on from there. For
    space it may ask for another number of steps, at whose rates it goes on.

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
        time_budget: seconds that it may take, instead of the settings' steps.
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
    if space and start is not None:
        raise OptionError(f"prior to start from is {start}; expected none: detail is taught anew")
    known = Prior.load(start) if start is not None else None
    if known and not _can_start(known.network, network):
        raise OptionError(
            f"prior to start from is of {known.network}; expected {network}, or a compact network "
            "of as many channels and blocks; choose another file"
        )
    variants = _variants(only, space)
    place = devices.choose(device)
    # On a CPU what finds detail is taught faster in float32 (measured: 0.28 s a step for 0.47).
    precision = torch.float32 if space and place.type == "cpu" else devices.precision(place)
    pictures = _pictures(Path(images), tiled=space) if images is not None else ()
    common: dict[str, Any] = {
        "seed": seed,
        "device": place,
        "precision": precision,
        "pictures": pictures,
    }
    if not space:
        common |= {"damage": _Damage(seed) if settings.damaged else None, "start": known}
        common |= {"variants": variants}
    if time_budget is not None:
        settings = _affordable(network, settings, time_budget, common)
    on_event(Progress(0.0, "fit", f"{settings.steps} steps for the first network"))
    kept = hidden_beside(output, ".begun.pt")
    digest = known.digest if known else ""
    # What finds detail can be taught longer, or shorter, than it was begun.
    settled = asdict(replace(settings, steps=1) if space else settings)
    taught = [variant.name for variant in variants]
    who = json.dumps([asdict(network), settled, seed, len(pictures), digest, taught])
    begun = _begun(kept, who, on_event) if resume else None

    def keep(state: dict[str, Any]) -> None:
        try:
            with whole(kept) as aside:
                torch.save({"who": who, "state": state}, aside)
        except (OSError, RuntimeError) as error:
            raise unwritable(kept, as_full(error)) from error

    teach = pretrain_space if space else pretrain
    with alone([output], on_event):
        prior = teach(network, settings, **common, on_event=on_event, begun=begun, keep=keep)
        content = prior.bytes()
        write_whole(output, lambda path: path.write_bytes(content), replace=overwrite)
        kept.unlink(missing_ok=True)
    told = Pretrained(str(output), len(content), time.monotonic() - began, space)
    on_event(told)
    return told


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


class _Damage:
    """What a sensor or a codec makes of crops: noise, or H.264, each half of the time."""

    def __init__(self, seed: int) -> None:
        self._dice = np.random.default_rng(seed)

    def __call__(self, ltr: Tensor) -> Tensor:
        """Spoil crops (N, C, T, H, W) in [0, 1]."""
        if self._dice.random() < 0.5:
            noise = torch.from_numpy(self._dice.standard_normal(ltr.shape, np.float32))
            return (ltr + self._dice.uniform(0, _NOISE) * noise.to(ltr.device)).clamp(0, 1)
        count, colours, frames, height, width = ltr.shape
        # All crops beside each other are one film: a codec takes longer to start than to work.
        film = ltr.permute(2, 3, 0, 4, 1).reshape(frames, height, count * width, colours)
        whole = (film * 255).round().clamp(0, 255).byte().cpu().numpy()
        even = np.pad(whole, ((0, 0), (0, height % 2), (0, count * width % 2), (0, 0)), "edge")
        coded = compressed(even, int(self._dice.integers(*_CRF)))[:, :height, : count * width]
        crops = torch.from_numpy(coded).to(ltr) / 255
        return crops.view(frames, height, count, width, colours).permute(2, 4, 0, 1, 3)


def _pictures(folder: Path, *, tiled: bool) -> tuple[Tensor, ...]:
    """All pictures of a folder as surfaces: the middle of each, or tiles of it."""
    surfaces: list[Tensor] = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        try:
            if not path.is_file():  # a pipe would be waited for
                continue
            with opened_image(path, _FORMATS) as image:
                pixels = np.asarray(image.convert("RGB"), np.float32) / 255
        except (InputError, *BROKEN):
            continue  # it is no picture, or claims to be a huge one
        if min(pixels.shape[:2]) >= _SIDE:
            picture = torch.from_numpy(pixels).movedim(2, 0)  # (3, H, W)
            surfaces += _tiles(picture) if tiled else [_middle(picture)]
    if not surfaces:
        raise InputError(
            f"{folder} has no pictures of at least {_SIDE} x {_SIDE} pixels; expected a folder of "
            f"{', '.join(_FORMATS)} files"
        )
    return tuple(surfaces)


def _middle(picture: Tensor) -> Tensor:
    """The largest square in the middle of a picture (3, H, W), as a surface."""
    height, width = picture.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _sized(picture[:, top : top + side, left : left + side], (_SIDE, _SIDE))


def _tiles(picture: Tensor) -> list[Tensor]:
    """Surfaces that overlap by half, of a picture of half the size, where all pixels are sharp."""
    shrink = max(0.5, _SIDE / min(picture.shape[1:]))
    small = _sized(picture, (round(picture.shape[1] * shrink), round(picture.shape[2] * shrink)))
    rows, columns = (range(0, n - _SIDE + 1, _SIDE // 2) for n in small.shape[1:])
    return [small[:, y : y + _SIDE, x : x + _SIDE] for y in rows for x in columns]


def _sized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    sized: Tensor = functional.interpolate(picture[None], size, mode="bilinear", antialias=True)[0]
    return sized


def _affordable(
    network: NetworkSettings, settings: PretrainSettings, seconds: float, common: dict[str, Any]
) -> PretrainSettings:
    """The settings with the steps, and with the clips from the start, that a time has room for.

    The steps are those of the first network, all others taught as well.
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
    return replace(settings, steps=max(_LEAST, round(left / (step * shares))), pool=pool)


def _begun(kept: Path, who: str, on_event: Listener) -> dict[str, Any] | None:
    """What an earlier call with the same settings kept; None if there is nothing of use."""
    try:
        if kept.exists() and not kept.is_file():
            raise ValueError("it is no file")
        saved = torch.load(kept, weights_only=True, map_location="cpu")
        if saved["who"] == who:
            state: dict[str, Any] = saved["state"]
            return state
    except FileNotFoundError:
        return None
    except (
        *(OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError),
        *(pickle.UnpicklingError, AssertionError, OverflowError, struct.error),
    ):
        pass
    on_event(Warned(f"{kept} is of another prior, which is begun anew"))
    return None
