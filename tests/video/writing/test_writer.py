import os
from dataclasses import replace
from fractions import Fraction

import av
import imageio.v3 as iio
import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError, OutputError, ResourceError
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import VideoWriter, probe, read
from deeptsr.video.writing import video_file
from tests.helpers.clips import clip, decode, describe, duration, noise, timestamps
from tests.helpers.full_disk import full

NTSC = Fraction(24000, 1001)
SIZE = (64, 48)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return probe(clip(tmp_path_factory.mktemp("source") / "s.mkv", frames=6))


def write(output, frames, source, rate=NTSC, finish=True, timeline=None, **settings):
    """Write uint8 or float frames, and return the notes."""
    frames = frames / np.float32(255) if frames.dtype == np.uint8 else frames
    size = (frames.shape[2], frames.shape[1])
    with VideoWriter(
        output,
        size=size,
        timeline=timeline or Timeline.constant(rate, len(frames)),
        source=source,
        settings=EncodeSettings(**settings),
    ) as writer:
        for start in range(0, len(frames), 4):
            writer.write(frames[start : start + 4].astype(np.float32))
        if finish:
            writer.finish()
    return writer.notes


def smooth(frames, height=48, width=64):
    """Slow waves: easy to encode, each frame of its own brightness."""
    t, y, x = np.ogrid[0:frames, 0:height, 0:width]
    waves = [0.4 + 0.2 * np.sin(x / 9 + t / 5 + c) + 0.2 * np.cos(y / 7 + c) for c in range(3)]
    return (np.stack(waves, -1) + t[..., None] * 0.002).astype(np.float32)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.m4v", "a.mkv", "a.webm", "a.avi"])
@pytest.mark.parametrize("rate", [NTSC, NTSC * 8, Fraction(25, 2)])
def test_every_container_has_every_frame_at_its_moment(tmp_path, source, name, rate):
    frames = smooth(40)
    assert write(tmp_path / name, frames, source, rate) == ()
    moments = timestamps(tmp_path / name)
    assert len(moments) == 40
    tick = Fraction(0) if name not in ("a.mkv", "a.webm") else Fraction(1, 1000)
    for index, moment in enumerate(moments):
        assert abs(moment - moments[0] - index / rate) <= tick
    assert abs(duration(tmp_path / name) - 40 / rate) < max(1 / rate, 0.011)
    info = probe(tmp_path / name)
    assert (info.rate, info.frames, info.sample_aspect_ratio) == (rate, 40, 1)
    got = decode(tmp_path / name, "rgb24", SIZE)
    assert np.abs(got / 255 - frames).mean() < 3 / 255
    assert np.corrcoef(got.mean((1, 2, 3)), frames.mean((1, 2, 3)))[0, 1] > 0.99
    assert os.listdir(tmp_path) == [name]


VARIABLE = Timeline(Fraction(1, 8000), (0, 320, 400, 1360, 1400, 3000, 3320), Fraction(1, 3))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_a_variable_rate_is_written_as_it_is(tmp_path, source, name):
    write(tmp_path / name, smooth(6), source, timeline=VARIABLE)
    moments = timestamps(tmp_path / name, absolute=True)
    tick = Fraction(1, 1000)  # of Matroska; and MP4 counts an empty beginning with it
    assert len(moments) == 6
    for index, moment in enumerate(moments):
        assert abs(moment - VARIABLE.moment(index)) <= tick
        if name in ("a.mp4", "a.mov"):
            assert moment - moments[0] == VARIABLE.moment(index) - VARIABLE.start
    again = probe(tmp_path / name).timeline
    assert abs(again.duration - VARIABLE.duration) <= tick


def test_a_variable_rate_in_a_gif_and_in_images(tmp_path, source):
    slow = replace(VARIABLE, clock=Fraction(1, 1000), start=Fraction(0))
    write(tmp_path / "a.gif", smooth(6), source, timeline=slow)
    assert [round(moment * 1000, -1) for moment in timestamps(tmp_path / "a.gif")] == [
        *(0, 320, 400, 1360, 1400, 3000)
    ]
    delays = [p["duration"] for p in gif_frames(tmp_path / "a.gif")]
    assert delays == [320, 80, 960, 40, 1600, 320]
    write(f"{tmp_path}/out/", smooth(6), source, timeline=VARIABLE)
    assert len(os.listdir(tmp_path / "out")) == 6


