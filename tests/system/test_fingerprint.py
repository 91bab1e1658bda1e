"""Whether a file is still the same."""

import hashlib
import os

import pytest

from deeptsr.system.fingerprint import fingerprint, last_change


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 16_384)  # 4 MiB
    return path


@pytest.fixture
def large(tmp_path):
    """A file of 200 MiB that takes no room on the disk."""
    path = tmp_path / "large.bin"
    with path.open("wb") as stream:
        stream.truncate(200 << 20)
    return path


def test_a_file_that_stays_the_same_keeps_its_fingerprint(video):
    before = fingerprint([video])
    assert fingerprint([video]) == before
    assert len(bytes.fromhex(before)) == 32


@pytest.mark.parametrize("place", [0, 2 << 20, -1])
def test_a_change_anywhere_shows(video, place):
    before, data = fingerprint([video]), bytearray(video.read_bytes())
    data[place] ^= 1
    video.write_bytes(data)
    assert fingerprint([video]) != before


def test_another_length_shows(video):
    before, data = fingerprint([video]), video.read_bytes()
    video.write_bytes(data[: 2 << 20] + data[(2 << 20) + 256 :])
    assert fingerprint([video]) != before


def test_a_file_that_is_gone_is_an_os_error(video):
    video.unlink()
    with pytest.raises(FileNotFoundError):
        fingerprint([video])


def test_a_large_file_is_looked_at_in_many_places(large):
    before = fingerprint([large])
    for at in (0, 100 << 20, (200 << 20) - 1):
        with large.open("r+b") as stream:
            stream.seek(at)
            stream.write(b"x" * (3 << 20) if at == 100 << 20 else b"x")
        assert before != (before := fingerprint([large]))


def test_only_of_files_that_are_not_read_whole_the_time_counts(large, video):
    assert last_change([video]) is None
    os.utime(large, (5, 5))
    assert last_change([large, video]) == "1970-01-01T00:00:05+00:00"
    before = fingerprint([large])
    os.utime(large, (6, 6))
    assert fingerprint([large]) == before


def test_two_places_are_what_earlier_versions_looked_at(video):
    data = video.read_bytes()
    said = f"a.bin {len(data)}\n".encode() + data[: 1 << 20] + data[-(1 << 20) :]
    assert fingerprint([video], places=2) == hashlib.sha256(said).hexdigest()
    video.write_bytes(b"short")
    said = b"a.bin 5\n" + b"short" * 2
    assert fingerprint([video], places=2) == hashlib.sha256(said).hexdigest()
