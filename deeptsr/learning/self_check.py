"""The honest self-check: how good a fit is on this very video."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from deeptsr.config import Options
from deeptsr.evaluation.metrics import CEILING, psnr_frames
from deeptsr.events import SelfChecked
from deeptsr.imaging.exposure import expose, of_step
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.imaging.volume import part_of, wider
from deeptsr.learning.held_out import HeldOut
from deeptsr.learning.strategy.evidence import examine, look, moving
from deeptsr.learning.strategy.shutter import closes
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.stage import FittedStage

__all__ = ["LIKELY", "SURE", "self_check"]

SURE = 0.4
"""Agreement from which a result is called sure: by its own estimate it takes away that much of
what interpolation is wrong by. A convention, not measured."""

LIKELY = {"full": 0.95, "delta": 0.75}
"""How likely the witnesses have to be right, on the average over what moves, where a specialist
takes a part: below it that is a guess. By exposure: of a shutter that closes fewer tell, and are
less sure (docs/measurements.md, "Who takes which place")."""


def self_check(
    stages: tuple[FittedStage, ...], clip: Tensor, options: Options, precision: torch.dtype
) -> SelfChecked:
    """Average the video's own frames in groups, predict them again, and compare.

    The frames compared are those of the run that no training pair saw (all frames, when the clip is
    too short to spare any). The first stage is checked, at the full size of the video: it is the
    only one whose task has a truth in the video itself.

    Args:
        stages: fitted, coarse to fine.
        clip: the excerpt that was fitted on, volume (T, H, W, 3).
        options: all settings.
        precision: of the convolutions.
    """
    first = replace(stages[0], ensemble=False)  # faster, and 0.1 to 0.3 dB less (method.md)
    step = first.stage.step
    held = HeldOut(len(clip), step)
    ltr = expose(clip[: len(clip) // step * step], step, options.exposure)
    wanted = range(held.kept.start // step, held.kept.stop // step)
    truth = clip[held.kept.start : held.kept.stop]
    restored = climb(
        (first,),
        ltr,
        exposure=options.exposure,
        rounds=options.pyramid.rounds,
        precision=precision,
        wanted=wanted,
    )
    near = wider(wanted, 1, len(ltr))
    linear = interpolate_time(part_of(ltr, near), step, options.exposure)
    linear = part_of(linear, wanted, near, step)[: len(truth)]
    ours, plain = (
        float(psnr_frames(v.clamp(0, 1), truth).clip(max=CEILING).mean())
        for v in (restored, linear)
    )
    told = _confidence(first, clip, precision, ours - plain)
    taken_for_open = first.network is not None and of_step(options.exposure, 1) == "full"
    shut = taken_for_open and bool(closes(clip, options, precision))
    return SelfChecked(
        ours, plain, ours - plain, len(truth), "guess" if shut else told, closes=shut
    )


def _confidence(first: FittedStage, clip: Tensor, precision: torch.dtype, gain_db: float) -> str:
    """Whether what moves goes the right way at the video's own rate, where no truth is known.

    Held-out frames tell of a slower camera, to which a fast motion looks otherwise; agreement tells
    of this one, and a wrong way may agree with itself. So a result has to do well by both. Of
    motion beyond the aliasing limit held-out frames tell nothing: there witnesses say how
    likely it is. Sure it is never, as two worlds explain what was seen.
    """
    if first.network is None:
        return "sure"  # nothing was made up
    small = resize(clip, first.stage.size(*clip.shape[1:3])).clamp(0, 1)
    if first.special is not None:
        mine, theirs = (look(n, small, precision) for n in (first.network, first.special.network))
        motion = moving(first.special, small, mine, theirs, precision)
        if motion.sure < LIKELY[first.special.network.exposure]:
            return "guess"
        if motion.special > 0.5:
            return "likely"
    agreement = first.agreement
    if agreement is None:
        agreement = examine(first.network, small, precision).agreement
    if gain_db <= 0 or agreement <= 0:
        return "guess"
    return "sure" if agreement >= SURE and first.special is None else "likely"
