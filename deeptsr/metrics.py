"""How close a clip is to the truth: PSNR and SSIM.

A clip's figure is the mean of its frames' figures, as papers on frame interpolation report it, not
the figure of the pooled error: one bad frame weighs as much as one good frame, no more. All work
goes frame by frame, so the memory does not depend on the length of the clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deeptsr.errors import InputError

__all__ = ["psnr", "psnr_frames", "ssim", "ssim_frames"]

Clip = torch.Tensor | NDArray[Any]  # (T, H, W, C) in [0, 1]

# The constants of the paper that introduced SSIM (Wang et al., 2004), for a range of 1.
SIGMA = 1.5  # pixels, of the Gaussian window
REACH = 5  # the window ends 3.5 sigma from its middle: 11 x 11 pixels
STABLE_MEAN = 0.01**2
STABLE_VARIANCE = 0.03**2


def psnr(a: Clip, b: Clip) -> float:
    """Peak signal-to-noise ratio of a clip: the mean over its frames.

    Example: a clip that is off by 0.1 everywhere has 20 dB.

    Args:
        a: clip (T, H, W, C) in [0, 1], a tensor or an array.
        b: the other clip, the same shape. The order does not matter.

    Returns:
        Decibels for a peak of 1; infinite as soon as one frame is equal in both.

    Raises:
        InputError: if the shapes differ, or the clips are empty.
    """
    return float(psnr_frames(a, b).mean())


def psnr_frames(a: Clip, b: Clip) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each frame, over all of its pixels and channels.

    Args:
        a: clip (T, H, W, C) in [0, 1], a tensor or an array.
        b: the other clip, the same shape.

    Returns:
        Decibels (T,) for a peak of 1; infinite for a frame that is equal in both.

    Raises:
        InputError: if the shapes differ, or the clips are empty.
    """
    errors = [(x - y).square().mean(dtype=torch.float64).item() for x, y in _frames(a, b)]
    with np.errstate(divide="ignore"):  # equal frames: infinite, by definition
        decibels: NDArray[np.float64] = -10 * np.log10(np.array(errors))
    return decibels


def ssim(a: Clip, b: Clip) -> float:
    """Structural similarity of a clip: the mean over its frames.

    Args:
        a: clip (T, H, W, C) in [0, 1], a tensor or an array.
        b: the other clip, the same shape. The order does not matter.

    Returns:
        At most 1, which only equal clips reach.

    Raises:
        InputError: if the shapes differ, or the frames are smaller than the window of 11 x 11.
    """
    return float(ssim_frames(a, b).mean())


def ssim_frames(a: Clip, b: Clip) -> NDArray[np.float64]:
    """Structural similarity of each frame: Gaussian window, each channel by itself, then the mean.

    The window (sigma 1.5 pixels, 11 x 11) stays inside the picture: no border is made up. The
    same as scikit-image's ``gaussian_weights=True, use_sample_covariance=False``.

    Args:
        a: clip (T, H, W, C) in [0, 1], a tensor or an array.
        b: the other clip, the same shape.

    Returns:
        (T,), at most 1.

    Raises:
        InputError: if the shapes differ, or the frames are smaller than the window of 11 x 11.
    """
    if min(a.shape[1:3], default=0) < 2 * REACH + 1:
        raise InputError(
            f"got frames of {tuple(a.shape[1:3])} pixels; SSIM looks at windows of 11 x 11: "
            "compare larger frames"
        )
    return np.array([_ssim(x, y) for x, y in _frames(a, b)])


def _frames(a: Clip, b: Clip) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Go through both clips frame by frame, each (H, W, C), float32, on the first one's device."""
    if a.shape != b.shape or len(a.shape) != 4 or 0 in a.shape:
        raise InputError(
            f"got clips of shapes {tuple(a.shape)} and {tuple(b.shape)}; expected two equal shapes "
            "(T, H, W, C) with at least one frame: compare a clip with its own truth"
        )
    for x, y in zip(a, b, strict=True):
        first = torch.as_tensor(x, dtype=torch.float32)
        yield first, torch.as_tensor(y, dtype=torch.float32, device=first.device)


def _ssim(x: torch.Tensor, y: torch.Tensor) -> float:
    """Structural similarity of two pictures (H, W, C)."""
    moments = torch.stack([x, y, x * x, y * y, x * y])  # (5, H, W, C)
    planes = moments.permute(0, 3, 1, 2).flatten(0, 1)  # (5 * C, H, W)
    offset = torch.arange(-REACH, REACH + 1, dtype=torch.float32, device=x.device)
    window = torch.softmax(-offset.square() / (2 * SIGMA**2), dim=0)  # a Gaussian that sums to 1
    count = len(planes)
    # Grouped by plane: five times as fast on a CPU as planes that stand in the batch dimension.
    kernel = window.expand(count, 1, 1, -1).contiguous()  # (5 * C, 1, 1, 11)
    planes = torch.nn.functional.conv2d(planes[None], kernel, groups=count)
    planes = torch.nn.functional.conv2d(planes, kernel.mT.contiguous(), groups=count)[0]
    mean_x, mean_y, xx, yy, xy = planes.view(5, -1, *planes.shape[1:])  # each (C, H - 10, W - 10)
    covariance = xy - mean_x * mean_y
    variances = xx - mean_x.square() + yy - mean_y.square()
    structure = (2 * covariance + STABLE_VARIANCE) / (variances + STABLE_VARIANCE)
    lightness = (2 * mean_x * mean_y + STABLE_MEAN) / (
        mean_x.square() + mean_y.square() + STABLE_MEAN
    )
    return float((structure * lightness).mean(dtype=torch.float64).item())
