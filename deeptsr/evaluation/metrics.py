"""How close a clip is to the truth: PSNR and SSIM, and two measures of how it moves.

A clip's figure is the mean of its frames' figures, as papers on frame interpolation report it, not
the figure of the pooled error: one bad frame weighs as much as one good frame, no more. All work
goes frame by frame, so the memory does not depend on the length of the clip.

::

    psnr_frames, ssim_frames ──▶ psnr, ssim     of clips that are held in memory
    Tally                                       of frames that come one by one, all measures at once
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deeptsr.errors import InputError
from deeptsr.imaging.volume import LUMA

__all__ = ["CEILING", "Tally", "psnr", "psnr_frames", "ssim", "ssim_frames"]

Clip = torch.Tensor | NDArray[Any]  # (T, H, W, C) in [0, 1]
FrameLike = torch.Tensor | NDArray[Any]  # (H, W, C) in [0, 1]

CEILING = 99.0  # dB: what an exact frame counts as where a mean or JSON must stay finite

# The constants of the paper that introduced SSIM (Wang et al., 2004), for a range of 1.
SIGMA = 1.5  # pixels, of the Gaussian window
REACH = 5  # the window ends 3.5 sigma from its middle: 11 x 11 pixels
STRIP = 16  # rows of SSIM at once: what they need stays in the processor's cache, 10 times as fast
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
    return _decibels(np.array([_row_errors(x - y).mean() for x, y in _frames(a, b)]))


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
    return np.array([_ssim(x, y) for x, y in _frames(a, b)])


class Tally:
    """Compares frames with those of the truth as they come, and keeps only figures.

    Attributes:
        psnr: decibels of each frame so far, at most :data:`CEILING`.
        luma: the same of brightness alone.
        ssim: structural similarity of each frame so far.
    """

    def __init__(self) -> None:
        self.psnr: list[float] = []
        self.luma: list[float] = []
        self.ssim: list[float] = []
        self._offsets: list[float] = []  # of a frame's mean from the truth's
        self._rows: NDArray[np.float64] | float = 0.0  # squared error of each row, summed over time

    def add(self, frame: FrameLike, truth: FrameLike) -> None:
        """Compare the next frame.

        Args:
            frame: (H, W, C) in [0, 1].
            truth: the same.

        Raises:
            InputError: if the shapes differ, or the frames are smaller than the window of SSIM.
        """
        ((x, y),) = _frames(frame[None], truth[None])
        difference = x - y
        errors = _row_errors(difference)
        self.psnr.append(float(_decibels(errors.mean()).clip(max=CEILING)))
        self.luma.append(_luma_psnr(difference))
        self.ssim.append(_ssim(x, y))
        self._offsets.append(float(difference.mean(dtype=torch.float64)))
        self._rows += errors

    @property
    def profile(self) -> float:
        """Temporal-profile PSNR: of the x-t slice of each row of the picture, then their mean.

        A slice (T, W, C) is what one row of pixels shows over time. Decibels; a slice that is equal
        in both counts as :data:`CEILING`.
        """
        return float(_decibels(np.asarray(self._rows) / len(self.psnr)).clip(max=CEILING).mean())

    @property
    def flicker(self) -> float:
        """How much brighter or darker frames get than the truth does, from each to the next.

        The mean over neighbours of the absolute difference between both changes of a frame's mean,
        in 8-bit levels (255 is from black to white); 0 for a single frame.
        """
        changes = np.abs(np.diff(self._offsets))
        return float(255 * changes.mean()) if len(changes) else 0.0


def _frames(a: Clip, b: Clip) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Go through both clips frame by frame, each (H, W, C), float32, on the first one's device."""
    if a.shape != b.shape or len(a.shape) != 4 or 0 in a.shape:
        raise InputError(
            f"got clips of shapes {tuple(a.shape)} and {tuple(b.shape)}; expected two equal shapes "
            "(T, H, W, C) with at least one frame: compare a clip with its own truth"
        )
    for x, y in zip(a, b, strict=True):
        first = _tensor(x)
        yield first, _tensor(y).to(first.device)


def _tensor(picture: FrameLike) -> torch.Tensor:
    if isinstance(picture, torch.Tensor):
        return picture.float()
    # torch takes no array that runs backwards, and only with a warning one that is read-only.
    return torch.from_numpy(np.require(picture, np.float32, ["C", "W"]))


def _row_errors(difference: torch.Tensor) -> NDArray[np.float64]:
    """Mean squared error of each row of a difference of pictures (H, W, C): (H,)."""
    return difference.square().mean((1, 2)).double().cpu().numpy()


def _luma_psnr(difference: torch.Tensor) -> float:
    """PSNR of the brightness (BT.601) of a difference of pictures (H, W, C), C = 1 or 3."""
    channels = difference.shape[2]
    weights = difference.new_tensor(LUMA) if channels == 3 else difference.new_ones(channels)
    error = (difference @ (weights / weights.sum())).square().mean(dtype=torch.float64)
    return float(_decibels(np.array(float(error))).clip(max=CEILING))


def _decibels(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):  # equal frames: infinite, by definition
        return np.asarray(-10 * np.log10(errors))


def _ssim(x: torch.Tensor, y: torch.Tensor) -> float:
    """Structural similarity of two pictures (H, W, C)."""
    height, width, channels = x.shape
    if min(height, width) < 2 * REACH + 1:
        raise InputError(
            f"got frames of {width} x {height} pixels; SSIM looks at windows of 11 x 11: "
            "compare larger frames"
        )
    offset = torch.arange(-REACH, REACH + 1, dtype=torch.float32, device=x.device)
    window = torch.softmax(-offset.square() / (2 * SIGMA**2), dim=0)  # a Gaussian that sums to 1
    # Planes are groups: five times as fast on a CPU as planes that stand in the batch dimension.
    kernel = window.expand(4 * channels, 1, 1, -1).contiguous()  # (4 * C, 1, 1, 11)
    pair = torch.stack([x, y]).permute(0, 3, 1, 2).contiguous()  # (2, C, H, W)
    rows = height - 2 * REACH
    total = 0.0
    for top in range(0, rows, STRIP):
        a, b = pair[:, :, top : top + STRIP + 2 * REACH]  # each (C, h, W)
        moments = torch.cat([a, b, a * a + b * b, a * b])[None]  # (1, 4 * C, h, W)
        moments = torch.nn.functional.conv2d(moments, kernel.mT, groups=len(kernel))
        moments = torch.nn.functional.conv2d(moments, kernel, groups=len(kernel))
        total += float(_similarity(*moments[0].chunk(4)).sum(dtype=torch.float64))
    return total / (rows * (width - 2 * REACH) * channels)


def _similarity(
    mean_x: torch.Tensor, mean_y: torch.Tensor, squares: torch.Tensor, product: torch.Tensor
) -> torch.Tensor:
    """Structural similarity of each window, from its weighted means of x, y, x2 + y2 and xy."""
    both, apart = mean_x * mean_y, mean_x.square() + mean_y.square()
    structure = (2 * (product - both) + STABLE_VARIANCE) / (squares - apart + STABLE_VARIANCE)
    return structure * (2 * both + STABLE_MEAN) / (apart + STABLE_MEAN)
