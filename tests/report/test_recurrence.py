"""The heatmap of a report."""

import numpy as np
import pytest

from deeptsr.report.recurrence import repeats
from tests.helpers.synth import pan


@pytest.fixture(scope="module")
def clip():
    return pan(20, 48, 64).numpy()


def test_a_frame_is_painted(clip):
    found = repeats(iter(clip), 9)
    assert 0 <= found.across <= 100
    assert found.picture.dtype == np.uint8
    assert found.picture.shape[0] * 64 == found.picture.shape[1] * 48
    assert np.ptp(found.picture.astype(int), axis=2).max() > 50  # no longer grey


def test_of_a_clip_that_is_too_short_it_says_so(clip):
    assert "too short" in repeats(iter(clip[:4]), 1)
