"""The one forward model: how a low-framerate (LTR) frame arises from high-framerate (HTR) frames.

``L = (H * rect)`` subsampled in time (paper section 1). With full exposure the shutter is open all
the time, and an LTR frame is the mean of its HTR frames; with delta exposure it is open for an
instant at the start of a frame, and an LTR frame is the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

from deeptsr.errors import OptionError

__all__ = ["correct", "expose", "first_position", "repeat", "shutter"]


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


def expose(htr: Tensor, factor: int, exposure: str = "full", axis: int = 0) -> Tensor:
    """The LTR video that a slow camera would have recorded.

    Args:
        htr: any tensor whose ``axis``, of length T * factor, is time (or plays its part).
        factor: HTR frames an LTR frame.
        exposure: "full" or "delta".
        axis: the axis of time.

    Returns:
        The same with ``axis`` of length T.

    Raises:
        OptionError: when the length does not divide by the factor.
    """
    groups = _grouped(htr, factor, axis)
    inner = axis % htr.ndim + 1
    return groups.mean(inner) if exposure == "full" else groups.select(inner, 0)


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


def correct(htr: Tensor, ltr: Tensor, factor: int, exposure: str = "full", axis: int = 0) -> Tensor:
    """An HTR video close to ``htr`` that exposes to ``ltr`` exactly.

    What an LTR frame lacks is given to all of its HTR frames alike (full exposure: the nearest such
    video, in least squares), or fades from one instant to the next (delta exposure), so that the
    frames between look like those that were recorded.

    Args:
        htr: tensor whose ``axis`` has length T * factor.
        ltr: the same with length T.
        factor: HTR frames an LTR frame.
        exposure: "full" or "delta".
        axis: the axis of time.

    Returns:
        A tensor shaped like ``htr``.
    """
    groups = _grouped(htr, factor, axis)
    axis %= htr.ndim
    error = ltr - expose(htr, factor, exposure, axis)
    if exposure == "full":
        spread = error.unsqueeze(axis + 1)
    else:
        last = error.shape[axis] - 1
        after = torch.cat([error.narrow(axis, 1, last), error.narrow(axis, last, 1)], axis)
        shape = [1] * (htr.ndim + 1)
        shape[axis + 1] = factor
        weight = (torch.arange(factor, device=htr.device) / factor).to(htr.dtype).view(shape)
        spread = torch.lerp(error.unsqueeze(axis + 1), after.unsqueeze(axis + 1), weight)
    return (groups + spread).flatten(axis, axis + 1)


def first_position(factor: int, exposure: str) -> float:
    """Where HTR frame 0 sits on the time line of the LTR frames, in LTR frames.

    HTR frame i sits at ``first_position + i / factor``. With full exposure a frame stands for the
    middle of its interval, so that both videos are aligned at their centres.
    """
    return 0.5 / factor - 0.5 if exposure == "full" else 0.0