def gif_frames(path):
    with iio.imopen(path, "r", plugin="pillow") as file:
        return [file.metadata(index=i) for i, _ in enumerate(file.iter())]


def test_avi_refuses_a_variable_rate(tmp_path, source):
    with pytest.raises(OptionError, match=r"a\.avi has no timestamps .* `vfr` cfr"):
        write(tmp_path / "a.avi", smooth(6), source, timeline=VARIABLE)
    assert os.listdir(tmp_path) == []


def test_frames_at_the_wrong_moment_are_found_out(tmp_path, source, monkeypatch):
    wrong = Timeline(Fraction(1, 8000), (0, 320, 480, 1360, 1400, 3000, 3320))
    add = video_file.FileSink.__init__

    def late(self, *arguments, timeline, **options):
        add(self, *arguments, timeline=wrong, **options)

    monkeypatch.setattr(video_file.FileSink, "__init__", late)
    with pytest.raises(OutputError, match=r"frame 2 of .* came out 0.0100 s too late"):
        write(tmp_path / "a.mp4", smooth(6), source, timeline=VARIABLE)
    assert os.listdir(tmp_path) == []


def test_mp4_can_play_while_it_loads(tmp_path, source):
    write(tmp_path / "a.mp4", smooth(4), source)
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("size", [(48, 64), (181, 321)])
@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "ffv1"), ("a.avi", "ffv1"), ("b/", None)])
def test_eight_bit_rgb_survives_to_the_bit(tmp_path, source, size, name, codec):
    frames = noise(3, *size)
    out = f"{tmp_path}/{name}"
    write(out, frames, source, codec=codec)
    got = np.stack(list(read(probe(out))))
    np.testing.assert_array_equal(np.rint(got * 255), frames)
    if codec:
        np.testing.assert_array_equal(decode(out, "rgb24", size[::-1]), frames)
        assert "bgr0(pc, gbr" in describe(out) or name == "a.avi"  # which has no tags


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.avi", "a.mkv"])
def test_odd_sizes_stay_as_they_are(tmp_path, source, name):
    frames = smooth(3, 181, 321)
    notes = write(tmp_path / name, frames, source)
    assert any("odd side" in note for note in notes) == (name != "a.webm")
    assert "321x181" in describe(tmp_path / name)
    got = decode(tmp_path / name, "rgb24", (321, 181))
    assert np.abs(got[:, :, -1] / 255 - frames[:, :, -1]).max() < 12 / 255
    assert np.abs(got[:, -1] / 255 - frames[:, -1]).max() < 12 / 255


def test_a_static_clip_stays_static(tmp_path, source):
    frames = smooth(1).repeat(24, 0)
    write(tmp_path / "a.mp4", frames, source)
    means = np.stack(list(read(probe(tmp_path / "a.mp4")))).mean((1, 2, 3))
    assert np.ptp(means) < 0.5 / 255
    assert abs(means.mean() - frames.mean()) < 0.5 / 255


def test_values_are_clipped_and_rounded(tmp_path, source):
    frames = np.zeros((1, 48, 64, 3), np.float32)
    frames[0, :, :16], frames[0, :, 16:32], frames[0, :, 32:48] = -0.5, 1.5, 100.4 / 255
    frames[0, :, 48:] = 100.6 / 255
    write(tmp_path / "a.mkv", frames, source, codec="ffv1")
    got = decode(tmp_path / "a.mkv", "rgb24", SIZE)[0]
    assert [got[5, x, 1] for x in (5, 20, 40, 60)] == [0, 255, 100, 101]


