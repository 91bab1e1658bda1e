"""What is ours is kept apart from what is not: names that are taken, links, others' folders."""

import errno
import os

import pytest

from deeptsr.errors import OutputError
from deeptsr.system import ours
from deeptsr.system.files import publish, whole, write_whole
from deeptsr.system.ours import check_own, fresh, not_through_links, own_folder, rename_to_free


@pytest.fixture
def victim(tmp_path):
    file = tmp_path / "victim"
    file.write_text("precious")
    return file


def test_what_was_planted_is_removed_and_what_it_leads_to_is_not(tmp_path, victim):
    aside = tmp_path / ".a.part"
    aside.symlink_to(victim)
    fresh(aside).write_text("ours")
    assert victim.read_text() == "precious"
    assert not aside.is_symlink()
    aside.unlink()
    os.link(victim, aside)
    fresh(aside).write_text("ours")
    assert victim.read_text() == "precious"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        fresh(tmp_path / "folder")


@pytest.mark.parametrize("dangling", [False, True])
def test_nothing_is_written_through_a_link(tmp_path, victim, dangling):
    link, target = tmp_path / "link", tmp_path / "new" if dangling else victim
    link.symlink_to(target)
    with (
        pytest.raises(OSError, match="symbolic links"),
        open(link, "a", opener=not_through_links),
    ):
        pass
    with whole(tmp_path / "a.txt", link) as aside:
        aside.write_text("ours")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "a.txt").read_text() == "ours"


REFUSED = [None, errno.EINVAL, errno.ENOSYS]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("code", REFUSED)
def test_a_name_that_is_taken_stays_on_file_systems_of_every_kind(
    tmp_path, victim, monkeypatch, code, links
):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    def no_links(*_):
        raise PermissionError(errno.EPERM, "no links")

    if code is not None:
        monkeypatch.setattr(ours, "_rename_no_replace", refuse)
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    new = tmp_path / "new"
    new.write_text("result")
    with pytest.raises(FileExistsError):
        rename_to_free(new, victim)
    assert (victim.read_text(), new.read_text()) == ("precious", "result")
    rename_to_free(new, tmp_path / "free")
    assert (tmp_path / "free").read_text() == "result"
    assert not new.exists()


def test_a_file_that_appeared_is_left_and_told(tmp_path, victim):
    new = tmp_path / "new"
    new.write_text("result")
    with pytest.raises(OutputError, match="appeared while the work went on, and is left as it is"):
        publish(new, victim, replace=False)
    with pytest.raises(OutputError, match="appeared"):
        write_whole(victim, lambda path: path.write_text("page"), replace=False)
    assert victim.read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["new", "victim"]


def test_what_replaces_a_file_has_its_permissions(tmp_path, victim):
    victim.chmod(0o640)
    new = tmp_path / "new"
    new.write_text("result")
    publish(new, victim, replace=True)
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("result", 0o640)
    write_whole(victim, lambda path: path.write_text("page"), replace=True)
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("page", 0o640)


def test_a_link_that_the_user_named_is_followed(tmp_path, victim):
    (tmp_path / "there").mkdir()
    (tmp_path / "a.html").symlink_to(tmp_path / "there" / "b.html")
    write_whole(tmp_path / "a.html", lambda path: path.write_text("page"), replace=False)
    assert (tmp_path / "a.html").is_symlink()
    assert (tmp_path / "there" / "b.html").read_text() == "page"


def test_folders_that_others_may_write_are_refused(tmp_path):
    for mode, words in ((0o777, r"may be written by others \(mode 777\)"), (0o755, None)):
        folder = tmp_path / f"{mode:o}"
        folder.mkdir()
        folder.chmod(mode)
        if words is None:
            check_own(folder, "move it")
            continue
        with pytest.raises(OutputError, match=f"{words}.*move it"):
            check_own(folder, "move it")
        assert os.listdir(folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folders_of_others_are_refused(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    with pytest.raises(OutputError, match="belongs to another user"):
        own_folder(folder)


def test_a_file_system_without_permissions_is_worked_on(tmp_path, monkeypatch):
    folder = tmp_path / "f"
    folder.mkdir()
    folder.chmod(0o777)
    real = os.fstat

    def open_to_all(handle):
        found = list(real(handle))
        found[0] |= 0o077
        return os.stat_result(found)

    monkeypatch.setattr(ours.os, "fstat", open_to_all)
    check_own(folder, "move it")


def test_a_hidden_folder_of_ours_is_no_link(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(OutputError, match="is a symbolic link"):
        own_folder(tmp_path / "link")
    own_folder(tmp_path / "mine")
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o700
    own_folder(tmp_path / "mine")
