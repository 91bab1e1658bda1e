"""Teaches a prior on rendered clips, and on stills without time."""

from __future__ import annotations

from deeptsr.learning.pretraining.curriculum import pretrain, still_to_teach
from deeptsr.learning.pretraining.variants import VARIANTS, Variant

__all__ = ["VARIANTS", "Variant", "pretrain", "still_to_teach"]
