"""All that only a GPU shows, in one call: correctness, speed, quality at full budgets, memory.

::

    python -m benchmarks.gpu                    on one CUDA card, under 10 minutes
    python -m benchmarks.gpu --device cpu --small   the same code, on any machine

It renders its own clips and reads no files, so it needs no codecs.
"""

from __future__ import annotations

import time
from dataclasses import replace

import click
import torch
from torch import Tensor

import deeptsr
from benchmarks.direction import share_right
from deeptsr.devices import choose, precision
from deeptsr.events import Event, SelfChecked, StageFitted
from deeptsr.metrics import psnr
from deeptsr.networks import build
from deeptsr.predict import predict
from deeptsr.resample import interpolate_time
from examples.render_clips import ROTORS, render, rotation_truth


def _correctness(device: torch.device) -> None:
    """Compare a random network on the device with the same one on the CPU, both precisions."""
    for kind in ("compact", "paper"):
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
            print(f"correctness  {kind:8} {dtype!s:15} relative error {error:.2e}", flush=True)


def _run(name: str, preset: str, device: torch.device, ltr: Tensor, htr: Tensor, factor: int,
         steps: int | None) -> None:  # fmt: skip
    """Upscale a clip whole and print what came of it."""
    options = deeptsr.preset(preset, factor=factor, device=str(device))
    if steps is not None:
        fit = replace(
            options.fit, steps=steps, bootstrap_steps=steps, finetune_steps=steps, warmup=1
        )
        options = replace(options, fit=fit)
    fitting = 0.0

    def listen(event: Event) -> None:
        nonlocal fitting
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


@click.command()
@click.option("--device", default="cuda", show_default=True)
@click.option("--small", is_flag=True, help="A few steps on tiny clips: does it run at all?")
def main(device: str, small: bool) -> None:
    """Run everything and print one line a result."""
    place = choose(device)
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else "CPU"
    print(f"torch {torch.__version__} on {name}", flush=True)
    _correctness(place)
    steps = 4 if small else None
    side, frames = (64, 16) if small else (256, 48)
    fan = [torch.from_numpy(v) for v in render("fan", size=side, frames=frames)]
    for preset in ("fast", "balanced", "quality", "paper"):
        _run("fan", preset, place, fan[0], fan[1], 8, steps)
    side, frames = (96, 12) if small else (720, 60)
    ltr, htr = (torch.from_numpy(v) for v in render("pan", size=side, frames=frames))
    width = side * 16 // 9 // 2 * 2
    wide = [torch.cat([v, v.flip(2)], 2)[:, :, :width].contiguous() for v in (ltr, htr)]
    for preset in ("balanced", "quality"):
        _run("pan", preset, place, wide[0], wide[1], 8, steps)


if __name__ == "__main__":
    main()
