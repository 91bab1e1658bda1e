"""A file of some bytes may not claim billions of samples."""

import struct
import time

import pytest

from deeptsr.errors import InputError
from deeptsr.video import probe, read
from deeptsr.video.ffmpeg.sample_tables import claims_too_much
from tests.helpers.clips import clip, ffmpeg

MANY = 400_000_000


def put(data, box, at, *numbers):
    """Write numbers into the first box of a kind, so many bytes behind its name."""
    begin = data.index(box) + 4 + at
    data[begin : begin + 4 * len(numbers)] = struct.pack(f">{len(numbers)}I", *numbers)


def billions_of_frames(data):
    put(data, b"stsz", 4, 1, MANY)
    put(data, b"stts", 8, MANY)
    put(data, b"stsc", 12, MANY)


def shown_again_and_again(data):
    begin = data.index(b"elst") - 4
    (length,) = struct.unpack(">I", data[begin : begin + 4])
    edit = bytes(data[begin + 16 : begin + 28])
    put(data, b"elst", 4, MANY // 1000)
    data[begin + length : begin + length] = edit * (MANY // 1000 - 1)
    for box in (b"elst", b"edts", b"trak", b"moov"):
        place = data.index(box) - 4
        (length,) = struct.unpack(">I", data[place : place + 4])
        data[place : place + 4] = struct.pack(">I", length + len(edit) * (MANY // 1000 - 1))


def behind_what_ends_nowhere(data):
    billions_of_frames(data)
    begin = data.index(b"trak") + 4
    data[begin:begin] = struct.pack(">I4sI", 12, b"udta", 0)
    for box in (b"trak", b"moov"):
        place = data.index(box) - 4
        (length,) = struct.unpack(">I", data[place : place + 4])
        data[place : place + 4] = struct.pack(">I", length + 12)


@pytest.mark.parametrize(
    "harm", [behind_what_ends_nowhere, billions_of_frames, shown_again_and_again]
)
def test_tables_of_billions_are_refused_at_once(tmp_path, harm):
    path = clip(tmp_path / "a.mp4", "-c:v", "mpeg4", size="16x16", rate="25", frames=60)
    data = bytearray(path.read_bytes())
    assert not claims_too_much(path)
    harm(data)
    path.write_bytes(data)
    began = time.monotonic()
    with pytest.raises(
        InputError, match=r"claims far more frames or edits than its .*get the file"
    ):
        probe(path)
    assert time.monotonic() - began < 2


def test_fragments_of_billions_are_refused(tmp_path):
    options = ("-movflags", "frag_keyframe+empty_moov", "-c:v", "mpeg4")
    path = clip(tmp_path / "a.mp4", *options, size="16x16", frames=6)
    data = bytearray(path.read_bytes())
    assert not claims_too_much(path)
    put(data, b"trun", 0, 0, MANY)
    path.write_bytes(data)
    with pytest.raises(InputError, match="claims far more"):
        probe(path)


def test_what_is_long_stays_open(tmp_path):
    # Of sound each sample counts; and then a twentieth of that file.
    path, picture = tmp_path / "a.mov", ("-f", "lavfi", "-i", "testsrc2=s=16x16:r=1:d=40")
    sound = ("-f", "lavfi", "-i", "anullsrc=r=192000:cl=mono", "-t", 40, "-c:a", "pcm_u8")
    ffmpeg(*picture, *sound, "-c:v", "mpeg4", "-movflags", "+faststart", path)
    assert not claims_too_much(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 20])
    assert not claims_too_much(path)
    info = probe(path)
    assert sum(1 for _ in read(info)) == info.frames > 0


@pytest.mark.parametrize("data", [b"\0" * 8, b"\0\0\0\1moov", b"\0\0\0\7free\0\0\0\7", b"x"])
def test_what_is_no_box_claims_nothing(tmp_path, data):
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    assert not claims_too_much(path)
