"""Names, languages and flags of tracks, what a file says of itself, and what of it is left out."""

from fractions import Fraction

import av
import pytest
from av.stream import Disposition

from deeptsr.events import Warned
from deeptsr.jobs.probe import plan_file
from deeptsr.jobs.upscale import upscale_file
from deeptsr.video.tracks.timecode import moved
from tests.helpers.clips import ffmpeg
from tests.helpers.synth import tiny

TITLES = ("Main", "Original", "Commentary")
LANGUAGES = ("fra", "jpn", "eng")


def labelled(path, *options, sounds=2, codec="aac"):
    tones = [w for n in range(sounds) for w in ("-f", "lavfi", "-i", f"sine={440 + n}:d=0.4")]
    maps = [w for n in range(sounds + 1) for w in ("-map", n)]
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4", *tones, *maps),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", codec),
        *(*options, path),
    )
    return path


def run(source, output, **options):
    told = []
    upscale_file(source, output, tiny(2, **options), told.append)
    return [event.message for event in told if isinstance(event, Warned)]


@pytest.mark.parametrize("codec", ["aac", "wmav2"])
@pytest.mark.parametrize("name", ["o.mkv", "o.mp4", "o.mov", "o.webm", "o.avi"])
def test_tracks_keep_what_is_written_on_them(quick, tmp_path, name, codec):
    marks = [f"-metadata:s:{n}" for n in range(3) for _ in range(2)]
    values = [w for pair in zip(TITLES, LANGUAGES, strict=True) for w in pair]
    keys = ("title", "language") * 3
    said = [w for m, k, v in zip(marks, keys, values, strict=True) for w in (m, f"{k}={v}")]
    flags = ("-disposition:a:0", 0, "-disposition:a:1", "default+comment")
    source = labelled(tmp_path / "s.mkv", *said, *flags, codec=codec)
    notes = run(source, tmp_path / name)
    with av.open(str(tmp_path / name)) as file:
        found = [s.metadata for s in file.streams]
        flagged = [s.disposition for s in file.streams.audio]
    titles = [m.get("title", m.get("name")) for m in found]
    languages = [m.get("language") for m in found]
    for wanted, there, what in ((TITLES, titles, "title"), (LANGUAGES, languages, "language")):
        lost = any("cannot be kept" in note and what in note for note in notes)
        assert tuple(there) == wanted or lost
        assert not lost or name == "o.avi"
    kept = bool(flagged[1] & Disposition.comment)
    assert kept or name not in ("o.mkv", "o.mp4")
    assert any("comment" in note and "cannot be kept" in note for note in notes) != kept
    assert not flagged[0] & Disposition.default or name == "o.avi"


@pytest.mark.parametrize(("source", "kept"), [("s.mov", True), ("s.mkv", True)])
@pytest.mark.parametrize("output", ["o.mov", "o.mp4", "o.mkv", "o.avi"])
@pytest.mark.parametrize("rate", [2, Fraction(60), "slow"])
def test_timecode_is_counted_on_or_named(quick, tmp_path, source, kept, output, rate):
    form = ("-timecode" if source == "s.mov" else "-metadata",)
    form += ("01:00:00:12" if source == "s.mov" else "timecode=01:00:00:12",)
    path = labelled(tmp_path / source, *form, sounds=0)
    options = {"fps": rate} if isinstance(rate, Fraction) else {"slow_motion": rate == "slow"}
    notes = run(path, tmp_path / output, **options)
    with av.open(str(tmp_path / output)) as file:
        said = [
            m.get(k)
            for m in (file.metadata, *(s.metadata for s in file.streams))
            for k in m
            if k.lower() == "timecode"
        ]
    if rate == 2 and output != "o.avi":
        assert set(said) == {"01:00:00:24"}
        assert not any("timecode" in note for note in notes)
    else:
        assert said == []
        assert sum("timecode 01:00:00:12 is left out" in note for note in notes) == 1


def test_timecode_of_a_part_is_that_of_its_first_frame(quick, tmp_path):
    path = labelled(tmp_path / "s.mov", "-timecode", "01:00:00:12", sounds=0)
    run(path, tmp_path / "o.mov", start=0.2)
    with av.open(str(tmp_path / "o.mov")) as file:
        assert file.streams.video[0].metadata["timecode"] == "01:00:00:34"


