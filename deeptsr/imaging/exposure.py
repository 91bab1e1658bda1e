"""The one forward model: how a low-framerate (LTR) frame arises from high-framerate (HTR) frames.

``L = (H * rect)`` subsampled in time (paper section 1). With full exposure the shutter is open all
the time, and an LTR frame is the mean of its HTR frames; with delta exposure it is open for an
instant at the start of a frame, and an LTR frame is the first of them. With a share such as 1/2 it
is the mean of the first of them that come to that share, each of which is open all its time.

So a share is delta exposure up to the step from which on frames touch, and full exposure after it
(:func:`of_step`). Which shares a climb can be exact for follows from its steps (:func:`nearest`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from math import log
from operator import mul

import torch
from torch import Tensor

from deeptsr.errors import OptionError
from deeptsr.imaging.shapes import Frames, Volume

__all__ = [
    "Exposure",
    "correct",
    "correct_in_place",
    "expose",
    "first_position",
    "nearest",
    "of_step",
    "repeat",
    "shutter",
]

_TOUCHING = 0.999  # open share from which frames touch

Exposure = str | float  # "full", "delta", or the open share of a frame's time, in (0, 1)


def nearest(share: float, steps: Sequence[int]) -> Exposure:
    """The exposure closest to an open share, by ratio, that a climb can be exact for.

    Args:
        share: of an LTR frame's time, in (0, 1].
        steps: HTR frames that the climb makes of a frame, step by step.

    >>> nearest(0.45, (2, 2, 2)), nearest(0.9, (2, 2, 2))
    (0.5, 'full')
    """
    shares = [1 / n for n in accumulate((1, *steps), mul)]
    closest = min(shares, key=lambda known: abs(log(known / share)))
    return "full" if closest == 1 else closest


def of_step(exposure: Exposure, done: int) -> str:
    """The exposure of one step of a climb: "full" or "delta".

    Args:
        exposure: of the LTR video.
        done: frames that an LTR frame has become before.
    """
    if isinstance(exposure, str):
        return exposure
    return "full" if exposure * done >= _TOUCHING else "delta"


def _lit(factor: int, exposure: Exposure) -> int:
    """HTR frames, of ``factor``, that an LTR frame holds."""
    if isinstance(exposure, str):
        return factor if exposure == "full" else 1
    return max(1, round(exposure * factor))


def _grouped(htr: Tensor, factor: int, axis: int) -> Tensor:
    """View ``axis`` of length T * factor as two axes (T, factor)."""
    axis %= htr.ndim
    if htr.shape[axis] % factor:
        raise OptionError(
            f"{htr.shape[axis]} HTR frames do not divide by the factor {factor}; "
            "cut the clip to a multiple of it"
        )
    shape = htr.shape
    return htr.reshape(*shape[:axis], shape[axis] // factor, factor, *shape[axis + 1 :])


def expose(htr: Tensor, factor: int, exposure: Exposure = "full", axis: int = 0) -> Tensor:
    """The LTR video that a slow camera would have recorded.

    Args:
        htr: any tensor whose ``axis``, of length T * factor, is time (or plays its part).
        factor: HTR frames an LTR frame.
        exposure: "full", "delta" or an open share.
        axis: the axis of time.

    Returns:
        The same with ``axis`` of length T.

    Raises:
        OptionError: when the length does not divide by the factor.
    """
    groups = _grouped(htr, factor, axis)
    inner = axis % htr.ndim + 1
    lit = _lit(factor, exposure)
    if lit == 1:
        return groups.select(inner, 0)
    return groups.narrow(inner, 0, lit).mean(inner)


def shutter(
    moments: Sequence[Fraction], opens: Fraction, closes: Fraction, exposure: str = "full"
) -> list[float]:
    """How much of each HTR frame a frame of any camera holds: :func:`expose` at any rate.

    With full exposure, the share of the open time that falls to each of them; with delta exposure,
    the instant at which the shutter opens, linear between the two that are nearest.

    Args:
        moments: when the HTR frames begin, and when the last one ends; at least one of them is
            shown while the shutter is open.
        opens: when the shutter opens, in the same unit.
        closes: when it closes.
        exposure: "full" or "delta".

    Returns:
        A weight for each HTR frame, together 1.
    """
    spans = list(pairwise(moments))
    if exposure == "full":
        lit = [max(Fraction(0), min(b, closes) - max(a, opens)) for a, b in spans]
    else:
        lit = [Fraction(0)] * len(spans)
        here = max(i for i, (a, _) in enumerate(spans) if a <= opens or i == 0)
        past = (opens - moments[here]) / (moments[here + 1] - moments[here])
        after = min(here + 1, len(lit) - 1)  # the last frame stays
        lit[here] += 1 - past
        lit[after] += past
    return [float(share / sum(lit)) for share in lit]


def repeat(ltr: Tensor, factor: int, axis: int = 0) -> Tensor:
    """Every frame ``factor`` times: the plainest video that exposes to ``ltr``."""
    return ltr.repeat_interleave(factor, axis)


def correct(
    htr: Tensor, ltr: Tensor, factor: int, exposure: Exposure = "full", axis: int = 0
) -> Tensor:
    """An HTR video close to ``htr`` that exposes to ``ltr`` exactly.

    What an LTR frame lacks is given to all HTR frames that it holds alike (full exposure: the
    nearest such video, in least squares), and fades to what the next one lacks while the shutter is
    closed, so that the frames between look like those that were recorded.

    Args:
        htr: tensor whose ``axis`` has length T * factor.
        ltr: the same with length T.
        factor: HTR frames an LTR frame.
        exposure: "full", "delta" or an open share.
        axis: the axis of time.

    Returns:
        A tensor shaped like ``htr``.
    """
    groups = _grouped(htr, factor, axis)
    axis %= htr.ndim
    error = ltr - expose(htr, factor, exposure, axis)
    lit = _lit(factor, exposure)
    if lit == factor:
        spread = error.unsqueeze(axis + 1)
    else:
        last = error.shape[axis] - 1
        after = torch.cat([error.narrow(axis, 1, last), error.narrow(axis, last, 1)], axis)
        shape = [1] * (htr.ndim + 1)
        shape[axis + 1] = factor
        closed = (torch.arange(factor, device=htr.device) - (lit - 1)).clamp(min=0)
        weight = (closed / (factor - lit + 1)).to(htr.dtype).view(shape)
        spread = torch.lerp(error.unsqueeze(axis + 1), after.unsqueeze(axis + 1), weight)
    return (groups + spread).flatten(axis, axis + 1)


def correct_in_place(htr: Frames, ltr: Volume, factor: int, exposure: Exposure = "full") -> None:
    """:func:`correct` where it lies, an LTR frame after the other: it takes no memory.

    Args:
        htr: volume (T * factor, H, W, C).
        ltr: volume (T, H, W, C).
        factor: HTR frames an LTR frame.
        exposure: "full", "delta" or an open share.
    """
    lit = _lit(factor, exposure)

    def lacks(number: int) -> Tensor:
        held = htr[number * factor : (number + 1) * factor]
        return ltr[number] - expose(held, factor, exposure)[0]

    after = lacks(0)
    for number in range(len(ltr)):
        error = after
        if number + 1 < len(ltr):  # what it lacks: not changed yet
            after = lacks(number + 1)
        for n, frame in enumerate(htr[number * factor : (number + 1) * factor]):
            closed = max(0, n + 1 - lit) / (factor - lit + 1)
            frame.add_(torch.lerp(error, after, closed) if closed else error)


def first_position(factor: int, exposure: Exposure) -> float:
    """Where HTR frame 0 sits on the time line of the LTR frames, in LTR frames.

    HTR frame i sits at ``first_position + i / factor``. A frame stands for the middle of its open
    time, so that both videos are aligned at these.
    """
    return (1 - _lit(factor, exposure)) / (2 * factor)
