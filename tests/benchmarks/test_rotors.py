"""Random rotors: what is rendered is what is said."""

import numpy as np
import pytest

from benchmarks.direction import deviations
from benchmarks.rotors import KINDS, render


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_turns_as_is_said(kind):
    case = render(3, kind)
    away = deviations(
        case.truth.numpy(),
        case.angles,
        folds=case.folds,
        radii=(0.3 * case.outer, 0.95 * case.outer),
    )
    assert np.mean(away <= 0.2 * np.abs(case.angles)) > 0.9
    shares = 2 * np.abs(case.angles) * case.folds / 360
    limits = {"below": (0.14, 0.46), "crossing": (0.09, 0.81), "beyond": (0.54, 0.81)}[kind]
    assert limits[0] <= shares.min() <= shares.max() <= limits[1]
