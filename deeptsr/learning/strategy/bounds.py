"""Every threshold of a decision, with what was measured on either side of it."""

from __future__ import annotations

__all__ = ["DETOUR", "FAR", "LEAPS", "LEVEL", "LOOSE", "SETTLED", "SHY", "SLACK", "SURE", "TORN"]

SLACK = 0.3  # dB on held-out frames, which are few, that count as no worse;
LOOSE = 1.5  # at the first stage they fell by as much while the truth rose (measurements.md)
SHY = 0.5  # share of its boldness on a slower version; measured, below 0.24 where motion is
# aliased, and above 0.73 elsewhere (measurements.md)
TORN = 0.65  # the same after some 200 steps; measured, 0.5 where motion is aliased in part of the
# time, and above 0.8 elsewhere
LEVEL = 1 / 255  # root mean square of a change that is not worth its risk, as nobody can see it
SURE = 0.7  # share of a change that improves, below which an aliased motion may go the wrong way;
# measured, 0.57 and 0.65 of fans that did, 0.74 and more of what goes the right way
FAR = 1.0  # detour of the first stage that is not believed even where motion is aliased: there the
# longer way of a turn is twice the shorter; measured, 0.73 and 0.82 of fan and wheel, mended
LEAPS = 0.5  # evenness below which neither is such a result; measured, 0.9 to 1.4 of what goes the
# right way, 0.4 of what leaps
SETTLED = 0.9  # share of a change that improves, from which no further round is made
DETOUR = 2 / 3  # that a result may make where motion is not aliased, as at later stages; measured,
# 0.25 to 0.44, and 0.87 to 0.91 the long way round
