"""At which size a climb begins that knows motion beforehand: a slower camera tells.

Motion of few pixels a frame is restored best, and detail of many pixels. A camera of half the rate
sees the same motion twice as far from frame to frame, which is the same picture at half the size
(down the diagonal of figure 7). So the size that is best for its frames, of which the truth is
known, is half of the size that is best for the video's.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import resize
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict

__all__ = ["SLOWER", "best_size", "error_of_slower"]

SLOWER = 2  # times that the camera is
_LOOKED_AT, _FEWEST = 6_000_000, 16  # pixels x frames that are restored, and frames in any case
_ENDS = 1  # frames of the slower camera at each end that do not count: they know one side


def best_size(
    network: StepNetwork, clip: Tensor, sizes: Sequence[Fraction], precision: torch.dtype
) -> Fraction:
    """Choose the size at which a network restores a clip best.

    Args:
        network: that knows motion; of any step.
        clip: volume (T, H, W, 3) in [0, 1], T >= 4.
        sizes: shares of the frame's sides, to choose from.
        precision: of the convolutions.

    Returns:
        The one at half of which the frames of a camera of half the rate are restored with the least
        mean square error, at full size.
    """
    height, width = clip.shape[1:3]
    wanted = max(_FEWEST, _LOOKED_AT // (height * width)) // SLOWER * SLOWER
    many = min(wanted, len(clip) // SLOWER * SLOWER)
    first, ends = (len(clip) - many) // 2, SLOWER * min(_ENDS, (many // SLOWER - 1) // 2)
    middle, counted = clip[first : first + many], range(ends, many - ends)

    def error(size: Fraction) -> float:
        return error_of_slower(network, middle, size, counted, precision)

    return min(sizes, key=error)


def error_of_slower(
    network: StepNetwork, clip: Tensor, size: Fraction, counted: range, precision: torch.dtype
) -> float:
    """How a network restores what a camera of half the rate sees of a clip.

    Args:
        network: of any step.
        clip: volume (T * 2, H, W, 3) in [0, 1].
        size: at which the clip itself is to be taken: this is half as large.
        counted: frames of the clip that count.
        precision: of the convolutions.

    Returns:
        Mean square error, at the clip's size.
    """
    height, width = clip.shape[1:3]
    slow = expose(clip, SLOWER, network.exposure)
    small = resize(slow, Stage(size / SLOWER, 1, 1).size(height, width)).clamp(0, 1)
    made = resize(predict(network, small, precision=precision), (height, width))
    restored = correct(made, slow, SLOWER, network.exposure)
    return float((restored - clip)[counted.start : counted.stop].square().mean())
