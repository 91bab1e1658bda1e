"""Makes a result go on as evenly as a video does.

Where a frame's exposure begins and ends is chance to what moves. So the step from one HTR frame to
the next is as large, on the average, within an LTR frame as from that frame to the next. A network
that is in doubt holds back: what it makes of an LTR frame is a mean of what may be, its frames are
too much alike, and the result halts and leaps. With L the LTR frames, E what the HTR frames of one
differ from it by, and s how far that is stretched, steps are even in the mean square where ::

    s^2 |E[j+1] - E[j]|^2  =  |L' - L + s (E'[first] - E[last])|^2

(' is the next LTR frame). Stretched or not, the frames expose to L.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from deeptsr.imaging.resample import around, pool, spread
from deeptsr.imaging.shapes import Cells, Frames, Volume

__all__ = ["LOOK", "make_even"]

LOOK = 2  # LTR frames to each side that a frame's stretch depends on
_MOST = 2.0  # a network that holds back by more does not know the way (trials.md)
_STILL = 1e-5  # mean square of steps that nobody sees


def make_even(result: Frames, ltr: Volume) -> None:
    """Stretch what happens within LTR frames, up to twice, in place.

    Args:
        result: volume (T * factor, H, W, C) that exposes to ``ltr``, of full exposure, factor > 1.
        ltr: volume (T, H, W, C). What becomes of a frame depends on :data:`LOOK` frames to each
            side; where those lie beyond the ends, those at the ends count for them.
    """
    if len(ltr) < 2:
        return
    factor = len(result) // len(ltr)
    for number, (now, stretch) in enumerate(zip(ltr, _stretches(result, ltr), strict=True)):
        if stretch.max() > 1:
            frames = result[number * factor : (number + 1) * factor]
            frames.sub_(now).mul_(spread(stretch, now.shape[:2])).add_(now)


def _stretches(result: Frames, ltr: Volume) -> Cells:
    """How far each LTR frame's HTR frames are to be stretched: (T, rows, columns)."""
    factor = len(result) // len(ltr)
    within, between, along, beyond = [], [], [], []
    for number in range(0, len(result), factor):
        frames = result[number : number + factor]
        within.append(pool((frames[1:] - frames[:-1]).square_().mean(0)))
    for number, (now, then) in enumerate(pairwise(ltr), 1):
        step = then - now
        more = result[number * factor] - result[number * factor - 1] - step
        between.append(pool(step.square()))
        along.append(pool(step * more))
        beyond.append(pool(more.square_()))
    # With s the stretch: s^2 within = between + 2 s along + s^2 beyond.
    curve = around(torch.stack(within) - _of_frames(beyond)) + _STILL
    size, slope = around(_of_frames(between)) + _STILL, around(_of_frames(along))
    root = (slope.square() + curve * size).clamp_(min=0).sqrt_() - slope
    made = (size / root.clamp_(min=_STILL)).clamp_(1, _MOST)
    # Beyond an end nothing is known, and what is made there may be far too large already: it is
    # stretched as if no more happened there than in the frame beside it.
    steps = torch.stack(within).mean((1, 2)).add_(_STILL).sqrt_()
    for end, beside in ((0, 1), (-1, -2)):
        made[end].mul_((steps[beside] / steps[end]).clamp_(max=1)).clamp_(min=1)
    return made


def _of_frames(borders: list[Tensor]) -> Tensor:
    """Of each frame what is known of the borders before and after it."""
    known = torch.stack(borders)
    return torch.cat([known[:1], (known[1:] + known[:-1]) / 2, known[-1:]])
