"""A look before the work: the right stretch, a size that is quick, the input beside the result."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from deeptsr import jobs
from deeptsr.config import EncodeSettings, preset
from deeptsr.errors import OptionError, OutputError
from deeptsr.events import Previewed, Progress, SelfChecked
from deeptsr.jobs.preview import look as module
from deeptsr.jobs.preview.look import look_name
from deeptsr.jobs.resources.cost import Cost
from deeptsr.learning.recipe import steps_of_stage
from deeptsr.system.devices import choose
from tests.helpers.clips import raw_clip
from tests.helpers.synth import tiny
from tests.video.test_glance import moving


@pytest.fixture
def quick(monkeypatch):
    """A network that learns nothing, so that a look is the input, interpolated."""
    fit = preset("fast").fit
    monkeypatch.setattr(module, "_quick", lambda options, factor: tiny(factor, fit=fit))
    monkeypatch.setattr("deeptsr.learning.recipe.has_network", lambda *given: False)
    monkeypatch.setattr("deeptsr.learning.stages.has_network", lambda *given: False)


def test_the_stretch_that_moves_is_shown_beside_its_result(tmp_path, quick):
    source = raw_clip(tmp_path / "in.mkv", moving(20, 30, 60), "gray", (64, 48))
    told = []
    found = jobs.look(source, tmp_path / "out.mp4", 0.4, tiny(2), told.append)
    assert told[-1] == found
    assert (found.start, found.end) == (0.8, 1.2)  # frames 20 to 30 of 25 a second
    assert (found.frames_in, found.frames_out, found.width, found.height) == (10, 20, 64, 48)
    assert found.whole.frames_in == 60
    assert {Progress, SelfChecked, Previewed} <= {type(event) for event in told}
    shares = [event.fraction for event in told if isinstance(event, Progress)]
    assert shares == sorted(shares)

    assert [p.name for p in tmp_path.iterdir() if p != source] == ["out.preview.webm"]
    with av.open(str(tmp_path / "out.preview.webm")) as film:
        pictures = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    assert np.shape(pictures) == (20, 48, 64 + 4 + 64)
    for n in (0, 8, 14):
        at = 2 * (n // 2)
        left = pictures[n][:, :64].astype(float)
        assert left[:, at : at + 8].mean() > left.mean() + 50  # the bar where it is in the input
        right = pictures[n][:, 68:].astype(float)
        assert right[:, at : at + 10].mean() > right.mean() + 40


def test_a_look_is_not_written_over_another(tmp_path, quick):
    source = raw_clip(tmp_path / "in.mkv", moving(2, 9, 12), "gray", (64, 48))
    (tmp_path / "out.preview.webm").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        jobs.look(source, tmp_path / "out.mp4", 2, tiny(2))
    assert (tmp_path / "out.preview.webm").read_text() == "mine"
    jobs.look(source, tmp_path / "out.mp4", 2, tiny(2, encode=EncodeSettings(overwrite=True)))
    assert (tmp_path / "out.preview.webm").stat().st_size > 100
    for seconds in (0.0, float("inf"), float("nan")):
        with pytest.raises(OptionError, match="more than 0"):
            jobs.look(source, tmp_path / "new.mp4", seconds, tiny(2))


def test_where_it_is_written():
    assert look_name("a/out.mp4").as_posix() == "a/out.preview.webm"
    assert look_name("a/frames").as_posix() == "a/frames.preview.webm"


@pytest.mark.parametrize(
    ("speed", "frames", "size"),
    [
        (1e12, 40, (540, 960)),
        (4e6, 23, (540, 960)),  # larger and shorter
        (2.4e6, 20, (450, 800)),
        (1.2e5, 25, (90, 160)),
        (1.0, 8, (90, 160)),
    ],
)
def test_the_size_and_the_frames_are_what_there_is_time_for(monkeypatch, speed, frames, size):
    def estimate(stages, clip, options, device):
        return Cost((0.0,), 1.0, clip.frames * clip.pixels / speed)

    monkeypatch.setattr(module, "estimate", estimate)
    monkeypatch.setitem(module._WORK, "cpu", 3.0)
    fast = preset("fast")
    assert module._affordable(40, (720, 1280), fast, choose("cpu")) == (frames, size)


def test_a_small_size_that_takes_longer_is_passed_by(monkeypatch):
    """Its climb may begin at its own size, and not at a quarter of it."""

    def estimate(stages, clip, options, device):
        return Cost((0.0,), 1.0, clip.frames * (1.0 if clip.height == 270 else 2.0))

    monkeypatch.setattr(module, "estimate", estimate)
    monkeypatch.setitem(module._WORK, "cpu", 3.0)
    fast = preset("fast")
    assert module._affordable(40, (720, 1280), fast, choose("cpu")) == (8, (270, 480))


@pytest.mark.parametrize(("settings", "made"), [({"factor": 3}, 3), ({"fps": Fraction(60)}, 3)])
def test_as_many_frames_are_shown_as_are_asked_for(tmp_path, quick, settings, made):
    """Four are climbed of each, and exposed anew."""
    source = raw_clip(tmp_path / "in.mkv", moving(4, 9, 12), "gray", (64, 48))  # 25 a second
    found = jobs.look(source, tmp_path / "out.mp4", 1, replace(tiny(2), **settings))
    assert (found.frames_in, found.frames_out) == (12, 12 * made)


def test_where_nothing_moves_faster_there_is_nothing_to_look_at(tmp_path):
    with pytest.raises(OptionError, match="the factor is 1; expected 2 or more"):
        jobs.look("in.mkv", tmp_path / "out.mp4", 1.0, replace(tiny(scale=2), factor=1))


def test_nothing_is_fitted_where_something_is_known():
    assert steps_of_stage(module._quick(preset("quality"), 8), 0) == 0
    assert steps_of_stage(module._quick(preset("paper"), 8), 0) == 0
    assert steps_of_stage(module._quick(preset("fast", prior="none"), 8), 0) == 100
    assert module._quick(preset("balanced", factor=8, exposure=0.5), 4).factor == 4


def test_a_look_is_written_neither_over_its_input_nor_through_a_link(tmp_path, quick):
    source = raw_clip(tmp_path / "in.mkv", moving(2, 9, 12), "gray", (64, 48))
    source = source.rename(tmp_path / "in.preview.webm")
    options, before = tiny(2, encode=EncodeSettings(overwrite=True)), source.read_bytes()
    with pytest.raises(OutputError, match="and so is the input"):
        jobs.look(source, tmp_path / "in.mp4", 2, options)
    assert source.read_bytes() == before
    link, victim = tmp_path / "out.preview.webm", tmp_path / "victim"
    victim.write_text("precious")
    link.symlink_to(victim)
    jobs.look(source, tmp_path / "out.mp4", 2, options)
    assert victim.read_text() == "precious"
    assert not link.is_symlink()
