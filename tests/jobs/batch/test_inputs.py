"""What a batch finds among its inputs: pipes, devices, names of all kinds."""

import os
import threading

import pytest

from deeptsr.errors import InputError, OutputError
from deeptsr.jobs.batch import find_tasks
from deeptsr.jobs.batch.manifest import Manifest, stamp
from tests.helpers.clips import clip


def within(seconds, work):
    """Do what might wait for ever, in a thread that is left behind then."""
    done = []
    thread = threading.Thread(target=lambda: done.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert done, "it waits"
    return done[0]


def test_pipes_and_devices_are_not_waited_for(tmp_path):
    clip(tmp_path / "a.mp4")
    os.mkfifo(tmp_path / "f.mp4")
    (tmp_path / "z.mp4").symlink_to("/dev/zero")
    tasks = within(5, lambda: find_tasks(tmp_path, tmp_path / "out"))
    assert [task.name for task in tasks] == ["a.mp4", "f.mp4", "z.mp4"]
    stamps = [within(5, lambda task=task: stamp(task.input)) for task in tasks]
    assert [known is None for known in stamps] == [False, True, True]


def test_a_list_that_never_ends_is_refused(tmp_path):
    def search():
        with pytest.raises(InputError, match="no text"):
            find_tasks("/dev/zero", tmp_path / "out")
        return True

    assert within(20, search)


def test_the_manifest_is_no_link_no_pipe_and_nobody_elses(tmp_path):
    victim, path = tmp_path / "victim", tmp_path / "batch.jsonl"
    for target in (victim, tmp_path / "none"):
        victim.write_text("precious")
        path.symlink_to(target)
        with pytest.raises(OutputError, match="symbolic link"):
            Manifest(path)
        path.unlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["victim"]
    assert victim.read_text() == "precious"
    with pytest.raises(OutputError, match="other things than the lines of a batch"):
        Manifest(victim)
    assert victim.read_text() == "precious"
    os.mkfifo(path)
    with pytest.raises(OutputError, match="is no file"):
        Manifest(path)
    path.unlink()
    path.write_text('{"input": "a line that was cut o')
    with Manifest(path):
        pass


def test_a_list_that_nobody_writes_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "list")

    def search():
        with pytest.raises(InputError, match="holds no file"):
            find_tasks(tmp_path / "list", tmp_path / "out")
        return True

    assert within(5, search)


def test_a_list_may_come_from_a_program(tmp_path):
    video = clip(tmp_path / "a.mp4")
    ours, theirs = os.pipe()
    writer = threading.Timer(
        0.2, lambda: [os.write(theirs, f"{video}\n".encode()), os.close(theirs)]
    )
    writer.start()
    tasks = within(5, lambda: find_tasks(f"/dev/fd/{ours}", tmp_path / "out"))
    os.close(ours)
    assert [task.input for task in tasks] == [video]
