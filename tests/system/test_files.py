"""Our own files beside others, on file systems of every kind."""

import errno
import os
from pathlib import Path

import pytest

from deeptsr.errors import OutputError
from deeptsr.system import files
from deeptsr.system.files import check_file, flush_to_disk, hidden_beside, write_whole


@pytest.mark.parametrize(
    "name", ["a.mp4", "n" * 251 + ".mp4", "\u4e2d" * 83 + ".mp4", "\udce9" * 255]
)
@pytest.mark.parametrize("ending", [".lock", ".part.mp4", ".deeptsr"])
def test_a_hidden_name_is_no_longer_than_names_may_be(tmp_path, name, ending):
    made = hidden_beside(tmp_path / name, ending)
    assert made.name.startswith(".")
    assert made.name.endswith(ending)
    assert len(os.fsencode(made.name)) <= 255
    made.write_bytes(b"")
    assert hidden_beside(tmp_path / f"x{name[1:]}", ending) != made


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EIO])
def test_a_share_that_cannot_flush_folders(tmp_path, monkeypatch, code):
    def refuse(handle):
        raise OSError(code, os.strerror(code))

    (tmp_path / "f").write_bytes(b"a")
    monkeypatch.setattr(files.os, "fsync", refuse)
    if code == errno.EIO:  # that is a failing disk
        with pytest.raises(OSError, match="Input/output"):
            flush_to_disk(tmp_path)
    else:
        flush_to_disk(tmp_path)
    with pytest.raises(OSError):  # noqa: PT011, a file's own data must reach the disk
        flush_to_disk(tmp_path / "f")


@pytest.mark.parametrize("name", ["n" * 300 + ".png", "a\0b.png", "loop/a.png"])
def test_a_name_that_no_file_can_have_is_refused_before_the_work(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OutputError, match=r"cannot be written.*choose another name"):
        check_file(tmp_path / name, overwrite=True)


def test_what_exists_is_refused_with_the_setting_that_replaces_it(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    with pytest.raises(OutputError, match=r"exists; choose another name.*`overwrite`"):
        check_file(tmp_path / "a.png", overwrite=False)
    check_file(tmp_path / "a.png", overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_never_replaced_by_a_file(tmp_path, overwrite):
    with pytest.raises(OutputError, match="is a folder; expected a file; choose another name"):
        check_file(tmp_path, overwrite=overwrite)


def test_a_link_that_leads_nowhere_is_a_name_as_good_as_any(tmp_path):
    (tmp_path / "a.png").symlink_to("b.png")
    check_file(tmp_path / "a.png", overwrite=False)


def test_a_folder_that_may_not_be_read_is_taken_as_it_is(tmp_path, monkeypatch):
    def refuse(path, flags):
        raise PermissionError(errno.EACCES, "may be written and not read")

    (tmp_path / "f").write_bytes(b"a")
    monkeypatch.setattr(files.os, "open", refuse)
    flush_to_disk(tmp_path)
    with pytest.raises(PermissionError):
        flush_to_disk(tmp_path / "f")


def test_a_link_in_the_place_of_a_name_that_we_made_up_is_not_followed(tmp_path):
    link, victim = tmp_path / "a", tmp_path / "victim"
    link.symlink_to(victim)
    with pytest.raises(OutputError, match="appeared"):
        write_whole(link, lambda place: place.write_text("x"), replace=False, named=False)
    write_whole(link, lambda place: place.write_text("x"), replace=True, named=False)
    assert not victim.exists()
    assert link.read_text() == "x"


def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(OutputError, match="is a device or a pipe; expected a file"):
            check_file(place, overwrite=True)
