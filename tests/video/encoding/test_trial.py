"""What can be known of an output before the work: how long a frame may be shown."""

from fractions import Fraction

import numpy as np
import pytest

from deeptsr import video
from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError
from deeptsr.imaging.timeline import Timeline
from tests.helpers.clips import clip

MOST = 134_217  # seconds: FFmpeg's clock of an MP4 counts 16000 a second here, in 31 bits
SIZE = (32, 32)


def far(seconds):
    """Three frames, the last of which begins so long after the second one."""
    return Timeline(Fraction(1, 1000), (0, 40, 40 + 1000 * seconds, 80 + 1000 * seconds))


@pytest.mark.parametrize("name", ["o.mp4", "o.mov"])
def test_what_a_container_can_count_is_known_before(name, tmp_path):
    settings = EncodeSettings()
    source = video.probe(clip(tmp_path / "a.mp4", size="32x32", frames=4))
    video.check_output(tmp_path / name, settings, size=SIZE, timeline=far(MOST))
    with pytest.raises(OptionError, match=r"shown for 134218 s.*holds up to 134218 s.*\.mkv"):
        video.check_output(tmp_path / name, settings, size=SIZE, timeline=far(MOST + 1))
    # And it is so: the longest goes in.
    written = {"size": SIZE, "timeline": far(MOST), "source": source, "audio": False}
    with video.VideoWriter(tmp_path / name, settings=settings, **written) as writer:
        writer.write(np.zeros((3, 32, 32, 3), np.float32))
        writer.finish()
    assert video.probe(tmp_path / name).frames == 3


def test_others_count_further(tmp_path):
    for name in ("o.mkv", "o.webm"):
        settings = EncodeSettings()
        video.check_output(tmp_path / name, settings, size=SIZE, timeline=far(2**35))
    assert far(7).longest_interval == 7
    assert Timeline.constant(Fraction(25), 4).longest_interval == Fraction(1, 25)