def test_pixel_aspect_and_other_formats(tmp_path):
    source = probe(clip(tmp_path / "s.mkv", "-vf", "setsar=4/3", frames=2))
    write(tmp_path / "a.mp4", smooth(2), source)
    assert "SAR 4:3" in describe(tmp_path / "a.mp4")
    write(tmp_path / "a.mov", smooth(2), source, codec="prores_ks")
    assert "prores" in describe(tmp_path / "a.mov")
    assert "yuv422p10le" in describe(tmp_path / "a.mov")
    write(tmp_path / "b.mkv", smooth(2), source, codec="libx264", crf=40, pix_fmt="yuv444p")
    assert "yuv444p(tv, smpte170m" in describe(tmp_path / "b.mkv")
    write(tmp_path / "m.avi", smooth(2), source, codec="mjpeg")
    assert "yuvj420p(pc" in describe(tmp_path / "m.avi")
    write(tmp_path / "g.mkv", smooth(2), source, codec="ffv1", pix_fmt="gray")
    assert "gray(" in describe(tmp_path / "g.mkv")


def test_a_lower_crf_makes_a_larger_file(tmp_path, source):
    for name, crf in (("a.mp4", 10.5), ("b.mp4", 40)):
        write(tmp_path / name, noise(4, 48, 64), source, crf=crf)
    assert (tmp_path / "a.mp4").stat().st_size > 1.5 * (tmp_path / "b.mp4").stat().st_size


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.mkv", "out/"])
def test_nothing_is_left_without_finish(tmp_path, source, name):
    write(f"{tmp_path}/{name}", smooth(5), source, finish=False)
    assert os.listdir(tmp_path) == []

    def fail():
        with VideoWriter(
            *(f"{tmp_path}/{name}",),
            size=SIZE,
            timeline=Timeline.constant(NTSC, 5),
            source=source,
            settings=EncodeSettings(),
        ) as writer:
            writer.write(smooth(5))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "out/"])
def test_the_output_appears_only_when_it_is_whole(tmp_path, source, name):
    out = f"{tmp_path}/{name}"
    with VideoWriter(
        out,
        size=SIZE,
        timeline=Timeline.constant(Fraction(25), 5),
        source=source,
        settings=EncodeSettings(),
    ) as writer:
        writer.write(smooth(5)[:4])
        assert all(entry.startswith(".") for entry in os.listdir(tmp_path))
        with pytest.raises(OutputError, match=r"4 frames were written .* expected 5"):
            writer.finish()
        writer.write(smooth(5)[4:])
        assert all(entry.startswith(".") for entry in os.listdir(tmp_path))
        writer.finish()
    assert os.listdir(tmp_path) == [name.strip("/")]


def test_an_old_output_stays_until_the_new_one_is_whole(tmp_path, source):
    (tmp_path / "a.mp4").write_text("old")
    write(tmp_path / "a.mp4", smooth(2), source, finish=False, overwrite=True)
    assert (tmp_path / "a.mp4").read_text() == "old"
    with pytest.raises(OutputError, match="exists"):
        write(tmp_path / "a.mp4", smooth(2), source)
    write(tmp_path / "a.mp4", smooth(2), source, overwrite=True)
    assert probe(tmp_path / "a.mp4").frames == 2


@pytest.mark.parametrize("pattern", ["", "%03d.png", "frame_%d.png"])
def test_a_folder_of_images(tmp_path, source, pattern):
    frames = noise(11, 9, 7)
    notes = write(f"{tmp_path}/out/{pattern}", frames, source)
    assert notes == ()
    names = sorted(os.listdir(tmp_path / "out"), key=len)
    assert names[0] == {"": "000001.png", "%03d.png": "001.png"}.get(pattern, "frame_1.png") or (
        len(names) == 11
    )
    assert len(names) == 11
    got = iio.imread(tmp_path / "out" / ((pattern or "%06d.png") % 11))
    np.testing.assert_array_equal(got, frames[10])


