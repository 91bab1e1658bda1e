"""Scenes of video: a camera that pans over a texture."""

import numpy as np
from scipy.ndimage import gaussian_filter

HEIGHT, WIDTH = 72, 96


def texture(seed, height=HEIGHT, width=WIDTH):
    """Soft blots and hard bars of random size and colour, (H, W, 3) in [0, 1]."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for spread in (2, 5, 12):
        blots = gaussian_filter(rng.standard_normal((height, width, 3)), (spread, spread, 0))
        total += blots / blots.std()
    total = total / 6 + rng.uniform(0.3, 0.7, 3)
    for _ in range(width // 5):
        y, x = rng.integers(height), rng.integers(width)
        total[y : y + rng.integers(3, 30), x : x + rng.integers(3, 30)] = rng.uniform(0, 1, 3)
    return total.clip(0, 1).astype(np.float32)


def scene(seed, frames, speed=3):
    """A camera that pans over a texture."""
    wide = texture(seed, width=WIDTH + frames * speed)
    return [wide[:, n * speed : n * speed + WIDTH] for n in range(frames)]


def clip(*scenes):
    """Scenes of (seed, frames), 36 x 48 pixels, dim enough that nothing is clipped."""
    wide = [frame for seed, frames in scenes for frame in scene(seed, frames)]
    return np.stack(wide)[:, ::2, ::2] * 0.4 + 0.3
