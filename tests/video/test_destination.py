import os
from fractions import Fraction
from pathlib import Path

import pytest

from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError, OutputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import check_output, probe
from deeptsr.video.destination import destination_of
from deeptsr.video.encoding.choose import plan_encoding
from tests.helpers.clips import clip


def plan(name, size=(64, 48), rate=25, **settings):
    timeline = Timeline.constant(Fraction(rate), 3)
    return plan_encoding(
        destination_of(name), EncodeSettings(**settings), size=size, timeline=timeline
    )


def test_names_are_understood(tmp_path):
    assert destination_of("a.MP4").kind == "video"
    assert destination_of("a.gif").kind == "gif"
    folder = destination_of("x/y/")
    assert (folder.kind, folder.path, folder.pattern) == (
        "folder",
        Path("x/y").absolute(),
        "%06d.png",
    )
    pattern = destination_of("x/%05d.png")
    assert (pattern.kind, pattern.path, pattern.pattern) == (
        *("folder", Path("x").absolute(), "%05d.png"),
    )
    assert destination_of(tmp_path).kind == "folder"
    assert destination_of("a.mp4").partial.name == ".a.mp4.part.mp4"


@pytest.mark.parametrize("name", ["a", "a.xyz", "a.jpg", "x/%05d.jpg", "x/%d_%d.png", "a.mp4.part"])
def test_names_that_say_nothing_are_refused(name):
    with pytest.raises(OutputError, match="expected one"):
        destination_of(name)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "libx264", "yuv420p"),
    ],
)
def test_defaults_suit_the_container(name, codec, pix_fmt):
    chosen = plan(name)
    assert (chosen.codec, chosen.pix_fmt, chosen.notes) == (codec, pix_fmt, ())


def test_settings_are_honoured():
    chosen = plan("a.mkv", codec="libx265", crf=30, pix_fmt="yuv422p10le")
    assert (chosen.codec, chosen.pix_fmt) == ("libx265", "yuv422p10le")
    assert ("crf", "30") in chosen.options
    assert plan("a.mkv", codec="ffv1").pix_fmt == "bgr0"


def test_odd_sizes_keep_their_chroma_where_it_cannot_be_halved():
    chosen = plan("a.mp4", size=(321, 181))
    assert chosen.pix_fmt == "yuv444p"
    assert "321x181 has an odd side" in chosen.notes[0]
    assert plan("a.webm", size=(321, 181)).pix_fmt == "yuv420p"
    with pytest.raises(OptionError, match="needs even numbers for it; choose yuv444p"):
        plan("a.mp4", size=(321, 180), pix_fmt="yuv420p")


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("a.mp4", {"codec": "nonsense"}, "expected an encoder of video.*libx264"),
        ("a.mp4", {"codec": "aac"}, "expected an encoder of video"),
        ("a.webm", {"codec": "libx264"}, "does not go into webm.*choose `codec` libvpx-vp9"),
        (
            "a.webm",
            {"pix_fmt": "yuva444p"},
            r"does not go into webm \(.*\); choose another `pix_fmt`",
        ),
        ("a.mp4", {"codec": "gif"}, "does not go into mp4"),
        ("a.mp4", {"pix_fmt": "nonsense"}, "pix_fmt is nonsense; expected for libx264: .*yuv420p"),
        ("a.mp4", {"pix_fmt": "yuvj420p"}, "expected for libx264"),
        ("a.mkv", {"codec": "ffv1", "crf": 10}, "ffv1 has no constant quality.*libx264"),
        ("a.mp4", {"crf": 60}, "crf is 60; expected for libx264: 0 .lossless. to 51"),
        ("a.gif", {"codec": "libx264"}, "the output is a GIF; leave the codec out"),
        ("a.gif", {"crf": 3}, "do not apply to a GIF"),
        ("x/%d.png", {"pix_fmt": "rgb24"}, "do not apply to PNGs"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(tmp_path, name, settings, words):
    with pytest.raises(OptionError, match=words):
        check_output(str(tmp_path / name), EncodeSettings(**settings))


def test_rates_beyond_a_clock_are_refused():
    with pytest.raises(OptionError, match=r"80 fps: its delays are whole hundredths.*write \.mp4"):
        plan("a.gif", rate=Fraction(80))
    with pytest.raises(OptionError, match=r"counts milliseconds.*write \.mp4"):
        plan("a.mkv", rate=Fraction(960))
    assert plan("a.mp4", rate=Fraction(960))
    assert plan("a.gif", rate=Fraction(50)) is None


def test_an_existing_output_is_kept_unless_told(tmp_path):
    (tmp_path / "a.mp4").write_text("precious")
    with pytest.raises(OutputError, match=r"exists; choose another name.*`overwrite`"):
        check_output(tmp_path / "a.mp4", EncodeSettings())
    check_output(tmp_path / "a.mp4", EncodeSettings(overwrite=True))
    assert (tmp_path / "a.mp4").read_text() == "precious"


def test_the_input_is_never_overwritten(tmp_path):
    info = probe(clip(tmp_path / "a.mp4", frames=2))
    os.link(tmp_path / "a.mp4", tmp_path / "same.mp4")
    for name in ("a.mp4", "same.mp4"):
        with pytest.raises(OutputError, match="is the input itself"):
            check_output(tmp_path / name, EncodeSettings(overwrite=True), source=info)


def test_a_place_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OutputError, match="does not exist; create it first"):
        check_output(tmp_path / "no" / "a.mp4", EncodeSettings())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written; choose another"):
        check_output(tmp_path / "a.mp4", EncodeSettings())


def test_folders_are_replaced_only_when_they_hold_images_alone(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    check_output(folder, EncodeSettings())  # empty: nothing is lost
    (folder / "1.png").touch()
    with pytest.raises(OutputError, match=r"holds 1 image; choose another folder.*`overwrite`"):
        check_output(folder, EncodeSettings())
    check_output(folder, EncodeSettings(overwrite=True))
    for name in ("thesis.txt", "deeper"):
        path = folder / name
        path.mkdir() if name == "deeper" else path.touch()
        with pytest.raises(OutputError, match=rf"other things than PNG images \({name}\)"):
            check_output(f"{folder}/", EncodeSettings(overwrite=True))
        path.rmdir() if name == "deeper" else path.unlink()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file; expected a folder"):
        check_output(f"{tmp_path}/file/", EncodeSettings(overwrite=True))


def test_a_pipe_is_not_replaced_by_a_video(tmp_path):
    os.mkfifo(tmp_path / "o.mp4")
    with pytest.raises(OutputError, match="is a device or a pipe; expected a file"):
        check_output(tmp_path / "o.mp4", EncodeSettings(overwrite=True))
