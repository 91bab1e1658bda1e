"""--duplicates drop: what repeats the frame before is left out, and motion becomes even."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from deeptsr import video
from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError
from deeptsr.events import Planned
from deeptsr.imaging.exposure import expose
from deeptsr.jobs.probe import plan_file, probe_file
from deeptsr.jobs.upscale import upscale_array, upscale_file
from tests.helpers.clips import decode, raw_clip, timestamps
from tests.helpers.scenes import clip
from tests.helpers.synth import gap, tiny

LOSSLESS = EncodeSettings(codec="ffv1", pix_fmt="bgr0", overwrite=True)
DROP = tiny(2, duplicates="drop", encode=LOSSLESS)


def film(path, shown):
    """Frames of uint8 at 10 a second."""
    options = ("-c:v", "ffv1", "-pix_fmt", "bgr0")
    return raw_clip(path, shown, "rgb24", (48, 36), *options, rate="10")


@pytest.fixture(scope="module")
def plain():
    """6 + 6 frames of two scenes, uint8."""
    return (clip((1, 6), (11, 6)) * 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def stuttering(plain, tmp_path_factory):
    """The frames, of which 2, 3 and 8 are shown twice: 15."""
    shown = np.repeat(plain, [2 if n in (2, 3, 8) else 1 for n in range(12)], axis=0)
    return film(tmp_path_factory.mktemp("film") / "in.mkv", shown)


def test_motion_is_even_and_time_is_kept(plain, stuttering, tmp_path):
    told = []
    upscale_file(stuttering, tmp_path / "out.mkv", DROP, told.append)
    planned = next(event for event in told if isinstance(event, Planned))
    assert (planned.frames_in, planned.frames_out, planned.dropped) == (12, 24, 3)
    assert planned.duration == 1.5
    begins = [0, 1, 2, 4, 6, 7, 8, 9, 10, 12, 13, 14]  # tenths of a second
    wanted = [Fraction(b, 10) for b in begins]
    assert timestamps(tmp_path / "out.mkv")[::2] == pytest.approx(wanted, abs=0.001)
    made = torch.from_numpy(decode(tmp_path / "out.mkv", "rgb24", (48, 36)) / np.float32(255))
    assert gap(expose(made, 2), torch.from_numpy(plain / np.float32(255))) < 1 / 255
    assert plan_file(stuttering, tmp_path / "a.mkv", DROP) == planned


def test_on_twos_the_rate_is_halved_exactly(plain, tmp_path):
    twos = film(tmp_path / "in.mkv", np.repeat(plain[:6], 2, axis=0))
    planned = plan_file(twos, tmp_path / "out.mkv", replace(DROP, vfr="error"))
    assert (planned.frames_in, planned.frames_out) == (6, 12)
    assert (planned.rate_in, planned.rate_out, planned.duration) == ("5", "10", 1.2)


def test_a_still_clip_keeps_all_its_frames(plain, tmp_path):
    still = film(tmp_path / "in.mkv", np.repeat(plain[:1], 9, axis=0))
    planned = plan_file(still, tmp_path / "out.mkv", DROP)
    assert (planned.frames_in, planned.frames_out, planned.dropped) == (9, 18, 0)


def test_a_part_and_listed_cuts(stuttering, tmp_path):
    """Frames 3, 5 and 11 repeat; of 3 to 13, frame 3 is the first one."""
    (tmp_path / "cuts.txt").write_text("5\n8\n")
    part = replace(DROP, start=0.3, end=1.4)
    assert plan_file(stuttering, tmp_path / "o.mkv", part).dropped == 2
    listed = replace(part, scenes=str(tmp_path / "cuts.txt"))
    planned = plan_file(stuttering, tmp_path / "o.mkv", listed)
    assert (planned.dropped, planned.frames_in, planned.duration) == (1, 10, 1.1)
    upscale_file(stuttering, tmp_path / "o.mkv", listed)
    assert len(timestamps(tmp_path / "o.mkv")) == 20


def test_reading_leaves_them_out_wherever_it_begins(plain, stuttering):
    info = video.probe(stuttering).without({3, 5, 11})
    assert (info.frames, info.duration) == (12, Fraction(3, 2))
    for skip in (0, 2, 4, 11, 12):
        frames = [(frame * 255).round() for frame in video.read(info, skip=skip)]
        assert np.array_equal(np.reshape(frames, (-1, 36, 48, 3)), plain[skip:])


def test_the_probe_tells_of_all_frames_and_plans_without_them(stuttering):
    found = probe_file(stuttering, DROP)
    assert (found.frames, found.duplicates) == (15, (3, 5, 11))
    assert (found.plan.frames_in, found.plan.dropped) == (12, 3)


def test_an_array_has_no_times(plain):
    with pytest.raises(OptionError, match="no times"):
        upscale_array(plain, DROP)


def test_another_word_is_refused():
    with pytest.raises(OptionError, match="'keep' or 'drop'"):
        tiny(2, duplicates="maybe")
