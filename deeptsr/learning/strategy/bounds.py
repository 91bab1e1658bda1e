"""Every threshold of a decision."""

from __future__ import annotations

__all__ = ["ALIKE", "KEPT", "UNSEEN"]

UNSEEN = 1.0
"""Change of interpolation, 8-bit levels, that is not worth its risk: nobody can see less."""

KEPT = 0.5
"""Share of what was known that an adapted result has to keep: less is nearer to interpolation than
to that. A convention, not measured."""

ALIKE = 1.1
"""How many times the least error, by its own account, tells nothing: of means that err no more than
that, held-out frames choose. On 14 clips that did not choose it what is taken is 0.08 dB below the
best in the mean (docs/trials.md, "Which share of what was learnt")."""
