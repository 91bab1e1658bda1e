"""What H.264 makes of a clip."""

import numpy as np
import pytest

from deeptsr.errors import OptionError
from deeptsr.video import compressed
from tests.helpers.synth import noise


def test_compression_loses_more_at_a_higher_crf():
    clip = (noise(4, 32, 48, 3).numpy() * 60 + 90).astype(np.uint8)
    low, high = (compressed(clip, crf) for crf in (10, 40))
    assert low.shape == high.shape == clip.shape
    errors = [np.square(coded.astype(float) - clip).mean() for coded in (low, high)]
    assert 0 < errors[0] < errors[1]
    with pytest.raises(OptionError, match="even sides"):
        compressed(clip[:, :31], 23)
