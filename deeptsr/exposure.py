"""The one forward model: how a low-framerate (LTR) frame arises from high-framerate (HTR) frames.

``L = (H * rect)`` subsampled in time (paper section 1). With full exposure the shutter is open all
the time, and an LTR frame is the mean of its HTR frames; with delta exposure it is open for an
instant at the start of a frame, and an LTR frame is the first of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from deeptsr.errors import OptionError

__all__ = ["correct", "expose", "first_position", "repeat"]


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


def repeat(ltr: Tensor, factor: int, axis: int = 0) -> Tensor:
    """Every frame ``factor`` times: the plainest video that exposes to ``ltr``."""
    return ltr.repeat_interleave(factor, axis)


def correct(htr: Tensor, ltr: Tensor, factor: int, exposure: str = "full", axis: int = 0) -> Tensor:
    """The HTR video nearest to ``htr`` (least squares) that exposes to ``ltr`` exactly.

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
    inner = axis % htr.ndim + 1
    if exposure == "full":
        fixed = groups + (ltr - groups.mean(inner)).unsqueeze(inner)
    else:
        fixed = torch.cat([ltr.unsqueeze(inner), groups.narrow(inner, 1, factor - 1)], inner)
    return fixed.flatten(inner - 1, inner)


def first_position(factor: int, exposure: str) -> float:
    """Where HTR frame 0 sits on the time line of the LTR frames, in LTR frames.

    HTR frame i sits at ``first_position + i / factor``. With full exposure a frame stands for the
    middle of its interval, so that both videos are aligned at their centres.
    """
    return 0.5 / factor - 0.5 if exposure == "full" else 0.0
