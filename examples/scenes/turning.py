"""What turns about the centre of the picture: a fan, a dotted wheel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.scenes.film import Film, Plane
from examples.scenes.pictures import disc, polar, texture

__all__ = ["ROTORS", "Rotor", "fan", "rotation_truth", "spokes", "wheel"]

SUPERSAMPLES = 3  # points a pixel side at which an edge is evaluated


@dataclass(frozen=True)
class Rotor:
    """Something with equal spokes that turns about the centre of the picture."""

    folds: int  # equal spokes: the picture repeats every 360 / folds degrees
    start_speed: float  # degrees an LTR frame at the beginning, > 0
    end_speed: float  # degrees an LTR frame at the end, > 0
    inner: float  # radius where the pattern begins, as a share of the picture's side
    outer: float  # radius where it ends, the same unit

    def angle(self, time: float, frames: int) -> float:
        """Angle at a time (LTR frames), in degrees: the integral of a speed that grows linearly."""
        growth = (self.end_speed - self.start_speed) / frames
        return self.start_speed * time + growth * time * time / 2


ROTORS = {
    # A step of 40 degrees between blades 72 apart looks like one of -32: the fan seems to reverse.
    "fan": Rotor(folds=5, start_speed=40, end_speed=40, inner=0.09, outer=0.43),
    "fan-spinup": Rotor(folds=5, start_speed=10, end_speed=48, inner=0.09, outer=0.43),
    "wheel": Rotor(folds=6, start_speed=38, end_speed=38, inner=0.10, outer=0.40),
}


def rotation_truth(name: str, frames: int, factor: int) -> NDArray[np.float64]:
    """How far a rotor turns between the middles of successive HTR frames.

    Args:
        name: one of :data:`ROTORS`.
        frames: LTR frames of the clip.
        factor: HTR frames an LTR frame.

    Returns:
        Degrees, (frames * factor - 1,), not folded into the range that can be told apart.
    """
    middles = (np.arange(frames * factor) + 0.5) / factor
    return np.diff([ROTORS[name].angle(time, frames) for time in middles])


def fan(rotor: Rotor, size: int, frames: int, rng: np.random.Generator) -> Film:
    """Build five light blades of 12 degrees and a hub before a textured wall."""
    radius, _ = polar(size, 1)
    wall = texture(size, rng, low=0.10, high=0.42)
    blade = np.array([0.93, 0.90, 0.82], np.float32) * (1 - 0.15 * radius / size)[..., None]
    hub = disc(size, rotor.inner * 1.15)

    def half_width(r: Plane) -> Plane:
        return np.where((r > 0.5 * rotor.inner) & (r < rotor.outer), 6.0, 0.0)

    def paint(coverage: Plane) -> Plane:
        turning = wall + coverage[..., None] * (blade - wall)
        return turning + hub[..., None] * (np.array([0.25, 0.27, 0.32], np.float32) - turning)

    return spokes(rotor, size, frames, half_width, paint)


def wheel(rotor: Rotor, size: int, frames: int, rng: np.random.Generator) -> Film:
    """Build a dark wheel with three rings of six light dots."""
    radius, _ = polar(size, 1)
    wall = texture(size, rng, low=0.2, high=0.7)
    plate = wall + disc(size, rotor.outer + 0.05)[..., None] * (
        np.array([0.12, 0.13, 0.20], np.float32) - wall
    )
    share = np.clip(radius / size / rotor.outer, 0, 1)[..., None]
    dots = np.array([0.95, 0.55, 0.2]) * share + np.array([0.6, 0.9, 0.95]) * (1 - share)
    rings = ((0.14, 0.036), (0.235, 0.048), (0.345, 0.055))  # (ring's radius, dot's radius)

    def half_width(r: Plane) -> Plane:
        width = np.zeros_like(r)
        for ring, dot in rings:
            # Law of cosines: the angle at which a circle about the centre enters the dot.
            cosine = (r * r + ring * ring - dot * dot) / np.maximum(2 * r * ring, 1e-9)
            width += np.degrees(np.arccos(np.clip(cosine, -1, 1))) * (np.abs(r - ring) < dot)
        return width

    def paint(coverage: Plane) -> Plane:
        return plate + coverage[..., None] * (dots.astype(np.float32) - plate)

    return spokes(rotor, size, frames, half_width, paint)


def spokes(
    rotor: Rotor,
    size: int,
    frames: int,
    half_width: Callable[[Plane], Plane],
    paint: Callable[[Plane], Plane],
) -> Film:
    """Expose equal turning spokes in closed form.

    A point sees a square wave of the angle: covered within ``half_width`` of a spoke. The wave's
    antiderivative at the two ends of the exposure gives the covered share of time, without any
    sampling of time (the speed is taken as constant within one HTR frame).
    """
    radius, angle = polar(size, SUPERSAMPLES)
    period = 360.0 / rotor.folds
    width = half_width(radius / size).astype(np.float32)

    def antiderivative(offset: Plane) -> Plane:
        turns = np.floor(offset / period + 0.5)
        offset = offset - period * turns
        covered: Plane = np.clip(offset, -width, width) + 2 * width * turns
        return covered

    def expose(start: float, end: float) -> Plane:
        first, last = rotor.angle(start, frames), rotor.angle(end, frames)
        step = last - first
        first = first % period  # float32 keeps its digits
        covered = antiderivative(angle - first) - antiderivative(angle - (first + step))
        return paint(_shrink(covered / np.float32(step)))

    return expose


def _shrink(fine: Plane) -> Plane:
    """Mean of the sample points of each pixel, (n, n) -> (H, W)."""
    total = np.add.reduceat(fine, np.arange(0, fine.shape[0], SUPERSAMPLES), axis=0)
    total = np.add.reduceat(total, np.arange(0, fine.shape[1], SUPERSAMPLES), axis=1)
    shrunk: Plane = total / np.float32(SUPERSAMPLES**2)
    return shrunk