def test_a_folder_of_images_is_replaced_as_a_whole(tmp_path, source):
    out = f"{tmp_path}/out/"
    write(out, noise(5, 9, 7), source)
    write(out, noise(2, 9, 7, seed=5), source, finish=False, overwrite=True)
    assert len(os.listdir(out)) == 5
    write(out, noise(2, 9, 7, seed=5), source, overwrite=True)
    assert sorted(os.listdir(out)) == ["000001.png", "000002.png"]
    assert os.listdir(tmp_path) == ["out"]
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(OutputError, match=r"mine\.txt"):
        write(out, noise(2, 9, 7), source, overwrite=True)
    assert len(os.listdir(out)) == 3


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(50), Fraction(30), NTSC])
def test_a_gif_keeps_count_time_and_colours(tmp_path, source, rate):
    frames = smooth(30)
    notes = write(tmp_path / "a.gif", frames, source, rate)
    assert any("hundredths" in note for note in notes) == (100 % rate != 0)
    got = decode(tmp_path / "a.gif", "rgb24", SIZE)
    assert got.shape[0] == 30
    assert np.abs(got / 255 - frames).mean() < 6 / 255
    assert abs(duration(tmp_path / "a.gif") - 30 / rate) < 0.011
    info = probe(tmp_path / "a.gif")
    assert info.frames == 30
    assert abs(info.duration - 30 / rate) <= Fraction(1, 100)
    assert os.listdir(tmp_path) == ["a.gif"]


def test_a_gif_can_wait_elsewhere(tmp_path, source):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with VideoWriter(
        tmp_path / "a.gif",
        size=SIZE,
        timeline=Timeline.constant(Fraction(25), 3),
        source=source,
        settings=EncodeSettings(),
        scratch=scratch,
    ) as writer:
        writer.write(smooth(3))
        assert os.listdir(scratch) == ["part.open"]
        writer.finish()
    assert sorted(os.listdir(scratch)) == ["part-000001", "parts.jsonl"]  # its owner's to remove
    assert sorted(os.listdir(tmp_path)) == ["a.gif", "scratch"]


def test_wrong_frames_are_refused(tmp_path, source):
    with VideoWriter(
        tmp_path / "a.mp4",
        size=SIZE,
        timeline=Timeline.constant(NTSC, 1),
        source=source,
        settings=EncodeSettings(),
    ) as writer:
        with pytest.raises(OutputError, match=r"shape \(1, 64, 48, 3\).*expected \(N, 48, 64, 3\)"):
            writer.write(np.zeros((1, 64, 48, 3), np.float32))
        with pytest.raises(OutputError, match="not numbers"):
            writer.write(np.full((1, 48, 64, 3), np.nan, np.float32))
        with pytest.raises(OutputError, match=r"0 frames were written .* expected 1"):
            writer.finish()


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "out/"])
def test_a_full_disk_while_finishing(tmp_path, source, name, monkeypatch):
    for user in ("system.files", "video.writing.image_folder"):
        monkeypatch.setattr(f"deeptsr.{user}.flush_to_disk", full)
    with pytest.raises(
        ResourceError, match=r"is full after 3 frames \(No space left on device\); free some space"
    ):
        write(f"{tmp_path}/{name}", smooth(3), source)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_while_writing(tmp_path, source, monkeypatch):
    # Every write to /dev/full fails as on a full disk, within FFmpeg.
    monkeypatch.setattr(video_file, "fresh", lambda path: "/dev/full")
    with pytest.raises(ResourceError, match="is full"):
        write(tmp_path / "a.mkv", noise(40, 48, 64), source, crf=0)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_within_a_folder(tmp_path, source, monkeypatch):
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="is full after 0 frames"):
        write(f"{tmp_path}/out/", smooth(3), source)
    assert os.listdir(tmp_path) == []


def test_an_encoder_that_loses_frames_is_found_out(tmp_path, source, monkeypatch):
    mux = video_file.FileSink.write
    seen = []

    def lossy(self, frame):
        seen.append(1)
        if len(seen) != 3:
            mux(self, frame)

    monkeypatch.setattr(video_file.FileSink, "write", lossy)
    with pytest.raises(OutputError, match=r"came out with 5 frames in .* expected 6"):
        write(tmp_path / "a.mp4", smooth(6), source)
    assert os.listdir(tmp_path) == []


def test_an_error_of_ffmpeg_is_put_in_words(tmp_path, source, monkeypatch):
    def broken(*_arguments):
        raise av.InvalidDataError(1094995529, "Invalid data", "a.mp4")

    monkeypatch.setattr(video_file, "from_rgb", broken)
    with pytest.raises(OutputError, match=r"cannot be written \(Invalid data\)"):
        write(tmp_path / "a.mp4", smooth(2), source)
