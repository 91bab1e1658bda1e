"""The networks of a prior, and what each of them is taught on."""

from __future__ import annotations

from dataclasses import dataclass

from deeptsr.learning.prior import JUDGE, SPECIALIST

__all__ = ["VARIANTS", "Variant"]


@dataclass(frozen=True)
class Variant:
    """One of the networks of a prior."""

    expert: str
    exposure: str
    fold: int
    share: float  # of the settings' steps
    rotors: float = 0.0  # share of its crops that are of blades that turn; steps of two alone
    beyond: bool = False  # whether it learns of these where they are aliased, and of nothing else
    wide: float = 1.0  # side of its crops over that of the settings
    batch: float = 1.0  # crops a step over those of the settings
    start: str | None = None  # name of the variant that it starts from

    @property
    def name(self) -> str:
        """As a prior names it."""
        return f"{self.expert}/{self.exposure}-{self.fold}"


VARIANTS = (
    Variant("any", "full", 1, 1.0),
    Variant(JUDGE, "full", 1, 1.0, 0.7, wide=1.25, batch=0.5, start="any/full-1"),
    Variant(
        SPECIALIST, "full", 1, 0.5, 1.0, beyond=True, wide=1.25, batch=0.5, start=f"{JUDGE}/full-1"
    ),
    Variant("any", "full", 2, 0.7, wide=1.5),
    Variant("any", "delta", 1, 0.2, start="any/full-1"),
    Variant("any", "delta", 2, 0.2, wide=1.5, start="any/full-2"),
)
