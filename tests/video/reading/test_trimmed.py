"""Frames that the container hides, or leaves out: moments are as it means them."""

import struct
from fractions import Fraction

import numpy as np
import pytest

from deeptsr.jobs.upscale import upscale_file
from deeptsr.video import probe, read
from tests.helpers.clips import clip, decode, ffmpeg, sound_packets, timestamps
from tests.helpers.synth import tiny


def trimmed(path, begin, end=0.0):
    """Let the edit lists of an MP4 hide so many seconds at its beginning and its end."""
    data = bytearray(path.read_bytes())
    at = data.find(b"elst")
    while at >= 0:
        header = data.find(b"mdhd", data.rfind(b"trak", 0, at))
        scale = struct.unpack(">I", data[header + 16 : header + 20])[0]
        last = at + 12 * struct.unpack(">I", data[at + 8 : at + 12])[0]
        length, media = struct.unpack(">Ii", data[last : last + 8])
        length -= round(1000 * (begin + end))
        data[last : last + 8] = struct.pack(">Ii", length, media + round(begin * scale))
        at = data.find(b"elst", at + 4)
    out = path.with_stem("trimmed")
    out.write_bytes(data)
    return out


def source(path, *options, key=12, sound=2):
    return clip(path, *options, "-g", key, "-c:a", "aac", rate="25", frames=50, sound=sound)


@pytest.mark.parametrize("reordered", [0, 2])
@pytest.mark.parametrize("key", [12, 250])
@pytest.mark.parametrize(("begin", "end"), [(1.0, 0.0), (0.4, 0.0), (0.0, 0.6), (0.52, 0.4)])
def test_a_clip_that_was_trimmed(quick, tmp_path, reordered, key, begin, end):
    codec = ("-c:v", "libx264", "-bf", reordered)
    whole = source(tmp_path / "s.mp4", *codec, key=key)
    path = trimmed(whole, begin, end)
    frames = len(decode(path, "gray", (64, 48)))  # what FFmpeg's program shows
    assert frames == 50 - round(25 * (begin + end)) or end  # it does not hide an end
    info = probe(path)
    assert not any("damage" in note for note in info.notes)
    assert (info.frames, info.rate, info.timeline.is_constant) == (frames, 25, True)
    assert len(list(read(info))) == frames
    told = []
    upscale_file(path, tmp_path / "o.mp4", tiny(2), told.append)
    assert len(timestamps(tmp_path / "o.mp4")) == 2 * frames
    kept = 44100 * frames / 25 / 1024  # packets
    assert abs(len(sound_packets(tmp_path / "o.mp4")) - kept) < 8  # those that prime the decoder
    assert not any("damage" in str(event) for event in told)


def test_a_variable_rate_stays_so(tmp_path):
    form = ("-vf", "select=not(gt(n\\,40)*mod(n\\,2))", "-fps_mode", "passthrough")
    path = tmp_path / "s.mp4"
    clip(path, *form, "-c:v", "libx264", "-bf", 0, "-g", 12, rate="25", frames=45)
    info = probe(trimmed(path, 1.0))
    assert not info.timeline.is_constant
    steps = np.diff([float(info.timeline.moment(n)) for n in range(info.frames)])
    assert np.allclose(steps, [0.04] * 15 + [0.08] * (info.frames - 16))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("s.avi", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p")),
        ("s.avi", ("-c:v", "ffv1")),
        ("s.mp4", ("-c:v", "libx264", "-bf", 0, "-video_track_timescale", 25)),
        ("s.mov", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-video_track_timescale", 50)),
        ("s.mkv", ("-c:v", "ffv1")),
        ("s.mp4", ("-c:v", "libx264", "-bf", 0, "-video_track_timescale", 90000)),
    ],
)
@pytest.mark.parametrize("missing", [1, 10, 22])
def test_a_missing_frame_shifts_no_other(tmp_path, name, form, missing):
    gap = f"select='not(eq(n,{missing}))'"
    times = ("-vf", gap, "-fps_mode", "passthrough", "-enc_time_base:v", "1/25")
    info = probe(clip(tmp_path / name, *times, *form, rate="25", frames=23))
    wanted = [Fraction(n, 25) for n in range(24) if n != missing]
    found = [info.timeline.moment(n) for n in range(info.frames)]
    assert [round(25 * moment) for moment in found] == [round(25 * m) for m in wanted]
    assert not any("damage" in note for note in info.notes)


@pytest.mark.parametrize("rate", ["25", "24000/1001", "30", "12"])
def test_a_clock_of_frames_is_even_where_none_is_missing(tmp_path, rate):
    path = clip(tmp_path / "s.avi", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", rate=rate)
    info = probe(path)
    assert info.timeline.is_constant
    assert info.rate == Fraction(rate)


def test_a_trimmed_clip_that_is_cut_off_is_called_so(tmp_path):
    path = trimmed(source(tmp_path / "s.mp4", "-movflags", "+faststart", sound=0), 0.6)
    ffmpeg("-i", path, "-c", "copy", tmp_path / "whole.mp4")  # it can be read at all
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 4])
    assert any("cut off or damaged" in note for note in probe(path).notes)
