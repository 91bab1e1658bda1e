"""What can fail at the end is tried out before the work."""

import tempfile

import av
import pytest

from deeptsr.errors import OptionError, ResourceError
from deeptsr.jobs import pipeline
from deeptsr.jobs.upscale import upscale_file
from deeptsr.video.tracks.audio import AudioFeed
from deeptsr.video.tracks.extras import Extras
from deeptsr.video.writing import video_file
from tests.helpers.clips import clip
from tests.helpers.full_disk import full
from tests.helpers.synth import tiny


def broken(*_):
    raise av.error.InvalidDataError(22, "Invalid argument")


@pytest.mark.parametrize(
    ("where", "name", "words"),
    [
        (AudioFeed, "advance", "the sound does not go into .*Invalid argument.*write .mkv"),
        (Extras, "advance", "cannot be written .Invalid argument., as a trial shows"),
        (video_file, "read_packets", "cannot be written .Invalid argument., as a trial shows"),
    ],
)
def test_a_failing_muxer_fails_before_the_work(tmp_path, monkeypatch, where, name, words):
    source = clip(tmp_path / "s.mp4", "-c:a", "aac", frames=8, sound=0.3)
    monkeypatch.setattr(where, name, broken)
    monkeypatch.setattr(pipeline, "fit_job", lambda *_: pytest.fail("the work has begun"))
    with pytest.raises(OptionError, match=words):
        upscale_file(source, tmp_path / "o.mp4", tiny(2))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.mp4"]


def test_a_full_disk_for_temporary_files_is_told(tmp_path, monkeypatch):
    source = clip(tmp_path / "s.mp4", frames=8)
    monkeypatch.setattr(video_file, "write_packet", full)
    with pytest.raises(ResourceError, match=f"the disk of {tempfile.gettempdir()} is full"):
        upscale_file(source, tmp_path / "o.mp4", tiny(2))
