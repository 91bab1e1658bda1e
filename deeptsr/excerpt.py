"""Chooses the bounded stretch of a video that fitting looks at: where it moves most."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

import numpy as np
import numpy.typing as npt

__all__ = ["motion", "window"]

_THUMBNAIL = 64  # pixels of the long side at which motion is measured


def motion(frames: Iterable[npt.NDArray[np.float32]]) -> list[float]:
    """Mean absolute change from each frame to the next.

    Args:
        frames: pictures (H, W, 3), one at a time; none is kept.

    Returns:
        One number fewer than there are frames.
    """
    changes: list[float] = []
    before: npt.NDArray[np.float32] | None = None
    for frame in frames:
        stride = max(1, max(frame.shape[:2]) // _THUMBNAIL)
        small = frame[::stride, ::stride].copy()  # a copy: else the whole frame would be kept
        if before is not None:
            changes.append(float(np.abs(small - before).mean()))
        before = small
    return changes


def window(changes: list[float], length: int) -> range:
    """The stretch of ``length`` frames with the most motion; the earliest of equals.

    Args:
        changes: from :func:`motion`.
        length: frames wanted, >= 1.

    Returns:
        Frames, at most ``length``: fewer when the video has fewer.

    >>> window([0.0, 1.0, 3.0, 0.0], 3)
    range(1, 4)
    """
    total = len(changes) + 1
    if length >= total:
        return range(total)
    sums = [0.0, *accumulate(changes)]
    starts = range(total - length + 1)
    first = max(starts, key=lambda s: (sums[s + length - 1] - sums[s], -s))
    return range(first, first + length)