@pytest.mark.parametrize(
    ("text", "rate", "frames", "new", "wanted"),
    [
        ("23:59:59:24", "25", 1, "25", "00:00:00:00"),
        ("00:00:59;29", "30000/1001", 1, "30000/1001", "00:01:00;02"),
        ("00:09:59;29", "30000/1001", 1, "30000/1001", "00:10:00;00"),
        ("00:10:00;00", "30000/1001", 17982, "30000/1001", "00:20:00;00"),
        ("01:00:00;12", "30000/1001", 0, "60000/1001", "01:00:00;24"),
        ("01:00:00:12", "24000/1001", 0, "192000/1001", "01:00:00:96"),
        ("01:00:00:12", "25", 0, "60", ""),
        ("01:00:00;12", "25", 0, "50", ""),
        ("01:00:00:30", "25", 0, "50", ""),
        ("nonsense", "25", 0, "50", ""),
    ],
)
def test_timecode_by_hand(text, rate, frames, new, wanted):
    assert moved(text, Fraction(rate), frames, Fraction(new)) == wanted


def test_drop_frames_keep_the_time_of_day():
    rate = Fraction(30000, 1001)
    seconds = 0
    for hour in range(24):
        found = moved("00:00:00;00", rate, round(3600 * hour * rate), rate)
        hours, minutes, rest = found.split(":")
        seconds = int(hours) * 3600 + int(minutes) * 60 + int(rest[:2]) + int(rest[3:]) / 30
        assert abs(seconds - 3600 * hour) < 0.2


@pytest.mark.parametrize("output", ["o.mov", "o.mp4", "o.mkv", "o.webm", "o.avi"])
def test_a_phones_place_and_date_are_kept_or_named(quick, tmp_path, output):
    apple = "com.apple.quicktime."
    said = {"location.ISO6709": "+48.1372+011.5756+519/", "make": "Apple"}
    form = [w for k, v in said.items() for w in ("-metadata", f"{apple}{k}={v}")]
    path = labelled(tmp_path / "s.mov", "-movflags", "use_metadata_tags", *form, sounds=0)
    notes = run(path, tmp_path / output)
    with av.open(str(tmp_path / output)) as file:
        kept = {k.lower(): v for k, v in file.metadata.items()}
    if output == "o.avi":
        assert any("com.apple.quicktime.make" in note for note in notes)
    else:
        assert all(kept[f"{apple}{k}".lower()] == v for k, v in said.items())
        assert not any("left out" in note for note in notes)


@pytest.mark.parametrize("output", ["o.mkv", "o.mp4"])
def test_a_data_track_and_a_mark_of_3d_are_kept_or_named(quick, tmp_path, output):
    (tmp_path / "klv").write_bytes(bytes(range(200)))
    path = tmp_path / "s.ts"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4", "-f", "data", "-i"),
        *(tmp_path / "klv", "-map", 0, "-map", 1, "-c:v", "libx264", "-c:d", "copy", path),
    )
    told = []
    plan_file(path, tmp_path / output, tiny(2), told.append)
    assert sum("a data track" in event.message for event in told) == 1

    marked = labelled(tmp_path / "s.mkv", "-metadata:s:v:0", "stereo_mode=left_right", sounds=0)
    notes = run(marked, tmp_path / output)
    with av.open(str(tmp_path / output)) as file:
        kept = file.streams.video[0].metadata.get("stereo_mode") == "left_right"
    assert kept == (output == "o.mkv")
    assert any("stereo_mode cannot be kept" in note for note in notes) != kept


def test_closed_captions_are_named(tmp_path):
    plain, path = tmp_path / "s.h264", tmp_path / "cc.h264"
    labelled(plain, "-bf", 0, sounds=0)
    text = b"\xb5\x00\x31GA94\x03" + bytes([0xC1, 0xFF]) + b"\xfc\x94\x2c\xff"
    caption = b"\0\0\0\1\x06\x04" + bytes([len(text)]) + text + b"\x80"
    first, *rest = plain.read_bytes().split(b"\0\0\1")
    data = first
    for unit in rest:
        if unit[0] & 31 in (1, 5) and unit[1] & 0x80:
            data = data.rstrip(b"\0") + caption
        data += b"\0\0\1" + unit
    path.write_bytes(data)
    ffmpeg("-r", 25, "-i", path, "-c", "copy", tmp_path / "cc.mp4")
    told = []
    plan_file(tmp_path / "cc.mp4", tmp_path / "o.mp4", tiny(2), told.append)
    assert sum("closed captions" in event.message for event in told) == 1
