"""How networks are taught the same crops, and judged on clips that none of them saw."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import replace
from statistics import mean

import torch
from torch import Tensor

from benchmarks.alone import NETWORKS, SIZE
from deeptsr.config import NetworkSettings, PretrainSettings, preset
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.descent import descend
from deeptsr.learning.prior import prior_of, starts
from deeptsr.networks import Compact, StepNetwork, taken_over
from deeptsr.networks.chance import seeded
from deeptsr.networks.recurrent import Recurrent
from deeptsr.pyramid.predict import predict
from deeptsr.system import devices

__all__ = ["JUDGED", "begun", "by_frames_seen", "judged", "teach"]

JUDGED = 64  # HTR frames of a clip to judge by
_SIDE, _LEARNT = 32, 8  # pixels, LTR frames of a crop
_SEEN = (3, 7, 15, 31)
_ENDS = 10  # LTR frames at each end of a judge that are not compared
_QUIET = 1e-5  # mean square error that is added, so that a still clip counts no more than that


def begun(name: str, seed: int, prior: str) -> StepNetwork:
    """A network before it is taught: with what the compact one of a prior knows, if there is one.

    Args:
        name: of :data:`NETWORKS`.
        seed: of what it begins as.
        prior: "auto", "none" or a file.
    """
    with seeded(seed):
        network = NETWORKS[name]()
    compact = replace(preset("fast"), prior=prior, network=NetworkSettings("compact", *SIZE))
    known = starts(prior_of(compact), Compact(2, "full", *SIZE)).get("any")
    if known:
        network.load_state_dict(taken_over(network, known))
    return network


def teach(
    network: StepNetwork, pool: Tensor, steps: int, batch: int, seed: int, rate: float
) -> tuple[StepNetwork, float]:
    """Teach a network; return it with the seconds of the CPU that its steps took."""
    network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    network.train()
    average, precision = copy.deepcopy(network), devices.precision(torch.device("cpu"))
    settings = replace(PretrainSettings(), rate=rate)
    dice = torch.Generator().manual_seed(seed)
    optimizer, seconds = torch.optim.Adam(network.parameters()), 0.0
    for step in range(steps):
        htr = torch.stack([_crop(pool, 2 * _LEARNT, dice) for _ in range(batch)])
        began = time.process_time()
        ltr = expose(htr, 2, axis=2).contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            error = _inner(network(ltr) - htr)
        plain = _inner(_plain(ltr) - htr)
        loss = (error * ((plain + _QUIET) * 1e3) ** -settings.balance).mean()
        descend(optimizer, loss, network, average, settings, (step, steps))
        seconds += time.process_time() - began
    return average.eval(), seconds


def _crop(pool: Tensor, frames: int, dice: torch.Generator) -> Tensor:
    """A crop of a clip in one of its views, (C, frames, side, side)."""

    def below(count: int) -> int:
        return int(torch.randint(count, (), generator=dice))

    clip = pool[below(len(pool))]  # (T, H, W, C)
    shape = (frames, _SIDE, _SIDE)
    t, y, x = (below(n - size + 1) for n, size in zip(clip.shape, shape, strict=False))
    crop = clip[t : t + frames, y : y + _SIDE, x : x + _SIDE].float().permute(3, 0, 1, 2)
    crop = crop.flip([axis for axis in (1, 2, 3) if below(2)])
    return crop.transpose(2, 3) if below(2) else crop


def _plain(ltr: Tensor) -> Tensor:
    return correct(interpolate_time(ltr, 2, axis=2), ltr, 2, axis=2)


def _inner(error: Tensor) -> Tensor:
    return error[:, :, 2:-2, 2:-2, 2:-2].square().mean((1, 2, 3, 4))


def judged(network: StepNetwork, judges: Tensor) -> list[float]:
    """Gains over interpolation on clips that are never taught, in the middle of each, dB."""
    gains = []
    for clip in judges:
        htr = clip.float()
        ltr = expose(htr, 2)
        made, linear = predict(network, ltr), interpolate_time(ltr, 2)
        inner = slice(2 * _ENDS, JUDGED - 2 * _ENDS)
        errors = [(v[inner] - htr[inner]).square().mean().item() + 1e-7 for v in (linear, made)]
        gains.append(10 * math.log10(errors[0] / errors[1]))
    return gains


def by_frames_seen(network: Recurrent, judges: Tensor) -> dict[str, float]:
    """The same where states of a frame come from so many frames around it, no more."""
    found = {}
    for seen in _SEEN:
        other = Recurrent(2, "full", *SIZE, 1, 1, seen // 2, refocused=network.refocused)
        other.load_state_dict(network.state_dict())
        found[str(seen)] = mean(judged(other.eval(), judges))
    return found
