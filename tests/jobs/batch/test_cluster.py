"""A batch on a real Ray cluster of this machine, with two workers, one of which is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.commands import batch as module
from cli.main import cli
from deeptsr.errors import DeviceError
from deeptsr.events import VideoEnded, VideoProgress, VideoWarned
from deeptsr.jobs.batch import Manifest, Task, run_batch
from deeptsr.jobs.batch.cluster import RayEngine

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'deeptsr[ray]'")
# Ray's own affairs.
pytestmark = pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def cluster():
    """A Ray of two processor cores."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(ROOT))
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray.init(
        address="local",
        num_cpus=2,
        num_gpus=0,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        object_store_memory=80_000_000,
    )
    yield
    ray.shutdown()
    patch.undo()


def waited_for(path):
    """Wait until a child has got to where it waits."""
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert path.exists()


def gone(pid):
    """Whether a process ends within some seconds; nobody may have asked yet how it did."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def make_tasks(folder, *contents):
    tasks = []
    for number, text in enumerate(contents):
        path = folder / f"{number}.mp4"
        path.write_text(text)
        tasks.append(Task(path.name, path, folder / "out" / path.name, 1.0))
    return tasks


def test_a_batch_on_two_workers_of_which_one_is_killed(tmp_path, cluster):
    # The third waits for ever at its first attempt; its worker is killed meanwhile.
    tasks, events = make_tasks(tmp_path, "good", "broken", "wait good", "good"), []
    engine = RayEngine("auto", "auto", 2, "tests.helpers.fake_cli")
    assert (engine.jobs, engine.device) == (2, "cpu")

    places = []

    def listen(event):
        events.append(event)
        if isinstance(event, VideoProgress) and event.video == "2.mp4":
            if event.place:
                places.append(event.place)
            elif len(places) == 1:
                waited_for(tmp_path / "out" / ".2.mp4.waits")
                os.kill(int(re.search(r"process (\d+)", places[0])[1]), signal.SIGKILL)

    with Manifest(tmp_path / "m") as manifest:
        done = run_batch(tasks, engine, manifest, "c", flags=("--factor", "2"), on_event=listen)
    assert (done.done, done.failed) == (3, 1)
    ends = {e.video: e for e in events if isinstance(e, VideoEnded)}
    assert [ends[f"{n}.mp4"].attempts for n in range(4)] == [1, 1, 2, 1]
    assert ends["0.mp4"].gain_db == 1.5
    assert ends["1.mp4"].error == "1.mp4 is broken; get it anew"
    warned = [e.message for e in events if isinstance(e, VideoWarned) and e.video == "2.mp4"]
    assert any(m.startswith("its Ray worker was lost (") and "tried again" in m for m in warned)
    assert "mind this" in warned
    # The child of the worker that was killed went with it.
    first = (tmp_path / "out" / ".2.mp4.log").read_text().split()
    assert gone(int(first[0]))
    assert first[1] == "1"  # threads: two cores for two jobs
    lines = [json.loads(line) for line in (tmp_path / "m").read_text().splitlines()]
    assert sum(line["state"] == "done" for line in lines) == 3


def test_what_runs_is_stopped(tmp_path, cluster):
    tasks = make_tasks(tmp_path, "wait")
    engine = RayEngine("auto", "cpu", 1, "tests.helpers.fake_cli")

    def interrupt(event):
        if isinstance(event, VideoWarned):
            waited_for(tmp_path / "out" / ".0.mp4.waits")
            raise KeyboardInterrupt

    with Manifest(tmp_path / "m") as manifest, pytest.raises(KeyboardInterrupt):
        run_batch(tasks, engine, manifest, "c", on_event=interrupt)
    pid = int((tmp_path / "out" / ".0.mp4.log").read_text().split()[0])
    assert gone(pid)


def test_a_gpu_that_no_machine_has_is_told(cluster):
    with pytest.raises(DeviceError, match="has no GPU"):
        RayEngine("auto", "cuda", None, "tests.helpers.fake_cli")


def test_from_the_command_line(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(module, "MODULE", "tests.helpers.fake_cli")
    make_tasks(tmp_path, "good", "good")
    arguments = ["batch", str(tmp_path), "-o", str(tmp_path / "out"), "--engine", "ray"]
    result = CliRunner().invoke(cli, [*arguments, "--jobs", "2"])
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("2 videos, 2 at a time on a Ray cluster, cpu")
    assert [line.split()[1] for line in result.stdout.splitlines()[1:]] == ["done", "done"]
