"""The teaching of a classifier: what turns beyond the aliasing limit, of much that turns."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.config import PretrainSettings
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.shapes import Batch
from deeptsr.learning.pretraining.course import Course, judges
from deeptsr.learning.pretraining.crops import kinds
from deeptsr.learning.pretraining.variants import Variant
from deeptsr.networks import Classifier
from deeptsr.networks.classifier import CELL

__all__ = ["Classifying"]

_STEP = 2  # HTR frames an LTR frame
_BESIDE = 0.2  # what all that moves beside what turns counts for, against that
_FAINT, _FAINTEST = 0.4, 0.3  # share of the crops that lose contrast, and what is left at least
_NOISY, _NOISIEST = 0.3, 0.02  # share of the crops with noise, and its deviation at most
_QUIET = 1e-6  # mean square change from frame to frame that counts nothing


class Classifying(Course[Classifier]):
    """The course of a network that tells the log odds of motion beyond the limit.

    What it says counts as much as there is motion in a place, by its cross entropy; each crop
    counts the same.
    """

    def __init__(
        self, settings: PretrainSettings, variant: Variant, steps: int, **others: Any
    ) -> None:
        super().__init__(Classifier, settings, variant, steps, **others)

    def gains(self) -> dict[str, float]:
        """Percent of what moves that is told right."""
        told = {}
        with torch.no_grad():
            for name, kind in zip(("leaves", "rotor"), kinds(self.variant), strict=True):
                htr, where, inside = (part.to(self._device) for part in judges(kind))
                ltr = expose(htr, _STEP, axis=2)
                truth, weight = _truth(ltr, where, inside)
                odds = torch.cat([self._odds(self.average, part) for part in torch.split(ltr, 4)])
                right = ((odds > 0) == (truth > 0.5)).float()
                told[name] = 100 * ((right * weight).sum() / weight.sum()).item()
        return told

    def _loss(self) -> Tensor:
        htr, where, inside = (part.to(self._device) for part in self._crops.batch(_STEP))
        ltr = self._varied(self._damaged(htr, expose(htr, _STEP, axis=2))[1])
        truth, weight = _truth(ltr, where, inside)
        odds = self._odds(self.network, ltr)
        doubt = functional.binary_cross_entropy_with_logits(odds, truth, reduction="none")
        return (doubt * weight).sum() / weight.sum()

    def _odds(self, network: Classifier, ltr: Batch) -> Tensor:
        with self._autocast():
            odds: Tensor = network(ltr)
        return odds.float()

    def _varied(self, ltr: Batch) -> Batch:
        """Crops of less contrast, some of them, and with a sensor's noise."""
        faint, contrast, noisy, noise = self._crops.uniform(4, len(ltr), 1, 1, 1, 1).to(ltr)
        contrast = torch.where(faint < _FAINT, _FAINTEST + (1 - _FAINTEST) * contrast, 1.0)
        noise = torch.where(noisy < _NOISY, _NOISIEST * noise, 0.0)
        return 0.5 + (ltr - 0.5) * contrast + noise * self._crops.normal(*ltr.shape).to(ltr)


def _truth(ltr: Batch, where: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """What is to be told of places, and what each counts, (N, T, H / CELL, W / CELL) each.

    Args:
        ltr: crops (N, C, T, H, W).
        where: frames in which what turns is aliased, (N, T).
        inside: where it is, (N, H, W).
    """
    steps = functional.avg_pool2d(ltr.diff(dim=2).square().mean(1), CELL)  # (N, T - 1, h, w)
    moved = (torch.cat([steps[:, :1], steps], 1) + torch.cat([steps, steps[:, -1:]], 1)) / 2
    inside = functional.avg_pool2d(inside[:, None], CELL)
    truth = where[:, :, None, None] * inside
    return truth, _share(moved * inside) + _BESIDE * _share(moved * (1 - inside))


def _share(moved: Tensor) -> Tensor:
    """Of all of its crop's."""
    return moved / (moved.sum((1, 2, 3), keepdim=True) + _QUIET)
