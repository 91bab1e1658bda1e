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

__all__ = ["best_size"]

_SLOWER = 2  # times that the camera is
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
    wanted = max(_FEWEST, _LOOKED_AT // (height * width)) // _SLOWER * _SLOWER
    many = min(wanted, len(clip) // _SLOWER * _SLOWER)
    first = (len(clip) - many) // 2
    truth, exposure = clip[first : first + many], network.exposure
    slow = expose(truth, _SLOWER, exposure)
    ends = _SLOWER * min(_ENDS, (len(slow) - 1) // 2)
    counted = slice(ends, len(truth) - ends)

    def error(size: Fraction) -> float:
        small = resize(slow, Stage(size / _SLOWER, 1, 1).size(height, width)).clamp(0, 1)
        made = predict(network, small, precision=precision)
        restored = correct(resize(made, (height, width)), slow, _SLOWER, exposure)
        return float((restored - truth)[counted].square().mean())

    return min(sizes, key=error)
