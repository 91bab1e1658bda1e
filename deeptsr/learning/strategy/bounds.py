"""Every threshold of a decision, with what was measured on either side of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BOUNDS", "DOUBT", "KEPT", "SURE", "UNSEEN", "Bound"]


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
what interpolation is wrong by. A convention, not measured."""

KEPT = 0.5
"""Share of what was known that an adapted result has to keep: less is nearer to interpolation than
to that. A convention, not measured."""

DOUBT = Bound(0.5, (-0.6, 0.1), (1.4, 7.0), "What a result says of itself")
"""By how much less a specialist may agree with itself than the general expert, where both do not:
below it are blades near the aliasing limit, above it is what the specialist has not learnt."""

BOUNDS = {"doubt": DOUBT}
