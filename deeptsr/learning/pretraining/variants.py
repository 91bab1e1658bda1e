"""The networks of a prior, and what each of them is taught on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deeptsr.learning.prior import (
    BELOW,
    CLASSIFIER,
    JUDGE,
    SPECIAL_STAGES,
    SPECIAL_STEP,
    SPECIALIST,
)

__all__ = ["VARIANTS", "Variant"]


# What a network learns of motion: the truth, of all or of a part of it, or which of it is aliased:
# then it leaves all else as interpolation has it, or tells it.
Learns = Literal["all", "aliased", "unaliased", "which"]


@dataclass(frozen=True)
class Variant:
    """One of the networks of a prior."""

    expert: str
    exposure: str
    fold: int
    share: float  # of the settings' steps
    rotors: float = 0.0  # share of its crops that are of blades that turn
    learns: Learns = "all"
    wide: float = 1.0  # side of its crops over that of the settings
    batch: float = 1.0  # crops a step over those of the settings
    fresh: int = 1  # clips that are rendered where the settings say one
    steps: tuple[int, ...] = (SPECIAL_STEP,)  # that blades are shown in
    start: str | None = None  # name of the variant that it starts from

    @property
    def name(self) -> str:
        """As a prior names it."""
        return f"{self.expert}/{self.exposure}-{self.fold}"


_AT_ONCE = tuple(SPECIAL_STEP**n for n in range(1, SPECIAL_STAGES + 1))

VARIANTS = (
    Variant("any", "full", 1, 1.0, 0.2, "unaliased"),
    Variant(BELOW, "full", 1, 1.0, 1.0, "unaliased", 1.25, 0.5, start="any/full-1"),
    Variant(
        SPECIALIST, "full", 1, 1.0, 1.0, "aliased", 1.25, 0.5, steps=_AT_ONCE, start="any/full-1"
    ),
    Variant(JUDGE, "full", 1, 0.5, 0.8, "which", 1.25, 0.5, start=f"{SPECIALIST}/full-1"),
    Variant(CLASSIFIER, "full", 1, 1.0, 0.88, "which", 2.0, 2.0, fresh=4),
    Variant("any", "full", 2, 0.7, wide=1.5),
    Variant("any", "delta", 1, 0.2, start="any/full-1"),
    Variant("any", "delta", 2, 0.2, wide=1.5, start="any/full-2"),
    Variant(
        *(SPECIALIST, "delta", 1, 0.5, 1.0, "aliased", 1.25, 0.5),
        steps=_AT_ONCE,
        start=f"{SPECIALIST}/full-1",
    ),
    Variant(
        *(JUDGE, "delta", 1, 0.25, 0.8, "which", 1.25, 0.5),
        start=f"{SPECIALIST}/delta-1",
    ),
)
