"""Every threshold of a decision, with what was measured on either side of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AGREES", "BOUNDS", "SURE", "UNSEEN", "Bound"]


@dataclass(frozen=True)
class Bound:
    """A threshold between two ranges that were measured.

    Attributes:
        value: of the threshold.
        below: what was measured of what belongs below it: least and greatest.
        above: the same of what belongs above it.
        source: the heading in docs/measurements.md that tells how.
    """

    value: float
    below: tuple[float, float]
    above: tuple[float, float]
    source: str


UNSEEN = Bound(1.0, (0.0, 0.5), (1.5, 40.0), "What a result says of itself")
"""Change of interpolation, 8-bit levels, that is not worth its risk: nobody can see it."""

AGREES = Bound(0.1, (0.0, 0.02), (0.16, 1.0), "What a result says of itself")
"""Agreement from which an expert knows what it sees, and below which a result is a guess."""

SURE = Bound(0.4, (0.0, 0.33), (0.46, 1.0), "What a result says of itself")
"""Agreement from which a result is sure."""

BOUNDS = {"unseen": UNSEEN, "agrees": AGREES, "sure": SURE}
