"""What a scene is to the camera."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Film", "Plane", "Volume", "instants", "sampled"]

Volume = NDArray[np.float32]
Plane = NDArray[np.floating[Any]]
Film = Callable[[float, float], Plane]  # (start, end) in LTR frames -> the mean picture (H, W, 3)


def instants(start: float, end: float, density: int) -> NDArray[np.float64]:
    """Midpoints of equal parts of an exposure, at least ``density`` an LTR frame.

    Where ``density`` divides by the factor, a long exposure is the mean of its short ones exactly.
    """
    count = max(1, math.ceil(density * (end - start) - 1e-6))
    midpoints: NDArray[np.float64] = start + (end - start) * (np.arange(count) + 0.5) / count
    return midpoints


def sampled(picture: Callable[[float], Volume], density: int) -> Film:
    """Expose a scene whose integral has no closed form: the mean of many instants.

    Args:
        picture: the scene at a time (LTR frames), (H, W, 3).
        density: instants an LTR frame; enough that nothing moves by a pixel between two of them.
    """

    def expose(start: float, end: float) -> Plane:
        times = instants(start, end, density)
        total = picture(float(times[0])).astype(np.float64)
        for time in times[1:]:
            total += picture(float(time))
        return total / len(times)

    return expose
