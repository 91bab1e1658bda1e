"""What comes to an output's place, or was put there: nothing of it is lost."""

import os
from fractions import Fraction

import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.errors import OutputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import VideoWriter, check_output, probe
from deeptsr.video.destination import destination_of
from deeptsr.video.writing.image_folder import FolderSink, remove_replaced
from tests.helpers.clips import clip, noise


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return probe(clip(tmp_path_factory.mktemp("source") / "s.mkv", frames=2))


def write(output, source, before_finish=lambda: None, scratch=None, overwrite=False):
    """Write two frames; return the notes."""
    with VideoWriter(
        output,
        size=(16, 16),
        timeline=Timeline.constant(Fraction(25), 2),
        source=source,
        settings=EncodeSettings(overwrite=overwrite),
        audio=False,
        scratch=scratch,
    ) as writer:
        writer.write(noise(2, 16, 16).astype(np.float32) / 255)
        before_finish()
        writer.finish()
    return writer.notes


def tree(folder):
    """Every file below, with its content; links as what they lead to."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize("name", ["a.mkv", "a.gif"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_appears_meanwhile_is_respected(tmp_path, source, name, overwrite):
    out = tmp_path / name

    def appear():
        out.write_bytes(b"mine")

    if overwrite:
        write(out, source, appear, overwrite=True)
        assert out.stat().st_size > 4
    else:
        with pytest.raises(OutputError, match="appeared while the work went on"):
            write(out, source, appear)
        assert tree(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("named", ["mine.png", "notes.txt"])
def test_a_folder_that_fills_meanwhile_is_respected(tmp_path, source, overwrite, named):
    out = tmp_path / "out"
    if overwrite:
        out.mkdir()
        (out / "000001.png").write_bytes(b"old")

    def appear():
        out.mkdir(exist_ok=True)
        (out / named).write_bytes(b"mine")

    with pytest.raises(OutputError, match="appeared while the work went on"):
        write(f"{out}/", source, appear, overwrite=overwrite)
    left = {f"out/{named}": b"mine"} | ({"out/000001.png": b"old"} if overwrite else {})
    assert tree(tmp_path) == left


def test_a_file_in_the_place_of_a_folder_is_respected(tmp_path, source):
    out = tmp_path / "out"
    with pytest.raises(OutputError, match="appeared while the work went on"):
        write(f"{out}/", source, lambda: out.write_bytes(b"mine"), overwrite=True)
    assert tree(tmp_path) == {"out": b"mine"}


def test_an_empty_folder_and_old_images_make_way(tmp_path, source):
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o2750)
    write(f"{out}/", source)
    assert (len(os.listdir(out)), out.stat().st_mode & 0o7777) == (2, 0o2750)
    (out / "old.png").touch()
    write(f"{out}/", source, overwrite=True)
    assert sorted(os.listdir(out)) == ["000001.png", "000002.png"]
    assert (out.stat().st_mode & 0o7777, os.listdir(tmp_path)) == (0o2750, ["out"])


def test_what_cannot_be_cleared_away_is_told_and_stays(tmp_path, source, monkeypatch):
    out, rename = tmp_path / "out", os.rename
    out.mkdir()
    (out / "old.png").touch()

    def at_the_last_moment(one, other):
        if one == out:
            (out / "mine.png").write_bytes(b"mine")
        rename(one, other)

    monkeypatch.setattr(os, "rename", at_the_last_moment)
    (note,) = write(f"{out}/", source, overwrite=True)
    assert "is left in" in note
    assert tree(tmp_path)[".out.deeptsr.old/mine.png"] == b"mine"
    assert len(os.listdir(out)) == 2


def test_folders_killed_between_their_renames_are_cleared_away(tmp_path, source):
    old = tmp_path / ".out.deeptsr.old"
    old.mkdir()
    (old / "000001.png").touch()
    write(f"{tmp_path}/out/", source, overwrite=True)
    assert os.listdir(tmp_path) == ["out"]


def test_images_that_were_replaced_are_removed_by_the_next_run(tmp_path, source, monkeypatch):
    out, calls = tmp_path / "out", []
    out.mkdir()
    (out / "old.png").touch()

    def killed(self):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(FolderSink, "_remove_old", killed)
    with pytest.raises(KeyboardInterrupt):
        write(f"{out}/", source, overwrite=True)
    old = tmp_path / ".out.deeptsr.old"
    assert (sorted(os.listdir(out)), os.listdir(old)) == (["000001.png", "000002.png"], ["old.png"])
    (old / "notes.txt").touch()
    remove_replaced(destination_of(f"{out}/"))
    assert os.listdir(old) == ["notes.txt"]
    (old / "notes.txt").unlink()
    remove_replaced(destination_of(f"{out}/"))
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_folder_has_the_usual_permissions(tmp_path, source, umask):
    before = os.umask(umask)
    try:
        write(f"{tmp_path}/out/", source)
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o777 & ~umask


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("dangling", [False, True])
@pytest.mark.parametrize("planted", ["partial", "part.open", "parts.jsonl", "part-000001"])
@pytest.mark.parametrize("name", ["a.mkv", "a.gif"])
def test_nothing_is_written_through_a_link_that_was_planted(
    tmp_path, source, name, planted, dangling, overwrite
):
    victim, work, out = tmp_path / "victim", tmp_path / "work", tmp_path / name
    work.mkdir()
    if not dangling:
        victim.write_bytes(b"precious")
    link = destination_of(out).partial if planted == "partial" else work / planted
    link.symlink_to(victim)
    try:
        write(out, source, scratch=work, overwrite=overwrite)
    except OutputError:
        assert not out.exists()
    else:
        assert out.is_file()
        assert not out.is_symlink()
    assert dangling != victim.exists()
    assert dangling or victim.read_bytes() == b"precious"


@pytest.mark.parametrize("planted", [".out.part", ".a.mkv.parts"])
def test_no_folder_of_ours_is_a_link(tmp_path, source, planted):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "000001.png").write_bytes(b"precious")
    (tmp_path / planted).symlink_to(theirs)
    with pytest.raises(OutputError, match="is a symbolic link"):
        write(f"{tmp_path}/out/" if "out" in planted else tmp_path / "a.mkv", source)
    assert os.listdir(theirs) == ["000001.png"]


def test_a_folder_in_the_place_of_a_file_of_ours_is_told(tmp_path, source):
    partial = destination_of(tmp_path / "a.mkv").partial
    partial.mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "a.mkv", source)
    assert partial.is_dir()


def test_an_old_file_hands_its_permissions_on(tmp_path, source):
    out = tmp_path / "a.mkv"
    out.touch(0o640)
    write(out, source, overwrite=True)
    assert out.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["mine.txt", "mine.png", "000001.png.bak"])
def test_a_hidden_folder_of_other_things_is_left_alone(tmp_path, name):
    hidden = destination_of(f"{tmp_path}/out/").partial
    hidden.mkdir()
    (hidden / "000001.png").touch()
    (hidden / name).write_text("mine")
    with pytest.raises(OutputError, match=r"holds other things .*rename or remove it"):
        check_output(f"{tmp_path}/out/", EncodeSettings())
    assert (hidden / name).read_text() == "mine"
    (hidden / name).rename(hidden / "shot-1%.png")
    check_output(f"{tmp_path}/out/shot-%d%%.png", EncodeSettings())


def test_what_was_left_of_an_old_folder_is_left_by_the_next_run_too(tmp_path, source):
    out = f"{tmp_path}/out/"
    write(out, source)
    old = destination_of(out).old
    old.mkdir()
    (old / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"other things .*notes.txt.*rename or remove it"):
        write(out, source, overwrite=True)
    assert (old / "notes.txt").read_text() == "mine"
    (old / "notes.txt").rename(old / "000001.png")
    write(out, source, overwrite=True)
    assert not old.exists()
