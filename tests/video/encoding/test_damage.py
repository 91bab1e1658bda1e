"""What H.264 makes of a clip."""

import numpy as np
import pytest

from deeptsr.errors import OptionError
from deeptsr.video import compressed, crf_like, picture_bytes, probe, read
from tests.helpers.clips import clip as filmed
from tests.helpers.synth import noise


def test_compression_loses_more_at_a_higher_crf():
    clip = (noise(4, 32, 48, 3).numpy() * 60 + 90).astype(np.uint8)
    low, high = (compressed(clip, crf) for crf in (10, 40))
    assert low.shape == high.shape == clip.shape
    errors = [np.square(coded.astype(float) - clip).mean() for coded in (low, high)]
    assert 0 < errors[0] < errors[1]
    with pytest.raises(OptionError, match="even sides"):
        compressed(clip[:, :31], 23)


@pytest.mark.parametrize("crf", [18, 28])
def test_a_coded_clip_tells_its_quality_by_its_bytes(tmp_path, crf):
    coding = ("-c:v", "libx264", "-crf", crf)
    info = probe(filmed(tmp_path / "in.mp4", *coding, size="96x64", frames=12))
    frames = np.stack([(255 * frame).round().astype(np.uint8) for frame in read(info)])
    found = crf_like(frames[1:11], info.codec, picture_bytes(info))
    assert abs(found - crf) <= 4
    # What takes fewer bytes for the same was spoilt less.
    assert crf_like(frames[1:11], "hevc", picture_bytes(info)) < found


def test_what_loses_nothing_is_not_spoilt(tmp_path):
    info = probe(filmed(tmp_path / "in.mkv", "-c:v", "ffv1", size="96x64", frames=8))
    frames = np.zeros((4, 64, 96, 3), np.uint8)
    assert picture_bytes(info) > 0
    assert crf_like(frames, info.codec, picture_bytes(info)) is None
    assert crf_like(frames, "h264", 0.0) is None
    assert crf_like(frames, "h264", 1e6) is None
