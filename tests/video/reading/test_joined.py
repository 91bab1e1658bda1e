"""Timestamps that start again, or jump: time goes on, as FFmpeg's program makes it."""

import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.jobs.upscale import upscale_file
from deeptsr.video import probe, read
from tests.helpers.clips import duration, ffmpeg, sound, sound_packets, timestamps
from tests.helpers.synth import tiny

SECONDS = 0.8


def recording(path, *options):
    """A short broadcast with a tone."""
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s=64x48:r=25:d={SECONDS}"),
        *("-f", "lavfi", "-i", f"sine=440:r=48000:d={SECONDS}"),
        *(options or ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")),
        *("-c:a", "mp2" if path.suffix == ".mpg" else "aac", path),
    )
    return path


@pytest.fixture(params=["again", "ahead", "back", "thrice", "vob"])
def joined(request, tmp_path):
    """A file of recordings joined end to end, and how many."""
    how = request.param
    kind = "mpg" if how == "vob" else "ts"
    codec = ("-c:v", "mpeg2video", "-bf", 2) if how == "vob" else ()
    first = recording(tmp_path / f"a.{kind}", *codec)
    late = tmp_path / f"b.{kind}"
    ffmpeg("-i", first, "-c", "copy", "-output_ts_offset", 100, late)
    order = {"ahead": (first, late), "back": (late, first), "thrice": (first, late, first)}
    parts = order.get(how, (first, first))
    path = tmp_path / f"joined.{kind}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path, len(parts)


@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.webm"])
def test_time_goes_on_across_joints(quick, tmp_path, joined, name):
    path, parts = joined
    info = probe(path)
    assert info.frames == 20 * parts == len(list(read(info)))
    assert float(info.rate) == pytest.approx(25, rel=0.02)  # sound may be what tells of a joint
    assert any("start again or jump" in note for note in info.notes)
    assert not any("damage" in note for note in info.notes)

    told = []
    out = tmp_path / name
    upscale_file(path, out, tiny(2, encode=EncodeSettings()), told.append)
    assert len(timestamps(out)) == 40 * parts
    assert duration(out) == pytest.approx(SECONDS * parts, abs=0.1)
    loud = np.convolve(np.abs(sound(out)), np.ones(240) / 240, "same") > 0.02
    assert loud.sum() / 48000 == pytest.approx(SECONDS * parts, abs=0.1)
    assert not any("damage" in str(event) for event in told)


def test_sound_and_picture_stay_with_each_other(quick, tmp_path, joined):
    path, _ = joined
    upscale_file(path, tmp_path / "o.mkv", tiny(2))
    # All packets but for what lies before the first frame.
    assert len(sound_packets(tmp_path / "o.mkv")) >= len(sound_packets(path)) - 3


def test_a_file_that_is_in_order_has_no_joints(tmp_path):
    info = probe(recording(tmp_path / "a.ts"))
    assert not any("jump" in note for note in info.notes)
