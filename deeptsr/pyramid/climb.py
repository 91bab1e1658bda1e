"""Takes a clip up all stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from deeptsr.imaging.backprojection import backproject
from deeptsr.imaging.exposure import Exposure, of_step
from deeptsr.imaging.resample import resize
from deeptsr.pyramid.reach import beyond, needed
from deeptsr.pyramid.stage import FittedStage
from deeptsr.system.devices import release

__all__ = ["ClimbSettings", "climb", "climb_window"]


def climb(
    stages: tuple[FittedStage, ...],
    window: Tensor,
    *,
    exposure: Exposure = "full",
    rounds: int = 1,
    precision: torch.dtype = torch.float32,
    first: int = 0,
    total: int | None = None,
    wanted: range | None = None,
    scale: Fraction = Fraction(1),
) -> Tensor:
    """Take some frames of a video up all stages.

    Args:
        stages: coarse to fine.
        window: volume (T, H, W, C), frames ``first`` to ``first + T`` of the video.
        exposure: of the LTR video.
        rounds: alternations of back-projection.
        precision: of the convolutions.
        first: see ``window``.
        total: frames of the video; by default the window is all of it.
        wanted: frames of the video whose results are returned; by default those of the window.
            The window must reach :func:`margin` frames further, or to the video's ends.
        scale: of the sides of the result, at least the last stage's.

    Returns:
        Volume (len(wanted) * factor, H * scale, W * scale, C), not clipped. It exposes to
        the LTR video exactly, as every stage's result does. A fourth channel, alpha, is climbed as
        a grey picture of its own, so that it moves as the colours do.
    """
    total = len(window) if total is None else total
    wanted = range(first, first + len(window)) if wanted is None else wanted

    def level(frames: range, size: tuple[int, int]) -> Tensor:
        return resize(window[frames.start - first : frames.stop - first], size)

    settings = ClimbSettings(exposure, rounds, precision, scale)
    height, width, channels = window.shape[1:]
    return climb_window(stages, level, (height, width), channels, total, wanted, settings)


@dataclass(frozen=True)
class ClimbSettings:
    """How a clip is climbed: see :func:`climb`."""

    exposure: Exposure
    rounds: int
    precision: torch.dtype
    scale: Fraction


def climb_window(
    stages: tuple[FittedStage, ...],
    level: Callable[[range, tuple[int, int]], Tensor],
    full: tuple[int, int],
    channels: int,
    total: int,
    wanted: range,
    settings: ClimbSettings,
) -> Tensor:
    """Climb; ``level`` gives frames of the video at a size, of which ``full`` is the largest."""
    if channels == 4:

        def colors(frames: range, size: tuple[int, int]) -> Tensor:
            return level(frames, size)[..., :3]

        def cover(frames: range, size: tuple[int, int]) -> Tensor:
            return level(frames, size)[..., 3:].expand(-1, -1, -1, 3)

        rgb, alpha = (
            climb_window(stages, part, full, 3, total, wanted, settings) for part in (colors, cover)
        )
        return torch.cat([rgb, alpha.mean(3, keepdim=True)], 3)
    exposure, rounds = settings.exposure, settings.rounds
    ranges = needed(stages, wanted, total)
    fine, factor, places = torch.empty(0), 1, None
    for fitted, given, asked in zip(stages, ranges, ranges[1:], strict=False):
        ltr = level(given, fitted.stage.size(*full))
        fine = ltr if factor == 1 else backproject(fine, ltr, factor, exposure, rounds)
        del ltr  # as much as is needed of it is in what was made
        inner = range((asked.start - given.start) * factor, (asked.stop - given.start) * factor)
        begin, shutter = given.start * factor, of_step(exposure, factor)
        if fitted.special:  # of the first stage: later ones take the same places
            places = fitted.likelihood(fine, shutter, settings.precision, inner, begin)
            seen = asked
        theirs = None if places is None else places[asked.start - seen.start :][: len(asked)]
        fine = fitted.apply(fine, shutter, settings.precision, inner, begin, theirs)
        release()  # what its layers took, before what is as large is made of the result
        factor *= fitted.stage.step
    last = ranges[-1]
    for stage in beyond(stages, settings.scale):
        fine = backproject(fine, level(last, stage.size(*full)), factor, exposure, rounds)
    return fine[(wanted.start - last.start) * factor : (wanted.stop - last.start) * factor]
