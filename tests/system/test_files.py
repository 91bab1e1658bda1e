"""Files that are written whole or not at all, and why they are not."""

import errno
import os

import pytest

from deeptsr.errors import OutputError, ResourceError
from deeptsr.system import files
from deeptsr.system.files import publish, unwritable, whole, write_whole
from tests.helpers.full_disk import full


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "a.json"
    with whole(path) as aside:
        assert (aside.parent, aside.suffix) == (tmp_path, ".json")
        aside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), ValueError, KeyboardInterrupt])
def test_a_file_that_fails_leaves_the_old_one(tmp_path, error):
    path, aside = tmp_path / "a.json", tmp_path / "a.part"
    path.write_text("old")

    def break_off():
        with whole(path, aside):
            aside.write_text("half")
            raise error

    with pytest.raises(error if isinstance(error, type) else OSError):
        break_off()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_whatever_it_is_called(tmp_path, number):
    error = unwritable(tmp_path, OSError(number, "why"), after=" after 3 frames", again="go on")
    assert isinstance(error, ResourceError)
    assert error.exit_code == 4
    assert str(error) == f"the disk of {tmp_path} is full after 3 frames (why); go on"


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "why"), ValueError("why")])
def test_another_reason_is_told(tmp_path, error):
    told = unwritable(tmp_path, error)
    assert isinstance(told, OutputError)
    assert str(told) == f"{tmp_path} cannot be written (why); choose another place"


@pytest.mark.parametrize("step", ["write", "os.replace"])
def test_what_is_written_by_a_function_fails_in_our_words(tmp_path, step, monkeypatch):
    if step == "os.replace":
        monkeypatch.setattr(os, "replace", full)
    write = full if step == "write" else lambda aside: aside.write_text("new")
    with pytest.raises(ResourceError, match="a is full"):
        write_whole(tmp_path / "a", write)
    assert os.listdir(tmp_path) == []


def test_what_is_published_is_on_the_disk_before_and_after(tmp_path, monkeypatch):
    partial, final, seen = tmp_path / "p", tmp_path / "f", []
    partial.write_text("new")
    final.write_text("old")
    monkeypatch.setattr(files, "flush_to_disk", lambda path: seen.append((path, partial.exists())))
    publish(partial, final)
    assert seen == [(partial, True), (tmp_path, False)]
    assert final.read_text() == "new"
