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


UNSEEN = 1.0
"""Change of interpolation, 8-bit levels, that is not worth its risk: nobody can see less."""

SURE = 0.4
"""Agreement from which a result is called sure: by its own estimate it takes away that much of
what interpolation is wrong by. A convention, not measured: all that agrees went the right way."""

AGREES = Bound(0.06, (0.0, 0.02), (0.11, 0.69), "What a result says of itself")
"""Agreement from which an expert knows what it sees, and below which a result is a guess."""

BOUNDS = {"agrees": AGREES}
