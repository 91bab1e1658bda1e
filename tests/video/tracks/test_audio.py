import itertools
import os
from fractions import Fraction

import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.video import VideoWriter, probe, read, selected
from deeptsr.video.tracks.audio import AudioFeed
from tests.helpers.clips import clip, describe, duration, ffmpeg, sound, sound_packets, timestamps

SECONDS = 2
RATE = "25"
ONSET = 1.0  # when the tone begins in the source


def beeping(path, *options, offset=0.0, video_offset=0.0, audio=("-c:a", "aac")):
    """Two seconds of video; silence, and from the second second on a tone."""
    late = f"sine=1000:d={SECONDS}:r=48000,volume='gte(t,{ONSET})':eval=frame"
    inputs = ["-itsoffset", video_offset, "-f", "lavfi", "-i", f"testsrc2=s=64x48:r={RATE}"]
    inputs += ["-itsoffset", offset, "-f", "lavfi", "-i", late]
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    ffmpeg(*inputs, "-t", SECONDS + offset, *codec, *audio, *options, path)
    return path


def onset(path):
    """When the tone begins in a file, seconds after its first frame."""
    loud = np.abs(sound(path)) > 0.02
    return int(loud.argmax()) / 48000 - float(timestamps(path)[0])


def upscale(path, output, start=None, end=None, factor=2, **options):
    info = probe(path)
    frames = np.stack(list(read(info, start, end))).repeat(factor, 0)
    span = None if start is None and end is None else (start or 0, end or info.duration)
    chosen = selected(info, start, end)
    timeline = info.timeline.part(chosen).subdivided(factor)
    timeline = timeline.starting_at(info.start - info.origin if span is None else Fraction(0))
    with VideoWriter(
        output,
        size=(info.width, info.height),
        timeline=timeline,
        source=info,
        settings=EncodeSettings(),
        audio_range=span,
        **options,
    ) as writer:
        writer.write(frames)
        writer.finish()
    assert probe(output).frames == len(frames)
    return writer.notes


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return beeping(tmp_path_factory.mktemp("sound") / "s.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_sound_is_copied_packet_by_packet(tmp_path, source, name):
    assert upscale(source, tmp_path / name) == ()
    packets = sound_packets(source)
    copied = sound_packets(tmp_path / name)
    primed = name != "a.mkv"  # Matroska could hold the priming packet only by delaying the picture
    assert copied == packets if primed else copied == packets[1:]
    assert abs(onset(tmp_path / name) - onset(source)) < 0.003
    assert abs(duration(tmp_path / name) - SECONDS) < 0.03
    assert timestamps(tmp_path / name)[0] == 0


@pytest.mark.parametrize(
    ("audio", "name", "codec"),
    [
        (("-c:a", "aac"), "a.webm", "opus"),
        (("-c:a", "pcm_s16le"), "a.webm", "opus"),
        (("-c:a", "pcm_s16le"), "a.mkv", None),
        (("-c:a", "libopus"), "a.webm", None),
        (("-c:a", "libopus"), "a.mp4", None),
        (("-c:a", "libmp3lame"), "a.mp4", None),
        (("-c:a", "libmp3lame"), "a.avi", None),
        (("-c:a", "flac"), "a.mkv", None),
        (("-c:a", "libopus"), "a.avi", "mp3"),
        (("-c:a", "ac3"), "a.mov", None),
    ],
)
def test_sound_is_copied_or_encoded_as_the_container_asks(tmp_path, audio, name, codec):
    path = beeping(tmp_path / "s.mkv", audio=audio)
    notes = upscale(path, tmp_path / name)
    wanted = codec or audio[1].removeprefix("lib").removesuffix("lame")
    assert f"Audio: {wanted}" in describe(tmp_path / name)
    assert bool(notes) == bool(codec)
    if codec:
        assert "cannot hold" in notes[0]
    # MP3 begins with half a frame of silence, which AVI cannot name.
    allowed = 0.06 if wanted == "mp3" else 0.012
    assert abs(onset(tmp_path / name) - onset(path)) < allowed


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_a_range_stays_in_time(tmp_path, source, name):
    upscale(source, tmp_path / name, 0.6, 1.4)
    assert abs(onset(tmp_path / name) - (onset(source) - 0.6)) < 0.012
    assert abs(duration(tmp_path / name) - 0.8) < 0.05
    # Sound from before the start would push the picture back where it cannot be hidden.
    assert timestamps(tmp_path / name)[0] <= (0.001 if name != "a.mkv" else 0.025)
    assert len(sound(tmp_path / name)) / 48000 < 0.85


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
@pytest.mark.parametrize("offset", [0.3])
def test_sound_that_begins_later_still_does(tmp_path, name, offset):
    path = beeping(tmp_path / "s.mkv", offset=offset)
    assert abs(onset(path) - (ONSET + offset)) < 0.03
    upscale(path, tmp_path / name)
    assert abs(onset(tmp_path / name) - onset(path)) < 0.012


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sound_that_begins_before_the_picture_stays_in_time(tmp_path, name):
    path = beeping(tmp_path / "s.mkv", video_offset=0.4)
    assert probe(path).start > 0.3
    upscale(path, tmp_path / name)
    assert abs(onset(tmp_path / name) - onset(path)) < 0.012


def test_a_transport_stream_stays_in_time(tmp_path):
    path = beeping(tmp_path / "s.ts")
    assert probe(path).start > 1
    upscale(path, tmp_path / "a.mp4")
    assert abs(onset(tmp_path / "a.mp4") - ONSET) < 0.03


def test_all_tracks_are_kept_and_none_on_request(tmp_path, source):
    two = tmp_path / "s.mkv"
    ffmpeg("-i", source, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy", two)
    upscale(two, tmp_path / "a.mp4")
    assert describe(tmp_path / "a.mp4").count("Audio: aac") == 2
    assert upscale(two, tmp_path / "b.mp4", audio=False) == ()
    assert "Audio" not in describe(tmp_path / "b.mp4")


def test_where_there_is_no_place_for_sound_it_is_said(tmp_path, source):
    assert "a GIF holds none" in upscale(source, tmp_path / "a.gif", 0, 0.2)[0]
    assert "a folder of images holds none" in upscale(source, f"{tmp_path}/b/", 0, 0.2)[0]


def test_damaged_sound_does_not_stop_the_picture(tmp_path):
    path = clip(tmp_path / "s.mkv", sound=2, frames=48)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.7)])
    upscale(path, tmp_path / "a.mp4")
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "s.mkv"]


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_sound_whose_time_does_not_go_on_is_left_out_and_said(tmp_path, source, name):
    twice = [f"{x}ts=if(eq(N\\,9)\\,PREV_OUT{x.upper()}TS\\,{x.upper()}TS)" for x in "pd"]
    ffmpeg("-i", source, "-c", "copy", "-bsf:a", f"setts={':'.join(twice)}", tmp_path / "s.mkv")
    notes = upscale(tmp_path / "s.mkv", tmp_path / name)
    if name == "a.webm":  # where it is encoded anew
        assert "Audio: opus" in describe(tmp_path / name)
        return
    assert sum("times run backwards: the input is damaged" in note for note in notes) == 1
    given = sound_packets(tmp_path / "s.mkv")
    assert sound_packets(tmp_path / name) == given[:9] + given[10:]


def test_sound_and_picture_lie_beside_each_other(tmp_path, source, monkeypatch):
    advance, moments = AudioFeed.advance, []

    def watched(self, moment):
        moments.append(moment)
        advance(self, moment)
        assert moment is None or self._next is None or self._next[0] >= moment

    monkeypatch.setattr(AudioFeed, "advance", watched)
    upscale(source, tmp_path / "a.mkv")
    # After every frame, lest the muxer keep a film's pictures in memory until its sound comes.
    assert moments == [*(Fraction(i, 50) for i in range(1, 101)), None]
    text = ffmpeg("-i", tmp_path / "a.mkv", "-c", "copy", "-f", "framecrc", "-").decode()
    streams = [line.split(",")[0] for line in text.splitlines() if line[0] != "#"]
    changes = sum(a != b for a, b in itertools.pairwise(streams))
    assert changes > 40
