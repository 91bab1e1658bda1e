"""Scene cuts in a whole run: nothing crosses one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError
from deeptsr.events import SelfChecked, StageFitted, Surveyed, Warned
from deeptsr.imaging.exposure import expose
from deeptsr.jobs import pipeline
from deeptsr.jobs.upscale import upscale_array, upscale_file
from tests.helpers.clips import decode, raw_clip
from tests.helpers.scenes import clip
from tests.helpers.synth import gap, tiny


def upscaled(frames, options):
    told = []
    return torch.from_numpy(upscale_array(frames, options, told.append)), told


def cuts_of(told):
    return [event.cuts for event in told if isinstance(event, Surveyed)]


@pytest.mark.parametrize("factor", [2, 6])
def test_a_scene_comes_out_the_same_whatever_is_beside_it(factor):
    one, told = upscaled(clip((1, 12), (11, 5)), tiny(factor))
    other, _ = upscaled(clip((1, 12), (21, 5)), tiny(factor))
    assert cuts_of(told) == [(12,)]
    assert one[: 12 * factor].equal(other[: 12 * factor])
    assert gap(one[12 * factor :], other[12 * factor :]) > 0.1


def test_without_cuts_it_does_not():
    options = tiny(2, scenes="off")
    one, told = upscaled(clip((1, 12), (11, 5)), options)
    other, _ = upscaled(clip((1, 12), (21, 5)), options)
    assert cuts_of(told) == []
    assert gap(one[:24], other[:24]) > 0.001


def test_very_short_scenes(tmp_path):
    frames = clip((1, 10), (11, 1), (21, 2), (31, 3), (41, 9))
    (tmp_path / "cuts.txt").write_text("10\n11\n13\n16\n")
    made, told = upscaled(frames, tiny(4, scenes=str(tmp_path / "cuts.txt")))
    assert cuts_of(told) == [(10, 11, 13, 16)]
    assert gap(expose(made, 4), torch.from_numpy(frames)) < 1e-5
    assert gap(made[40:44], torch.from_numpy(frames[10]).expand(4, -1, -1, -1)) == 0
    assert any(isinstance(event, SelfChecked) for event in told)


def test_only_short_scenes_are_interpolated_and_it_says_so():
    frames = clip((1, 3), (11, 3), (21, 2), (31, 3))
    made, told = upscaled(frames, tiny(4))
    assert gap(expose(made, 4), torch.from_numpy(frames)) < 1e-5
    messages = [event.message for event in told if isinstance(event, Warned)]
    assert len(messages) == 1
    assert "no scene has more than 3 frames" in messages[0]
    assert not any(isinstance(event, (StageFitted, SelfChecked)) for event in told)


def test_fitting_sees_one_scene(monkeypatch):
    seen = []

    def spy(excerpt, *rest, **settings):
        seen.append(excerpt)
        return fit_stages(excerpt, *rest, **settings)

    fit_stages = pipeline.fit_stages
    monkeypatch.setattr(pipeline, "fit_stages", spy)
    frames = clip((1, 4), (11, 14), (21, 6))
    upscaled(frames, tiny(2))
    assert seen[0].equal(torch.from_numpy(frames[4:18]))


def test_a_list_of_cuts(tmp_path):
    listed = tmp_path / "cuts.txt"
    listed.write_text("5\n0\n99\n")
    _, told = upscaled(clip((1, 12)), tiny(2, scenes=str(listed)))
    assert cuts_of(told) == [(5,)]
    listed.write_text("0:05\n")
    with pytest.raises(OptionError, match="no times"):
        upscaled(clip((1, 12)), tiny(2, scenes=str(listed)))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """8 + 8 frames at 10 a second."""
    frames = (clip((1, 8), (11, 8)) * 255).round().astype(np.uint8)
    file = tmp_path_factory.mktemp("source") / "in.mkv"
    return raw_clip(file, frames, "rgb24", (48, 36), "-c:v", "ffv1", "-pix_fmt", "bgr0", rate="10")


FILE = tiny(2, encode=EncodeSettings(codec="ffv1", overwrite=True))


def told_by(source, output, options):
    told = []
    upscale_file(source, output, options, told.append)
    return told


def test_a_part_of_a_file_has_its_own_cuts(source, tmp_path):
    told = told_by(source, tmp_path / "out.mkv", replace(FILE, start=0.3))
    assert cuts_of(told) == [(5,)]
    listed = tmp_path / "cuts.txt"
    listed.write_text("1\n0.8  # seconds\n12\n")
    options = replace(FILE, start=0.3, end=1.4, scenes=str(listed))
    assert cuts_of(told_by(source, tmp_path / "out.mkv", options)) == [(5, 9)]


def test_another_list_of_cuts_is_another_run(source, tmp_path):
    listed, output = tmp_path / "cuts.txt", tmp_path / "out.mkv"
    options = replace(FILE, scenes=str(listed), work_dir=str(tmp_path / "work"))
    for text, stale in (("8\n", False), ("8 # the same\n", False), ("6\n", True)):
        listed.write_text(text)
        told = told_by(source, output, options)
        assert any("another run" in e.message for e in told if isinstance(e, Warned)) == stale


def test_another_rate_mixes_no_scenes(tmp_path):
    frames = (np.stack([np.full((32, 48, 3), v) for v in [40] * 7 + [200] * 7])).astype(np.uint8)
    options = ("-c:v", "ffv1", "-pix_fmt", "bgr0")
    file = raw_clip(tmp_path / "in.mkv", frames, "rgb24", (48, 32), *options, rate="10")
    fps = replace(FILE, fps=26, encode=EncodeSettings(codec="ffv1", pix_fmt="bgr0"))
    told = told_by(file, tmp_path / "out.mkv", fps)
    assert cuts_of(told) == [(7,)]
    made = decode(tmp_path / "out.mkv", "rgb24", (48, 32)).mean((1, 2, 3))
    assert np.minimum(np.abs(made - 40), np.abs(made - 200)).max() < 1
