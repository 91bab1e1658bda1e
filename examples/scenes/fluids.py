"""What has no shape of its own: fire, water."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from examples.scenes.film import Film, Plane, Volume, sampled
from examples.scenes.pictures import photograph, texture

__all__ = ["fire", "water"]

DENSITY = 24  # instants an LTR frame: half a pixel each
LASTS = 26  # LTR frames from a drop to the next at its place
DEEP = 0.012  # sides by which a slope of 1 moves what is seen


def fire(size: int, rng: np.random.Generator) -> Film:
    """Build flames: layers of noise that rise at three speeds and sway, and a flickering glow."""
    wall = texture(size, rng, low=0.03, high=0.2)
    layers = (  # noise, rise in sides a frame, strength
        (_noise(size, rng, 2, 7), 0.016, 0.55),
        (_noise(size, rng, 5, 16), 0.028, 0.34),
        (_noise(size, rng, 12, 30), 0.045, 0.17),
    )
    y, x = np.mgrid[:size, :size].astype(np.float32)
    height, across = 1 - (y + 0.5) / size, (x + 0.5) / size - 0.5
    # Hot at the foot and in the middle, cold above.
    shape = 1.15 - 1.9 * height - 5.5 * across**2 * (0.4 + height)

    def picture(time: float) -> Volume:
        turns = 2 * np.pi * time
        sway = 0.10 * height * np.sin(5 * height - turns / 13)
        sway = sway + 0.03 * np.sin(16 * height - turns / 7)
        heat = shape + 0.10 * np.sin(turns / 5.3) * (1 - height)
        for noise, rise, strength in layers:
            stretched = 0.6 * y + rise * size * time  # flames are taller than wide
            heat = heat + strength * _look_up(noise, stretched, x + sway * size)
        heat = np.clip(heat, 0, 1)[..., None]
        glow = 0.10 + 0.04 * np.sin(turns / 5.3)
        light = np.clip(heat * [2.6, 1.9, 1.5] - [0.1, 0.5, 0.95], 0, 1)
        lit = wall * (1 + 8 * glow * (1 - height[..., None]) * [1.6, 1.0, 0.6])
        shown: Volume = (1 - (1 - lit) * (1 - light)).astype(np.float32)
        return shown

    return sampled(picture, DENSITY)


def water(size: int, rng: np.random.Generator) -> Film:
    """Look through rippled water at stones: they dance, light gathers, and drops make rings."""
    stones = photograph(size, size, rng) * [0.62, 0.80, 0.76] + [0.0, 0.06, 0.09]
    k, there, back = _waves(size, rng)
    omega = 2 * np.pi * 0.05 * np.sqrt(np.hypot(*k))  # deep water: long waves are faster
    y, x = np.mgrid[:size, :size].astype(np.float32)
    drops = [(rng.uniform(0.15, 0.85, 2), rng.uniform(0, LASTS)) for _ in range(4)]

    def picture(time: float) -> Volume:
        turn = np.exp(-1j * omega * time)
        waves = there * turn + back * turn.conj()
        down, right, bend = (
            np.fft.irfft2(term * waves, s=(size, size))
            for term in (1j * k[0], 1j * k[1], -np.hypot(*k))
        )
        bend = 0.8 * bend
        for (row, column), offset in drops:
            dy, dx = (y + 0.5) / size - row, (x + 0.5) / size - column
            slope, fold, radius = _ring(np.hypot(dy, dx), (time + offset) % LASTS)
            down, right, bend = down + slope * dy / radius, right + slope * dx / radius, bend + fold
        seen = np.stack(
            [
                _look_up(stones[..., c], y + DEEP * size * down, x + DEEP * size * right)
                for c in range(3)
            ],
            -1,
        )
        gathered = np.clip(1 - 0.25 * bend, 0.5, 1.8)[..., None]
        glint = np.clip((-0.8 * down - 0.6 * right - 1.6) / 0.8, 0, 1)[..., None]
        return np.clip(seen * gathered + 0.7 * glint, 0, 1).astype(np.float32)

    return sampled(picture, DENSITY)


def _waves(
    size: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.complex128], NDArray[np.complex128]]:
    """Wave numbers (2, n, m) in cycles a side; amplitudes of waves that come and that go.

    Most go one way. Slopes have a deviation of about 1.
    """
    ky, kx = np.meshgrid(np.fft.fftfreq(size) * size, np.fft.rfftfreq(size) * size, indexing="ij")
    k = np.hypot(ky, kx)
    band = np.where((k >= 3) & (k <= 24) & (kx > 0), np.maximum(k, 1) ** -2.2, 0)
    one_way = np.cos(np.arctan2(ky, kx) - 0.6) ** 2
    there, back = (
        (rng.normal(size=k.shape) + 1j * rng.normal(size=k.shape)) * band * share
        for share in (one_way, 0.25)
    )
    slopes = [np.fft.irfft2(1j * n * (there + back), s=(size, size)) for n in (ky, kx)]
    deviation = np.hypot(*slopes).mean()
    return np.stack([ky, kx]), there / deviation, back / deviation


def _ring(radius: Plane, age: float) -> tuple[Plane, Plane, Plane]:
    """Slope and bend of a ring that a drop made ``age`` frames ago; the radius, never 0."""
    behind = radius - 0.022 * age
    train = np.exp(-((behind / 0.05) ** 2)) * np.exp(-age / 9) * min(1.0, age / 2)
    phase = behind * (2 * np.pi / 0.055)
    return 2.5 * train * np.sin(phase), 4 * train * np.cos(phase), np.maximum(radius, 1e-3)


def _noise(size: int, rng: np.random.Generator, low: float, high: float) -> Plane:
    """Periodic noise of some cycles a side, deviation 1, (H, W)."""
    k = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]) * size
    band = (k >= low) & (k <= high)
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * band, s=(size, size))
    scaled: Plane = (noise / noise.std()).astype(np.float32)
    return scaled


def _look_up(picture: Plane, y: Plane, x: Plane) -> Plane:
    """Read a periodic picture between its pixels, bilinearly."""
    found: Plane = map_coordinates(picture, [y, x], order=1, mode="grid-wrap")
    return found
