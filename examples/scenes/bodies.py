"""Bodies that move before a wall: a bouncing ball, things that fall and spin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examples.scenes.film import Film, Plane, Volume, sampled
from examples.scenes.pictures import texture

__all__ = ["ball", "falling"]

BODIES = 12
SUBSAMPLES = 12  # instants an HTR frame of the ball
DENSITY = 48  # instants an LTR frame of what falls: half a pixel each at most


def ball(size: int, rng: np.random.Generator) -> Film:
    """Build a striped ball that bounces: slow at the top, fast at the floor."""
    wall = texture(size, rng, low=0.15, high=0.6)
    radius, floor, height = 0.11 * size, 0.80 * size, 0.55 * size
    y, x = np.mgrid[:size, :size].astype(np.float32)

    def place(time: float) -> tuple[float, float]:
        bounce = (time / 21 + 0.35) % 1
        across = (time / 37 + 0.1) % 2
        share = across if across < 1 else 2 - across
        return (0.15 + 0.7 * share) * size, floor - height * 4 * bounce * (1 - bounce)

    def expose(start: float, end: float) -> Plane:
        frame = wall.copy()
        times = start + (end - start) * (np.arange(SUBSAMPLES) + 0.5) / SUBSAMPLES
        places = [place(time) for time in times]
        box = tuple(
            slice(max(0, int(min(axis) - radius - 2)), int(max(axis) + radius + 3))
            for axis in ([cy for _, cy in places], [cx for cx, _ in places])
        )
        total = np.zeros_like(frame[box])
        for cx, cy in places:
            dx, dy = x[box] - np.float32(cx), y[box] - np.float32(cy)
            cover = np.clip(radius + 0.5 - np.hypot(dx, dy), 0, 1)[..., None]
            stripe = np.clip(0.5 + (0.28 * radius - np.abs(dy + 0.3 * dx)), 0, 1)[..., None]
            skin = np.array([0.9, 0.25, 0.15], np.float32) * (1 - stripe) + 0.95 * stripe
            light = np.clip(1 - 0.35 * (dx + dy) / radius, 0.4, 1)[..., None]
            total += wall[box] + cover * (skin * light - wall[box])
        frame[box] = total / SUBSAMPLES
        return frame

    return expose


def falling(size: int, rng: np.random.Generator) -> Film:
    """Let diamonds and bricks of two tones fall ever faster, each spinning at its own rate."""
    wall = texture(size, rng, low=0.12, high=0.5)
    bodies = [_body(index, size, rng) for index in range(BODIES)]

    def picture(time: float) -> Volume:
        frame = wall.copy()
        for body in bodies:
            share = (time / body.lasts + body.row) % 1
            fallen = 0.35 * share + 0.65 * share * share
            cy = (1.3 * fallen - 0.15) * size
            cx = (body.across + body.drift * (share - 0.5)) * size
            _lay(frame, body, cx, cy, np.radians(body.turn + body.spin * time))
        return frame

    return sampled(picture, DENSITY)


@dataclass(frozen=True)
class _Body:
    """A diamond, or a brick with a light band across it."""

    diamond: bool
    row: float  # share of its fall that it has behind it at time 0
    lasts: float  # LTR frames from above the picture to below it
    across: float  # share of the side
    drift: float  # share of the side in one fall
    turn: float  # degrees at time 0
    spin: float  # degrees an LTR frame
    reach: tuple[float, float]  # half its length and half its width, pixels
    light: Volume  # colour, (3,)


def _body(index: int, size: int, rng: np.random.Generator) -> _Body:
    half = rng.uniform(0.06, 0.1) * size
    hue = rng.uniform(0, 2 * np.pi) + np.array([0, 2, 4]) * np.pi / 3
    return _Body(
        diamond=bool(index % 3),
        row=index * 0.618 % 1,  # spread evenly
        lasts=rng.uniform(19, 31),
        across=(0.1 + index * 0.7549) % 1,
        drift=rng.uniform(-0.15, 0.15),
        turn=rng.uniform(0, 360),
        spin=rng.choice([-1, 1]) * rng.uniform(6, 26),
        reach=(half, half * rng.uniform(0.5, 1)),
        light=(0.62 + 0.3 * np.cos(hue)).astype(np.float32),
    )


def _lay(frame: Volume, body: _Body, cx: float, cy: float, turn: float) -> None:
    """Paint a body over a frame, with edges one pixel wide."""
    a, b = body.reach
    far = np.hypot(a, b) + 2
    rows = slice(max(0, int(cy - far)), max(0, int(cy + far) + 2))
    columns = slice(max(0, int(cx - far)), max(0, int(cx + far) + 2))
    place = frame[rows, columns]
    y = np.arange(rows.start, rows.start + place.shape[0], dtype=np.float32)[:, None]
    x = np.arange(columns.start, columns.start + place.shape[1], dtype=np.float32)[None]
    y, x = y - np.float32(cy), x - np.float32(cx)
    sine, cosine = np.float32(np.sin(turn)), np.float32(np.cos(turn))
    u, v = np.abs(cosine * x + sine * y), np.abs(cosine * y - sine * x)
    if body.diamond:
        inside = (1 - u / a - v / b) * (a * b / np.hypot(a, b))
        band = np.clip(0.5 + cosine * x + sine * y, 0, 1)  # half of it light
    else:
        inside = np.minimum(0.85 * a - u, 0.85 * b - v)
        band = np.clip(0.5 + 0.3 * a - u, 0, 1)
    cover = np.clip(0.5 + inside, 0, 1)[..., None].astype(np.float32)
    skin = body.light * (0.35 + 0.65 * band.astype(np.float32)[..., None])
    place += cover * (skin - place)
