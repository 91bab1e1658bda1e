"""Sound whose channels the file does not name, and more channels than an encoder has."""

import av
import numpy as np
import pytest

from deeptsr.jobs.probe import plan_file
from deeptsr.jobs.upscale import upscale_file
from tests.helpers.clips import ffmpeg, sound, sound_packets
from tests.helpers.synth import tiny


def noisy(path, *options, channels=2, seconds=0.4, late=0.0):
    """A short video with so many channels of tones."""
    tones = "|".join(f"0.1*sin({440 + 110 * n}*2*PI*t)" for n in range(channels))
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-itsoffset", late),
        *("-f", "lavfi", "-i", f"aevalsrc={tones}:s=48000:d={seconds}"),
        *("-frames:v", 10, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *(*options, path),
    )
    return path


def heard(path):
    """Codec, channels and seconds of the sound."""
    with av.open(str(path)) as container:
        context = container.streams.audio[0].codec_context
        frames = list(container.decode(audio=0))
        seconds = sum(frame.samples for frame in frames) / context.sample_rate
        return context.codec.canonical_name, context.layout.nb_channels, seconds


@pytest.mark.parametrize(
    ("source", "codec", "channels"),
    [
        ("s.wmv", "wmav2", 2),
        ("s.avi", "pcm_s16le", 2),
        ("s.mkv", "pcm_s16le", 2),
        ("s.mkv", "pcm_s24le", 6),
        ("s.mov", "pcm_s16le", 1),
    ],
)
@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.webm", "o.avi", "slow.mp4"])
def test_channels_without_names(quick, tmp_path, source, codec, channels, name):
    form = ("-c:v", "wmv2") if source == "s.wmv" else ()
    path = noisy(tmp_path / source, *form, "-c:a", codec, channels=channels)
    slow = name == "slow.mp4"
    told = []
    options = tiny(2, slow_motion=slow, slow_audio=slow)
    upscale_file(path, tmp_path / name, options, told.append)
    made, found, seconds = heard(tmp_path / name)
    fewer = made == "mp3" and channels > 2
    assert found == (2 if fewer else channels)
    assert abs(seconds - 0.4 * (2 if slow else 1)) < 0.08
    assert any("mixed to stereo" in str(event) for event in told) == fewer


@pytest.mark.parametrize(("name", "mixed"), [("o.webm", False), ("o.avi", True)])
def test_surround_sound_stays_or_is_named(quick, tmp_path, name, mixed):
    codec = "libopus" if mixed else "ac3"  # neither goes into the file as it is
    path = noisy(tmp_path / "s.mkv", "-c:a", codec, channels=6)
    told = []
    upscale_file(path, tmp_path / name, tiny(2), told.append)
    assert heard(tmp_path / name)[1] == (2 if mixed else 6)
    notes = [str(event) for event in told if "sound is encoded" in str(event)]
    assert ["mixed to stereo" in note for note in notes] == [mixed]


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le", "libvorbis"])
@pytest.mark.parametrize("late", [0.0, 0.2])
def test_sound_in_avi_is_heard_when_it_was(quick, tmp_path, codec, late):
    path = noisy(tmp_path / "s.mkv", "-c:a", codec, seconds=0.2, late=late)
    upscale_file(path, tmp_path / "o.avi", tiny(2))
    onsets = [int((np.abs(sound(p)) > 0.02).argmax()) / 48000 for p in (path, tmp_path / "o.avi")]
    assert abs(onsets[0] - late) < 0.03
    assert abs(onsets[0] - onsets[1]) < 0.03  # MP3 begins with what primes its decoder
    copied = heard(tmp_path / "o.avi")[0] != "mp3"
    assert copied == (codec != "libvorbis" and not late)


def test_packets_shorter_than_a_tick_are_all_kept(quick, tmp_path):
    path = noisy(tmp_path / "s.mkv", "-c:a", "truehd", "-strict", -2)
    told = []
    upscale_file(path, tmp_path / "o.mkv", tiny(2), told.append)
    assert len(sound_packets(tmp_path / "o.mkv")) == len(sound_packets(path)) == 480
    assert heard(tmp_path / "o.mkv")[2] == pytest.approx(0.4, abs=1e-3)
    assert not any("damage" in str(event) for event in told)


@pytest.mark.parametrize(("codec", "name"), [("wmav2", "o.mp4"), ("ac3", "o.webm")])
def test_what_becomes_of_the_sound_is_said_before_the_work(tmp_path, codec, name):
    path = noisy(tmp_path / "s.mkv", "-c:a", codec)
    told = []
    plan_file(path, tmp_path / name, tiny(2), told.append)
    assert any("sound is encoded as" in str(event) for event in told)
