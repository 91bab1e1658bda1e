"""Every threshold of a decision."""

from __future__ import annotations

__all__ = ["ALIKE", "KEPT", "UNSEEN"]

UNSEEN = 1.0
"""Change of interpolation, 8-bit levels, that is not worth its risk: nobody can see less."""

KEPT = 0.5
"""Share of what was known that an adapted result has to keep: less is nearer to interpolation than
to that. A convention, not measured."""

ALIKE = 0.05
"""Difference of agreement that tells nothing: of means that agree as much as that, held-out frames
choose. On clips drawn anew 0.1 gains 0.06 dB more, and costs a fan below the limit 0.4
(docs/trials.md, "Which share of what was learnt")."""
