"""Pictures that move as a whole: a pan, camera shake, a slow drift.

Each is a Fourier series, so to shift it is a phase a frequency: exact, without resampling.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from examples.scenes.film import Film, Plane, Volume, instants
from examples.scenes.pictures import collage, photograph

__all__ = ["pan", "shake", "slow"]

Times = NDArray[np.float64]  # LTR frames
DENSITY = 64  # instants an LTR frame: they cost one row of a matrix each


def pan(size: int, rng: np.random.Generator) -> Film:
    """Build a collage that slides 7.3 pixels a frame to the left and 0.9 down.

    A shift during the exposure is a phase and a sinc a frequency: exact in time too.
    """
    side = 2 * size
    spectrum = np.fft.rfft2(collage(side, size, rng), axes=(0, 1))
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    scale = size / 256  # the speed keeps its share of the picture
    cycles = fx * (7.3 * scale) + fy * (-0.9 * scale)  # cycles a frame at every frequency

    def expose(start: float, end: float) -> Plane:
        phase = np.exp(1j * np.pi * cycles * (start + end)) * np.sinc(cycles * (end - start))
        moved = np.fft.irfft2(spectrum * phase[..., None], s=(side, side), axes=(0, 1))
        return moved[:size, :size].astype(np.float32)

    return expose


def shake(size: int, rng: np.random.Generator) -> Film:
    """Hold a camera by hand before a photograph: it sways, and trembles within a frame's time."""

    def path(time: Times) -> tuple[Times, Times]:
        turns = 2 * np.pi * time
        across = 8 * np.sin(turns / 11.3) + 2.6 * np.sin(turns / 4.1 + 1) + np.sin(turns / 2.3)
        down = 6 * np.sin(turns / 13.7 + 2) + 2.2 * np.sin(turns / 3.7) + np.sin(turns / 2.1 + 1)
        return across, down

    return _moved(photograph(2 * size, size, rng), path, size)


def slow(size: int, rng: np.random.Generator) -> Film:
    """Drift over a photograph, less than half a pixel a frame: interpolation does well here."""

    def path(time: Times) -> tuple[Times, Times]:
        return 5 * np.sin(2 * np.pi * time / 95), 4 * np.sin(2 * np.pi * time / 70 + 1)

    return _moved(photograph(2 * size, size, rng), path, size)


def _moved(canvas: Volume, path: Callable[[Times], tuple[Times, Times]], size: int) -> Film:
    """Expose a periodic picture that follows a path (pixels of a picture of 256 x 256).

    The mean over the instants is taken of the phases, so that the exposure costs one transform.
    """
    side = len(canvas)
    spectrum = np.fft.rfft2(canvas, axes=(0, 1))
    fy, fx = np.fft.fftfreq(side), np.fft.rfftfreq(side)

    def expose(start: float, end: float) -> Plane:
        across, down = (way * size / 256 for way in path(instants(start, end, DENSITY)))
        rows = np.exp(2j * np.pi * down[:, None] * fy)  # (instants, side)
        columns = np.exp(2j * np.pi * across[:, None] * fx)  # (instants, side // 2 + 1)
        phase = rows.T @ columns / len(rows)
        moved = np.fft.irfft2(spectrum * phase[..., None], s=(side, side), axes=(0, 1))
        return moved[:size, :size].astype(np.float32)

    return expose
