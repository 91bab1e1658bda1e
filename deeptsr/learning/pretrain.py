"""Teaches a prior on rendered clips: motion of all kinds, and then blades that turn.

Every variant of a network is taught after the other (:mod:`deeptsr.learning.prior`); one set of
weights serves steps of any size, so that steps of 2 to 5 are taught together. A clip counts by the
share of interpolation's error that is removed in it, about, so that quiet ones count, too.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.events import Listener, Progress, Taught, ignore
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.prior import Prior
from deeptsr.learning.rendering.clips import Clip, render
from deeptsr.networks import Compact
from deeptsr.networks.chance import seeded

__all__ = ["VARIANTS", "Variant", "pretrain"]

_JUDGES, _JUDGED_FRAMES = 12, 24  # clips of each kind that are never taught, and their frames
_FIRST_JUDGE = 10**9  # their seeds
_KINDS = ("leaves", "rotor")
_STEPS = ((2, 0.82), (3, 0.08), (4, 0.05), (5, 0.05))  # and their shares of the batches
_QUIET = 1e-5  # mean square error that is added, so that a still clip counts no more than that

State = dict[str, Tensor]


@dataclass(frozen=True)
class Variant:
    """One of the networks of a prior."""

    expert: str
    exposure: str
    fold: int
    share: float  # of the settings' steps
    rotors: float = 0.0  # share of its crops that are of blades that turn
    start: str | None = None  # name of the variant that it starts from

    @property
    def name(self) -> str:
        """As a prior names it."""
        return f"{self.expert}/{self.exposure}-{self.fold}"


VARIANTS = (
    Variant("any", "full", 1, 1.0),
    Variant("turning", "full", 1, 1.0, 1.0, "any/full-1"),
    Variant("any", "full", 2, 0.7),
    Variant("any", "delta", 1, 0.2, 0.0, "any/full-1"),
    Variant("any", "delta", 2, 0.2, 0.0, "any/full-2"),
)


def pretrain(
    network: NetworkSettings,
    settings: PretrainSettings,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    precision: torch.dtype = torch.float32,
    pictures: Sequence[Tensor] = (),
    variants: Sequence[Variant] = VARIANTS,
    on_event: Listener = ignore,
    begun: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda state: None,
) -> Prior:
    """Teach a prior.

    Args:
        network: of the compact kind.
        settings: how long, on what.
        seed: of all that is drawn.
        device: that does the work; None: the CPU.
        precision: of the convolutions.
        pictures: (3, side, side) each, in [0, 1], shown as surfaces beside those that are drawn.
        variants: that are taught, in this order.
        on_event: listener: progress, and the gain on clips that are never taught.
        begun: what an earlier run kept; it goes on from there.
        keep: told a state from which a later run can go on, at each check.
    """
    done: dict[str, State] = dict(begun["done"]) if begun else {}
    total = sum(round(v.share * settings.steps) for v in variants)
    before = 0
    for variant in variants:
        steps = round(variant.share * settings.steps)
        if variant.name not in done:
            course = _Course(network, settings, variant, steps, seed, device, precision, pictures)
            if variant.start in done:
                course.network.load_state_dict(done[variant.start])
                course.average.load_state_dict(course.network.state_dict())
            if begun and begun.get("variant") == variant.name:
                course.load(begun["state"])

            def on_step(step: int, before: int = before, name: str = variant.name) -> None:
                share = (before + step) / total
                on_event(Progress(share, "fit", f"{name}: step {before + step} of {total}"))

            def on_check(gains: dict[str, float], course: _Course = course) -> None:
                on_event(Taught(course.variant.name, course.step, **gains))
                keep({"done": done, "variant": course.variant.name, "state": course.state()})

            course.run(on_step, on_check)
            done[variant.name] = {
                name: value.detach().cpu() for name, value in course.average.state_dict().items()
            }
        before += steps
    made = {
        "clips": "rendered" + (" and pictures" if pictures else ""),
        "steps": str(settings.steps),
        "seed": str(seed),
        "torch": torch.__version__,
    }
    return Prior(network, done, made)


class _Course:
    """The teaching of one variant."""

    def __init__(
        self,
        network: NetworkSettings,
        settings: PretrainSettings,
        variant: Variant,
        steps: int,
        seed: int,
        device: torch.device | None,
        precision: torch.dtype,
        pictures: Sequence[Tensor],
    ) -> None:
        self.variant, self.settings, self.steps = variant, settings, steps
        self.device, self.precision, self._pictures = (
            device or torch.device("cpu"),
            precision,
            pictures,
        )
        with seeded(seed):
            self.network = Compact(
                2, variant.exposure, network.channels, network.blocks, variant.fold
            )
        self.network.to(self.device).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network)
        self._optimizer = torch.optim.Adam(self.network.parameters())
        self._dice = torch.Generator().manual_seed(seed)
        self._next = seed * 10_000_000  # seed of the next clip
        self._pools: dict[str, list[Clip]] = {kind: [] for kind in _KINDS}
        self._judges: dict[str, Tensor] = {}
        self.step = 0

    def run(
        self, on_step: Callable[[int], None], on_check: Callable[[dict[str, float]], None]
    ) -> None:
        """Teach to the end."""
        for kind in _KINDS:
            while len(self._pools[kind]) < self.settings.pool:
                self._render(kind)
        while self.step < self.steps:
            self._learn()
            self.step += 1
            on_step(self.step)
            if self.step % self.settings.check == 0 or self.step == self.steps:
                on_check(self._gains())

    def state(self) -> dict[str, Any]:
        """All that a later run needs to go on but the clips, which are drawn anew."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "random": self._dice.get_state(),
            "counts": (self.step, self._next),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._dice.set_state(state["random"])
        self.step, self._next = state["counts"]

    def _chance(self) -> float:
        return float(torch.rand((), generator=self._dice))

    def _below(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self._dice))

    def _render(self, kind: str) -> None:
        self._next += 1
        pool = self._pools[kind]
        pool.append(render(self._next, kind, pictures=self._pictures))
        if len(pool) > 4 * self.settings.pool:
            pool.pop(0)

    def _learn(self) -> None:
        s = self.settings
        if self.step % s.clip_every == 0:
            self._render(self._kind())
        factor = self._factor()
        crops = [self._crop(self._kind(), factor) for _ in range(s.batch)]
        htr = torch.stack(crops).to(self.device, memory_format=torch.channels_last_3d)
        error, plain = self._errors(htr, factor)
        weight = ((plain.detach() + _QUIET) * 1e3) ** -s.balance
        warm = min(1.0, (self.step + 1) / s.warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = s.rate * warm * 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        self._optimizer.zero_grad(set_to_none=True)
        (error * weight).mean().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), s.clip_gradient)
        self._optimizer.step()
        share = 1 - min(s.averaging, (self.step + 1) / (self.step + 11))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(now, share)

    def _kind(self) -> str:
        return "rotor" if self._chance() < self.variant.rotors else "leaves"

    def _factor(self) -> int:
        draw = self._chance()
        for factor, share in _STEPS:
            draw -= share
            if draw < 0:
                return factor
        return 2

    def _crop(self, kind: str, factor: int) -> Tensor:
        """A crop of a clip in one of its views, (C, T * factor, side, side)."""
        s = self.settings
        side = s.crop if self.variant.fold == 1 else round(1.6 * s.crop)
        while True:
            clip = self._pools[kind][self._below(len(self._pools[kind]))]
            slow = 2 if self._chance() < s.slowed else 1  # an HTR frame is a mean of so many
            length = s.frames * factor * slow
            if factor * slow <= clip.longest and length <= len(clip.frames):
                break
        frames, height, width = clip.frames.shape[:3]
        t, y, x = (
            self._below(n - size + 1)
            for n, size in zip((frames, height, width), (length, side, side), strict=True)
        )
        crop = clip.frames[t : t + length, y : y + side, x : x + side].float()
        crop = expose(crop, slow).permute(3, 0, 1, 2)  # (C, T * factor, side, side)
        turned = [axis for axis in (1, 2, 3) if self._chance() < 0.5]
        crop = crop.flip(turned)
        if self._chance() < 0.5:
            crop = crop.transpose(2, 3)
        crop = crop[torch.randperm(3, generator=self._dice)]
        if self._chance() < s.gray:
            crop = torch.lerp(crop, crop.mean(0, keepdim=True), self._chance())
        return 1 - crop if self._chance() < 0.5 else crop

    def _errors(self, htr: Tensor, factor: int) -> tuple[Tensor, Tensor]:
        """Mean square errors of the network and of interpolation, (N,) each."""
        exposure = self.variant.exposure
        ltr = expose(htr, factor, exposure, axis=2)
        self.network.factor = factor
        with torch.autocast(
            htr.device.type, self.precision, enabled=self.precision != torch.float32
        ):
            made = self.network(ltr.contiguous(memory_format=torch.channels_last_3d))
        plain = correct(
            interpolate_time(ltr, factor, exposure, axis=2), ltr, factor, exposure, axis=2
        )
        return _inner(made - htr, factor), _inner(plain - htr, factor)

    def _gains(self) -> dict[str, float]:
        """Mean gain over interpolation on clips that are never taught, by kind, dB."""
        learning, self.network = self.network, self.average
        found = {}
        with torch.no_grad():
            for kind in _KINDS:
                if kind not in self._judges:
                    clips = [
                        render(_FIRST_JUDGE + n, kind, frames=_JUDGED_FRAMES)
                        for n in range(_JUDGES)
                    ]
                    self._judges[kind] = torch.stack([c.frames.float() for c in clips])
                htr = self._judges[kind].permute(0, 4, 1, 2, 3).to(self.device)
                pairs = [self._errors(part, 2) for part in torch.split(htr, 4)]
                error, plain = (torch.cat(e) + 1e-7 for e in zip(*pairs, strict=True))
                found[kind] = float((10 * torch.log10(plain / error)).mean())
        self.network = learning
        return found


def _inner(error: Tensor, factor: int) -> Tensor:
    """Mean square away from a crop's borders, where a network lacks what lies beyond."""
    return error[:, :, factor:-factor, 2:-2, 2:-2].square().mean((1, 2, 3, 4))
