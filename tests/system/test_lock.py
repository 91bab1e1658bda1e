"""One run at a time, and what is left of one that was killed."""

import errno
import json
import os
import threading

import pytest

from deeptsr.errors import OutputError, ResourceError
from deeptsr.system import lock
from deeptsr.system.lock import locked
from tests.helpers.full_disk import full


def test_a_lock_is_held_once_and_leaves_nothing(tmp_path):
    path = tmp_path / ".out.lock"
    with locked(path, "the output"):
        assert json.loads(path.read_text())["pid"] == os.getpid()
        with (
            pytest.raises(
                OutputError, match=rf"the output .*\(process {os.getpid()} on .*, since 2"
            ),
            locked(path, "the output"),
        ):
            pass
        assert path.exists()
    assert not path.exists()
    with locked(path, "the output"):
        pass


def test_a_lock_that_is_let_go_of_in_a_moment_is_waited_for(tmp_path):
    """As what was forked holds it, until it is another program."""
    path = tmp_path / ".out.lock"
    with path.open("w") as left:
        lock.hold(left.fileno())
        threading.Timer(0.2, left.close).start()
        with locked(path, "the output"):
            assert left.closed


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1, "host": "gone", "start": "2001"}'])
def test_a_lock_whose_holder_is_gone_is_taken_over(tmp_path, content):
    path = tmp_path / ".out.lock"
    path.write_text(content)
    with locked(path, "the output"):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_lock_on_a_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(ResourceError, match="is full"), locked(tmp_path / ".out.lock", "x"):
        pass


def test_a_lock_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"), locked(tmp_path / "no" / "l", "x"):
        pass


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.ENOLCK, errno.ENOSYS])
def test_a_share_without_locks_is_worked_on_with_a_warning(tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with locked(tmp_path / "lock", "the output") as note:
        assert "has no locks" in note
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize("content", ["precious", "", None])
def test_a_lock_destroys_nothing_behind_a_link(tmp_path, content):
    victim, path = tmp_path / "victim", tmp_path / ".out.lock"
    if content is not None:
        victim.write_text(content)
    path.symlink_to(victim)
    with pytest.raises(OutputError, match="symbolic link"), locked(path, "the output"):
        pass
    assert victim.exists() == (content is not None)
    assert not victim.exists() or victim.read_text() == content


@pytest.mark.parametrize("content", ["precious", "{}", '{"pids": 3}'])
def test_a_file_that_is_no_lock_is_left_alone(tmp_path, content):
    path = tmp_path / "lock"
    path.write_text(content)
    with pytest.raises(OutputError, match="is not a lock of deeptsr"), locked(path, "the folder"):
        pass
    assert path.read_text() == content


def test_a_pipe_is_no_lock(tmp_path):
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(OutputError, match="lock"), locked(tmp_path / "lock", "the folder"):
        pass
    assert (tmp_path / "lock").exists()


def test_a_lock_that_a_full_disk_kept_from_being_written_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(ResourceError, match="is full"), locked(tmp_path / ".out.lock", "x"):
        pass
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("content", ["", '{"pid": the beginning of something else'])
def test_a_lock_that_is_another_name_of_a_file_is_left_alone(tmp_path, content):
    mine, path = tmp_path / "mine.txt", tmp_path / ".out.lock"
    mine.write_text(content)
    path.hardlink_to(mine)
    with pytest.raises(OutputError, match="is not a lock of deeptsr"), locked(path, "the output"):
        pass
    assert mine.read_text() == content
