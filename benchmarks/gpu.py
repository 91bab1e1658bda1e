"""All that only a GPU shows, in one call: correctness, speed, quality at full budgets, memory.

::

    python -m benchmarks.gpu                    on one CUDA card, under 10 minutes
    python -m benchmarks.gpu --device cpu --small   the same code, on any machine

It renders its own clips and reads no files, so it needs no codecs. When the time is up, what is
running is broken off and what is left is named.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import click
import torch
from rich.console import Console
from torch import Tensor

import deeptsr
from benchmarks import speed
from benchmarks.direction import share_right
from deeptsr.config import NETWORKS
from deeptsr.evaluation.metrics import psnr
from deeptsr.events import Event, SelfChecked, StageFitted
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.learning.stages import fit_stages
from deeptsr.networks import build
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import plan
from deeptsr.pyramid.predict import predict
from deeptsr.system.devices import choose, precision
from examples.render_clips import ROTORS, render, rotation_truth

_NEAR = 0.05  # dB that bfloat16 may cost
_TIGHT = 1e-4  # relative error of float32 on the device
_MINUTES = 10.0

Pair = tuple[Tensor, Tensor]  # LTR and HTR volumes


class _TimeIsUp(Exception):  # noqa: N818, it is no error
    """Breaks off what runs when all the time is used."""


def _correctness(device: torch.device) -> None:
    """Compare a random network on the device with the same one on the CPU, both precisions."""
    for kind in NETWORKS:
        torch.manual_seed(0)
        options = replace(deeptsr.preset("fast").network, kind=kind)
        network = build(options, 2, fold=1).eval()
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.03)
        clip = torch.rand(12, 64, 80, 3)
        truth = predict(network, clip)
        moved = network.to(device)
        for dtype in (torch.float32, precision(device)):
            made = predict(moved, clip.to(device), precision=dtype).cpu()
            error = ((made - truth).norm() / truth.norm()).item()
            fine = "" if dtype != torch.float32 or error < _TIGHT else f", NOT below {_TIGHT:g}"
            print(
                f"correctness  {kind:9} {dtype!s:15} relative error {error:.2e}{fine}", flush=True
            )


def _precision(device: torch.device, pair: Pair, steps: int | None) -> None:
    """Climb with the same fitted networks in both precisions, and compare with the truth."""
    (ltr, htr), options = pair, _options("fast", 2, device, steps)
    clip, found = ltr.to(device), {}
    stages = plan(2, clip.shape[1], clip.shape[2], options.pyramid.coarsest)
    fitted = fit_stages(clip, stages, options, precision=precision(device))
    for dtype in (torch.float32, torch.bfloat16):
        made = climb(fitted, clip, precision=dtype).cpu().clamp(0, 1)
        found[dtype] = psnr(made, htr)
    lost = found[torch.float32] - found[torch.bfloat16]
    fine = "" if lost <= _NEAR else f", NOT within {_NEAR}"
    print(f"precision    bfloat16 costs {lost:+.3f} dB of {found[torch.float32]:.2f}{fine}")


def _speed(device: torch.device, small: bool) -> None:
    """The table of benchmarks/speed.py."""
    sizes = ["fast"] if small else list(deeptsr.config.PRESETS)
    frames, steps, limit = (4, 1, 0.2) if small else (60, 50, 10.0)
    found, rows = speed.measure(device, sizes, frames, steps, limit, 0.05 if small else 0.3)
    Console(width=120).print(speed.table(found, rows, str(device)))


def _options(name: str, factor: int, device: torch.device, steps: int | None) -> deeptsr.Options:
    options = deeptsr.preset(name, factor=factor, device=str(device))
    if steps is None:
        return options
    fit = replace(options.fit, steps=steps, adapt_steps=steps, finetune_steps=steps, warmup=1)
    return replace(options, fit=fit)


def _run(
    name: str, preset: str, device: torch.device, pair: Pair, steps: int | None, end: float
) -> None:
    """Upscale a clip whole and print what came of it."""
    ltr, htr = pair
    factor = len(htr) // len(ltr)
    options = _options(preset, factor, device, steps)
    fitting = 0.0

    def listen(event: Event) -> None:
        nonlocal fitting
        if time.monotonic() > end:
            raise _TimeIsUp
        if isinstance(event, StageFitted):
            fitting += event.seconds
            print(
                f"             {event.label}: {event.gain_db:+.2f} dB held out, "
                f"{event.steps} steps, {event.seconds:.1f} s, {event.outcome}",
                flush=True,
            )
        if isinstance(event, SelfChecked):
            print(f"             self-check {event.gain_db:+.2f} dB", flush=True)

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    began = time.monotonic()
    made = torch.from_numpy(deeptsr.upscale_array(ltr, options, listen))
    seconds = time.monotonic() - began
    linear = psnr(interpolate_time(ltr, factor), htr)
    peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0
    frames = len(made) / max(1e-9, seconds - fitting)
    right = ""
    if name in ROTORS:
        rotor = ROTORS[name]
        radii = (rotor.inner * ltr.shape[1], rotor.outer * ltr.shape[1])
        truth = rotation_truth(name, len(ltr), factor)
        share = share_right(made.numpy(), truth, radii=radii, folds=rotor.folds)
        right = f", direction right in {share:.0%}"
    print(
        f"{preset:12} {name} x{factor}, {tuple(ltr.shape)}: {psnr(made, htr) - linear:+.2f} dB "
        f"over linear ({linear:.2f}){right}; fit {fitting:.1f} s, whole job {seconds:.1f} s, "
        f"{frames:.1f} frames/s after the fit, device peak {peak:.2f} GiB",
        flush=True,
    )


def _rendered(name: str, side: int, frames: int, factor: int) -> Pair:
    ltr, htr = render(name, size=side, frames=frames, factor=factor)
    return torch.from_numpy(ltr), torch.from_numpy(htr)


def _panned(width: int, height: int, frames: int, factor: int) -> Pair:
    """A texture of all sizes that passes by, one pixel an HTR frame: large, and soon made."""
    generator, across = torch.Generator().manual_seed(0), width + frames * factor
    texture = torch.zeros(1, height, across, 3)
    for size in (2, 4, 8, 16, 32):
        shape = (1, max(1, height // size), max(1, across // size), 3)
        texture += size * resize(torch.rand(shape, generator=generator), (height, across))
    texture = (texture[0] / 62).clamp(0, 1)
    htr = torch.stack([texture[:, n : n + width] for n in range(frames * factor)])
    return expose(htr, factor), htr


@click.command()
@click.option("--device", default="cuda", show_default=True)
@click.option("--small", is_flag=True, help="A few steps on tiny clips: does it run at all?")
@click.option("--minutes", default=_MINUTES, show_default=True, help="After which it ends.")
@click.option("--only", help="Parts, comma-separated, such as speed,paper-fan.")
def main(device: str, small: bool, minutes: float, only: str | None) -> None:
    """Run everything and print one line a result."""
    end = time.monotonic() + 60 * minutes
    place = choose(device)
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else "CPU"
    print(f"torch {torch.__version__} on {name}", flush=True)
    torch.backends.cudnn.allow_tf32 = False  # float32 is to be float32
    steps = 1 if small else None
    side, frames = (32, 8) if small else (256, 48)
    fan = _rendered("fan", side, frames, 8)
    half = _rendered("ball", side, frames, 2)
    wide = _panned(64, 36, 8, 8) if small else _panned(1280, 720, 60, 8)
    parts: dict[str, Callable[[], None]] = {
        "correctness": partial(_correctness, place),
        "precision": partial(_precision, place, half, steps),
        "speed": partial(_speed, place, small),
        "balanced-pan": partial(_run, "pan", "balanced", place, wide, steps, end),
        "quality-pan": partial(_run, "pan", "quality", place, wide, steps, end),
        "paper-fan": partial(_run, "fan", "paper", place, fan, steps, end),
        "fast-fan": partial(_run, "fan", "fast", place, fan, steps, end),
        "balanced-fan": partial(_run, "fan", "balanced", place, fan, steps, end),
        "quality-fan": partial(_run, "fan", "quality", place, fan, steps, end),
    }
    failed = False
    for title in only.split(",") if only else parts:
        if time.monotonic() > end:
            print(f"{title}: left out, as {minutes:g} minutes are over", flush=True)
            continue
        try:
            parts[title]()
        except _TimeIsUp:
            print(f"{title}: broken off, as {minutes:g} minutes are over", flush=True)
        except Exception:  # the other parts are worth as much
            failed = True
            print(f"{title}: failed\n{traceback.format_exc()}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
