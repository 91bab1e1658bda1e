"""What comes through a pipe, kept in a file for as long as it is needed."""

import errno
import io

import pytest

from deeptsr.errors import InputError, OutputError, ResourceError
from deeptsr.video import spooled


def test_all_bytes_are_kept_and_gone_after(tmp_path):
    content, told = bytes(range(256)) * 20_000, []
    with spooled(io.BytesIO(content), tmp_path, told.append) as file:
        assert file.read_bytes() == content
        assert file.is_relative_to(tmp_path)
    assert told[-1] == len(content)
    assert told == sorted(told)
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_it_lies_where_temporary_files_do(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with spooled(io.BytesIO(b"a")) as file:
        assert file.is_relative_to(tmp_path)


def test_it_is_gone_after_a_failure(tmp_path):
    with pytest.raises(RuntimeError), spooled(io.BytesIO(b"a"), tmp_path):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_empty_pipe(tmp_path):
    with (
        pytest.raises(InputError, match=r"nothing came .* see what the program before"),
        spooled(io.BytesIO(), tmp_path),
    ):
        pytest.fail("it is opened")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with (
        pytest.raises(OutputError, match="cannot be written"),
        spooled(io.BytesIO(b"a"), tmp_path / "none"),
    ):
        pytest.fail("it is opened")


def test_a_full_disk(disk):
    place = disk("size=40k")
    with (
        pytest.raises(ResourceError, match="set TMPDIR"),
        spooled(io.BytesIO(bytes(1 << 20)), place),
    ):
        pytest.fail("it is opened")
    assert list(place.iterdir()) == []


def test_a_pipe_that_cannot_be_read_is_the_inputs_fault(tmp_path):
    class Folder(io.BytesIO):
        def read(self, size=-1):
            raise IsADirectoryError(errno.EISDIR, "Is a directory")

    with (
        pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"),
        spooled(Folder(), tmp_path),
    ):
        pytest.fail("it is opened")
    assert list(tmp_path.iterdir()) == []
