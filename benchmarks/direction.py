"""Does a fan turn the right way? The rotation from frame to frame, measured on the frames alone.

PSNR rewards a blurred compromise. A fan that turns backwards is wrong whatever its PSNR, so here
the angle itself is measured: pictures become polar, and the shift that best carries one onto the
next is found by correlation over the angle.

Angles are degrees and grow clockwise as seen on the screen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "EVEN",
    "FORWARD",
    "deviations",
    "rotation_between",
    "rotations",
    "share_right",
    "wrap",
]

EVEN = 0.2  # deviation, as a share of the truth, up to which a pair turns as far as the truth,
FORWARD = 0.5  # and up to which it turns the truth's way: by half to one and a half of its angle

ANGLES = 360  # samples a turn of the polar picture: spokes narrower than 2 degrees are not seen
RADII = 24  # samples from the inner to the outer radius
GRID = 0.25  # degrees between the shifts tried; a parabola refines the best of them
FAINT = 1e-5  # share of full contrast (root mean square) below which there is nothing to correlate

Array = NDArray[np.floating[Any]]


def wrap(degrees: ArrayLike, folds: int) -> NDArray[np.float64]:
    """Fold angles into the range that ``folds`` equal spokes can tell apart: [-180, 180) / folds.

    Example: between five spokes, 40 degrees look like ``wrap(40, 5) == -32``.
    """
    period = 360 / folds
    return (np.asarray(degrees, np.float64) + period / 2) % period - period / 2


def rotation_between(
    a: Array,
    b: Array,
    center: tuple[float, float],
    radii: tuple[float, float],
    *,
    folds: int = 5,
    background: Array | None = None,
) -> float:
    """Angle by which the spokes of ``a`` must turn to become those of ``b``.

    Args:
        a: picture (H, W, C) in [0, 1].
        b: the next picture, the same shape.
        center: (row, column) of the axis, pixels.
        radii: inner and outer radius between which the spokes lie, pixels.
        folds: equal spokes.
        background: what stands still, (H, W, C), such as the mean of the clip. Without it, a
            textured wall pulls the answer towards 0.

    Returns:
        Degrees in [-180 / folds, 180 / folds], or NaN where a picture shows no spokes at all.
    """
    still = np.zeros_like(a) if background is None else background
    first, second = (_harmonics(_polar(frame - still, center, radii), folds) for frame in (a, b))
    return _best_shift(first, second, folds)


def rotations(
    frames: Array, center: tuple[float, float], radii: tuple[float, float], *, folds: int = 5
) -> NDArray[np.float64]:
    """Angle between each frame and the next; the clip's mean is taken as what stands still.

    Args:
        frames: clip (T, H, W, C) in [0, 1].
        center: (row, column) of the axis, pixels.
        radii: inner and outer radius between which the spokes lie, pixels.
        folds: equal spokes.

    Returns:
        Degrees (T - 1,), each as :func:`rotation_between` has it.
    """
    rings = np.stack([_polar(frame, center, radii) for frame in frames])  # (T, C, radius, angle)
    spectra = _harmonics(rings - rings.mean(axis=0), folds)
    return np.array([_best_shift(a, b, folds) for a, b in pairwise(spectra)])


def deviations(
    frames: Array,
    truth_degrees: ArrayLike,
    *,
    center: tuple[float, float] | None = None,
    radii: tuple[float, float] | None = None,
    folds: int = 5,
) -> NDArray[np.float64]:
    """How far each successive pair turns from the truth, degrees.

    Args:
        frames: clip (T, H, W, C) in [0, 1].
        truth_degrees: degrees a frame, one number or (T - 1,).
        center: (row, column) of the axis, pixels; the middle of the picture if not given.
        radii: where the spokes lie, pixels; 0.15 to 0.42 of the height if not given.
        folds: equal spokes.

    Returns:
        (T - 1,), 0 to 180 / folds. A pair without visible spokes is NaN, which compares as wrong.

    Raises:
        ValueError: for less than two frames.
    """
    if len(frames) < 2:
        raise ValueError(f"got {len(frames)} frame; expected at least 2 to see a rotation")
    height, width = frames.shape[1:3]
    found = rotations(
        frames,
        center or ((height - 1) / 2, (width - 1) / 2),
        radii or (0.15 * height, 0.42 * height),
        folds=folds,
    )
    return np.abs(wrap(found - np.asarray(truth_degrees, np.float64), folds))


def share_right(
    frames: Array, truth_degrees: ArrayLike, tolerance: float = EVEN, **where: Any
) -> float:
    """Share in [0, 1] of the successive pairs that turn as the truth does.

    Args:
        frames: clip (T, H, W, C) in [0, 1].
        truth_degrees: degrees a frame, one number or (T - 1,).
        tolerance: deviation allowed, as a share of the truth. Five spokes that truly turn by 20
            degrees and seem to turn by -16 are far outside any useful one.
        where: as in :func:`deviations`.
    """
    allowed = tolerance * np.abs(truth_degrees)
    return float(np.mean(deviations(frames, truth_degrees, **where) <= allowed))


def _polar(frame: Array, center: tuple[float, float], radii: tuple[float, float]) -> Array:
    """Resample a picture bilinearly, (H, W, C) -> (C, radius, angle)."""
    angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    radius = np.linspace(*radii, RADII)[:, None]
    row = np.clip(center[0] + radius * np.sin(angle), 0, frame.shape[0] - 1.001)
    column = np.clip(center[1] + radius * np.cos(angle), 0, frame.shape[1] - 1.001)
    top, left = row.astype(int), column.astype(int)
    down, right = (row - top)[..., None], (column - left)[..., None]
    upper = frame[top, left] * (1 - right) + frame[top, left + 1] * right
    lower = frame[top + 1, left] * (1 - right) + frame[top + 1, left + 1] * right
    sampled: Array = np.moveaxis(upper * (1 - down) + lower * down, -1, 0)  # (C, radius, angle)
    return sampled


def _harmonics(rings: Array, folds: int) -> NDArray[np.complex128]:
    """Fourier terms that equal spokes can have, (..., radius, angle) -> (..., radius, term).

    All other terms belong to something else, such as what is left of the wall.
    """
    spectrum: NDArray[np.complex128] = np.fft.rfft(rings, axis=-1)[..., folds::folds] / ANGLES
    return spectrum


def _best_shift(a: NDArray[np.complex128], b: NDArray[np.complex128], folds: int) -> float:
    """Peak of the circular correlation over the angle, degrees; NaN without any contrast."""
    if min(np.sqrt(np.mean(np.abs(a) ** 2)), np.sqrt(np.mean(np.abs(b) ** 2))) < FAINT:
        return float("nan")
    cross = (a.conj() * b).reshape(-1, a.shape[-1]).sum(axis=0)  # one number a term
    order = folds * np.arange(1, len(cross) + 1)
    shifts = np.arange(-180 / folds, 180 / folds, GRID)
    score = (cross * np.exp(1j * np.radians(shifts)[:, None] * order)).real.sum(axis=1)
    best = int(score.argmax())
    left, peak, right = score[best - 1], score[best], score[(best + 1) % len(score)]
    bend = left - 2 * peak + right
    offset = 0.5 * (left - right) / bend if bend else 0.0
    return float(wrap(shifts[best] + GRID * offset, folds))
