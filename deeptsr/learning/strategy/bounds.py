"""Every threshold of a decision."""

from __future__ import annotations

__all__ = ["KEPT", "LIKELY", "SURE", "UNSEEN"]

UNSEEN = 1.0
"""Change of interpolation, 8-bit levels, that is not worth its risk: nobody can see less."""

SURE = 0.4
"""Agreement from which a result is called sure: by its own estimate it takes away that much of
what interpolation is wrong by. A convention, not measured."""

KEPT = 0.5
"""Share of what was known that an adapted result has to keep: less is nearer to interpolation than
to that. A convention, not measured."""

LIKELY = 0.85
"""How likely the judge has to be right, on the average over what moves, where a specialist takes a
part: below it that is a guess. Of 96 random rotors six of the eight that are told wrong are below
it, and a fifth of the others (docs/measurements.md, "Who takes which place")."""
