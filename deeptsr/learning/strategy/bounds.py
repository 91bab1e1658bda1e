"""Every threshold of a decision, with what was measured on either side of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BOUNDS", "CERTAIN", "KEPT", "LIKELY", "SURE", "UNSEEN", "Bound"]


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

LIKELY, CERTAIN = 0.6, 0.75
"""How likely the judge has to be right, on the average over what moves, for "likely" and "sure",
where a specialist leads: a coin has 0.5. Conventions, not measured."""

BOUNDS: dict[str, Bound] = {}
