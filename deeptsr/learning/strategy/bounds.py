"""Every threshold of a decision."""

from __future__ import annotations

__all__ = ["SURE", "UNSEEN"]

UNSEEN = 1.0
"""Change of interpolation, 8-bit levels, that is not worth its risk: nobody can see less."""

SURE = 0.4
"""Agreement from which a result is called sure: by its own estimate it takes away that much of
what interpolation is wrong by. A convention, not measured."""
