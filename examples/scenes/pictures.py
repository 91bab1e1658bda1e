"""Pictures that stand still: walls, a collage, a photograph."""

from __future__ import annotations

import numpy as np

from examples.scenes.film import Plane, Volume

__all__ = ["collage", "disc", "photograph", "polar", "texture"]


def polar(size: int, supersamples: int) -> tuple[Plane, Plane]:
    """Radius (pixels) and angle (degrees) of every sample point, each (n, n), n = size * samples.

    The centre is the middle of the picture: pixel coordinate (size - 1) / 2.
    """
    axis = (np.arange(size * supersamples, dtype=np.float32) + 0.5) / supersamples - size / 2
    y, x = axis[:, None], axis[None]
    return np.hypot(x, y), np.degrees(np.arctan2(y, x)).astype(np.float32)


def disc(size: int, share: float) -> Plane:
    """Cover of a still disc about the centre, radius a share of the side, (H, W)."""
    radius, _ = polar(size, 1)
    cover: Plane = np.clip(share * size + 0.5 - radius, 0, 1)
    return cover


def texture(size: int, rng: np.random.Generator, *, low: float, high: float) -> Volume:
    """Coloured noise, smooth as a photograph out of focus is, (H, W, 3) in [low, high]."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]) * size
    # Falls from three cycles a picture on, and ends near 0.35 cycles a pixel, before it can alias.
    envelope = np.exp(-((frequency / (0.35 * size)) ** 4)) / np.maximum(frequency, 3) ** 1.5
    noise = np.fft.rfft2(rng.standard_normal((size, size, 4)), axes=(0, 1))
    fields = np.fft.irfft2(noise * envelope[..., None], s=(size, size), axes=(0, 1))
    fields /= fields.std(axis=(0, 1))
    mixed = 0.9 * fields[..., :1] + 0.44 * fields[..., 1:]  # a shared lightness and a colour
    # Clipped at 2.5 deviations.
    return (low + (high - low) * np.clip(0.5 + mixed / 5, 0, 1)).astype(np.float32)


def collage(side: int, size: int, rng: np.random.Generator) -> Volume:
    """Strew a texture with discs and boxes, (side, side, 3), periodic in both directions."""
    canvas = 0.6 * texture(side, rng, low=0.1, high=0.9) + 0.15
    y, x = np.mgrid[:side, :side].astype(np.float32)
    for index in range(60):
        cx, cy = rng.uniform(0, side, 2)
        reach = rng.uniform(0.03, 0.11) * size
        dx = np.abs((x - cx + side / 2) % side - side / 2)
        dy = np.abs((y - cy + side / 2) % side - side / 2)
        distance = np.hypot(dx, dy) if index % 2 else np.maximum(dx, dy * rng.uniform(0.5, 2))
        cover = _edge(reach - distance)
        canvas += cover[..., None] * (rng.uniform(0.1, 0.9, 3).astype(np.float32) - canvas)
    return canvas


def photograph(side: int, size: int, rng: np.random.Generator) -> Volume:
    """Lay things over each other as a photograph shows them, (side, side, 3), periodic.

    Discs and boxes hide each other, of all sizes, as many of each as its area is small: so the
    spectrum falls as that of photographs does (about 1 / frequency) and there are edges everywhere.
    Each has its own colour, shade and grain.
    """
    grain = texture(side, rng, low=-1, high=1)
    grain = 0.3 * grain + 0.7 * grain.mean(2, keepdims=True)
    canvas = 0.45 + 0.3 * grain
    smallest, largest = 0.012 * size, 0.3 * size
    for _ in range(500 * side * side // size**2):
        share = rng.uniform()
        reach = (share * smallest**-2 + (1 - share) * largest**-2) ** -0.5
        cx, cy = rng.uniform(0, side, 2)
        turn, slim = rng.uniform(0, np.pi), rng.uniform(0.35, 1)
        span = np.arange(-np.ceil(reach) - 2, np.ceil(reach) + 3)
        rows, columns = (cy // 1 + span).astype(int) % side, (cx // 1 + span).astype(int) % side
        y, x = (span - cy % 1)[:, None], (span - cx % 1)[None]
        u, v = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
        if rng.uniform() < 0.5:
            inside = (1 - np.hypot(u, v / slim) / reach) * reach * slim
        else:
            inside = 0.7 * reach - np.maximum(np.abs(u), np.abs(v) + 0.7 * reach * (1 - slim))
        warm, green = rng.normal(0, [0.09, 0.03])  # as daylight and leaves have it
        colour = rng.uniform(0.1, 0.85) + np.array([warm, green, -warm])
        shade = 0.12 * rng.normal() * u / reach
        thing = colour + shade[..., None] + rng.uniform(0, 0.3) * grain[np.ix_(rows, columns)]
        here = canvas[np.ix_(rows, columns)]
        canvas[np.ix_(rows, columns)] += _edge(inside)[..., None] * (thing - here)
    clipped: Volume = np.clip(canvas, 0.04, 0.96).astype(np.float32)
    return clipped


def _edge(inside: Plane) -> Plane:
    """Cover from the distance to an edge, pixels, positive inside.

    An edge two pixels wide: a sharper one would ring as a Fourier series.
    """
    cover: Plane = 0.5 + 0.5 * np.sin(np.pi / 2 * np.clip(inside, -1, 1))
    return cover
