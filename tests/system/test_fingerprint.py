"""Whether a file is still the same."""

import pytest

from deeptsr.system.fingerprint import fingerprint


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 16_384)  # 4 MiB: the middle is not looked at
    return path


def test_a_file_that_stays_the_same_keeps_its_fingerprint(video):
    before = fingerprint([video])
    assert fingerprint([video]) == before
    assert len(bytes.fromhex(before)) == 32


@pytest.mark.parametrize("place", [0, -1])
def test_a_change_at_either_end_shows(video, place):
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
