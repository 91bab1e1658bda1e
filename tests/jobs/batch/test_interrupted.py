"""Batches that are interrupted, killed, or run out of disk; and manifests that were damaged."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deeptsr.errors import InputError, OutputError, ResourceError
from deeptsr.events import VideoEnded, VideoWarned, Warned
from deeptsr.jobs.batch import LocalEngine, Manifest, Slot, Task, find_tasks, run_batch
from deeptsr.jobs.batch.child import Ended
from deeptsr.jobs.batch.engine import Report
from deeptsr.jobs.batch.manifest import Entry

ROOT = Path(__file__).parents[3]
GOOD = Ended(0, None, 2.5)


def task_of(folder, text="good", name="a.mp4"):
    source, output = folder / "in" / name, folder / "out" / name
    source.parent.mkdir(exist_ok=True)
    output.parent.mkdir(exist_ok=True)
    source.write_text(text)
    return Task(name, source, output, 1.0)


class Interrupted:
    """An engine that is interrupted at once, and that hears some ends when it is stopped."""

    device, label, jobs = "cpu", "in a dream", 1

    def __init__(self, ends=(), make=None):
        self.ends, self.make, self.works = list(ends), make, []

    def start(self, work):
        self.works.append(work)

    def receive(self):
        if self.make:
            self.make.write_text("made")
        raise KeyboardInterrupt

    def stop(self):
        return [Report(0, end) for end in self.ends]


def run(tasks, engine, path, told=None):
    with Manifest(path) as manifest:
        listen = told.append if told is not None else lambda event: None
        return run_batch(tasks, engine, manifest, "c", on_event=listen)


def states(path):
    return [json.loads(line)["state"] for line in path.read_text().splitlines()]


def test_a_child_that_ends_well_while_it_is_stopped_has_done_its_work(tmp_path):
    task, path = task_of(tmp_path), tmp_path / "m"
    with pytest.raises(KeyboardInterrupt):
        run([task], Interrupted([GOOD], task.output), path)
    assert states(path) == ["running", "done"]
    assert run([task], Interrupted(), path).skipped == 1


def test_a_result_that_was_named_before_the_stop_was_noted_counts(tmp_path):
    task, path = task_of(tmp_path), tmp_path / "m"
    with pytest.raises(KeyboardInterrupt):
        run([task], Interrupted([], task.output), path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["state"] for line in lines] == ["running", "stopped"]
    lines[1]["time"] = "2099-01-01T00:00:00+00:00"  # it took long to stop
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run([task], Interrupted(), path).skipped == 1


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return LocalEngine([Slot("cpu", 1)], "tests.helpers.fake_cli")


def test_a_child_that_joins_its_parts_is_waited_for(tmp_path, quick):
    task, path = task_of(tmp_path, "joins"), tmp_path / "m"
    joins = task.output.parent / f".{task.output.name}.waits"

    def interrupt(event):
        if isinstance(event, VideoWarned):
            until = time.monotonic() + 20
            while not joins.exists() and time.monotonic() < until:
                time.sleep(0.01)
            raise KeyboardInterrupt

    with Manifest(path) as manifest, pytest.raises(KeyboardInterrupt):
        run_batch([task], quick, manifest, "c", on_event=interrupt)
    assert states(path) == ["running", "done"]


def test_a_child_that_breaks_down_on_its_way_out_has_done_its_work(tmp_path):
    task, told = task_of(tmp_path), []

    class Crash(Interrupted):
        def receive(self):
            self.make.write_text("made")
            return Report(0, Ended(-11, "the process was killed by SIGSEGV"))

    assert run([task], Crash(make=task.output), tmp_path / "m", told).done == 1
    assert [e.state for e in told if isinstance(e, VideoEnded)] == ["done"]


def test_what_a_killed_child_left_is_cleared_away_by_another(tmp_path):
    task, path = task_of(tmp_path), tmp_path / "m"
    with pytest.raises(KeyboardInterrupt):
        run([task], Interrupted([], task.output), path)
    work = task.output.parent / ".a.mp4.deeptsr"
    work.mkdir()
    engine = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run([task], engine, path)
    assert len(engine.works) == 1
    work.rmdir()
    (task.output.parent / ".a.mp4.lock").touch()
    assert run([task], Interrupted(), path).skipped == 1
    assert os.listdir(task.output.parent) == ["a.mp4"]


def test_a_batch_killed_at_any_moment_is_completed_and_nothing_is_done_twice(tmp_path):
    tasks = [task_of(tmp_path, "slow", f"{n}.mp4") for n in range(24)]
    command = [sys.executable, "-m", "tests.helpers.killed_batch", str(tmp_path), "20"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 20, done.stderr  # before it came to its end
    lines = [json.loads(x) for x in (tmp_path / "out" / "batch.jsonl").read_text().splitlines()]
    done = [line["output"] for line in lines if line["state"] == "done"]
    assert sorted(done) == sorted(str(task.output) for task in tasks)
    for task in tasks:
        assert task.output.read_text() == "slow upscaled"
        # Each was begun once more for each kill at most, and none after it was done.
        begun = [line["state"] for line in lines if line["output"] == str(task.output)]
        assert begun == ["running"] * (len(begun) - 1) + ["done"]


def test_a_full_disk_has_its_own_exit_code_and_spoils_no_line(tmp_path, disk):
    place = disk("size=8k")
    task = task_of(tmp_path)
    entry = Entry(str(task.input), str(task.output), None, "c", "failed", 1, 0.0, error="x" * 300)

    def fill():
        with Manifest(place / "m") as manifest:
            for _ in range(100):
                manifest.add(entry)

    with pytest.raises(ResourceError, match="is full"):
        fill()
    assert (place / "m").read_bytes().endswith(b"\n")
    assert set(states(place / "m")) == {"failed"}


def test_a_file_system_without_locks_is_worked_on_with_a_warning(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    task, told = task_of(tmp_path), []
    with pytest.raises(KeyboardInterrupt):
        run([task], Interrupted([GOOD], task.output), tmp_path / "m", told)
    assert "has no locks" in next(e for e in told if isinstance(e, Warned)).message


DAMAGE = [
    {"output": [1]}, {"output": None}, {"time": ""}, {"time": 5}, {"time": "\0"}, {"state": 3},
    {"attempts": "x"}, {"seconds": None}, {"gain_db": "x"}, {"error": [1]}, {"exit_code": {}},
    {"input_stamp": 1}, {"input_stamp": {"hash": 1, "look": 2}}, {"input_stamp": {"x": 1}},
    {"output_stamp": [1, 2]}, {"configuration_hash": []},
]  # fmt: skip


@pytest.mark.parametrize("damage", [*DAMAGE, "[1]", "7", '{"a":' * 90000, "\0\xff", "{}"])
def test_a_damaged_line_is_overlooked(tmp_path, damage):
    task, path = task_of(tmp_path), tmp_path / "m"
    with pytest.raises(KeyboardInterrupt):
        run([task], Interrupted([GOOD], task.output), path)
    line = json.loads(path.read_text().splitlines()[-1])
    path.write_text(damage if isinstance(damage, str) else json.dumps(line | damage))
    engine = Interrupted()
    try:
        run([task], engine, path)
    except KeyboardInterrupt:
        assert len(engine.works) == 1
    else:
        assert damage in ({"time": ""}, {"time": "\0"})  # of what is done it says nothing


@pytest.mark.parametrize("name", ["n" * 300, "a\0b", "loop/x"])
def test_names_that_no_file_can_have_are_told(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="cannot be read"):
        find_tasks(tmp_path / name, tmp_path / "out")
    with pytest.raises(OutputError, match="cannot be written"):
        Manifest(tmp_path / name / "batch.jsonl")
