"""A Ray that this process starts: who it imports from, who may speak to it, who hears SIGTERM.

In a process of its own: a Ray that is up already would be taken as it is.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install 'deeptsr[ray]'")

ROOT = Path(__file__).parents[3]
DRIVER = """
import json, os, signal, sys
from deeptsr.jobs.batch import Work
from deeptsr.jobs.batch.child import Ended
from deeptsr.jobs.batch.cluster import RayEngine

mine = lambda *_: None
signal.signal(signal.SIGTERM, mine)
here = os.getcwd()
engine = RayEngine("local", "cpu", 1, "tests.helpers.fake_cli")
told = {
    "kept": signal.getsignal(signal.SIGTERM) is mine,
    "here": os.getcwd() == here,
    "mode": os.environ["RAY_AUTH_MODE"],
}
engine.start(Work(0, os.path.abspath("0.mp4"), os.path.abspath("o.mp4")))
while not isinstance((news := engine.receive().news), Ended):
    pass
told |= {"code": news.exit_code, "error": news.error}
engine.close()
print(json.dumps(told))
"""
HOSTILE = ("av", "numpy", "torch", "PIL", "click", "deeptsr", "tests")


def test_workers_import_nothing_from_the_folder_of_the_command(tmp_path):
    for name in HOSTILE:
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'run')!r}, 'a').write('{name}')"
        )
    (tmp_path / "0.mp4").write_text("good")
    driver = tmp_path.with_name(f"{tmp_path.name}-driver") / "driver.py"
    driver.parent.mkdir()
    driver.write_text(DRIVER)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, driver],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run").exists()
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"kept": True, "here": True, "mode": "token", "code": 0, "error": None}


COMMAND = """
import sys
from cli.commands import batch
from cli.main import main

batch.MODULE = "tests.helpers.fake_cli"
sys.argv = ["deeptsr", "batch", "in", "-o", "out", "--engine", "ray", "--address", "local"]
sys.argv += ["--devices", "cpu", "--jobs", "1"]
main()
"""


def test_a_whole_command_ends_with_143_when_it_is_terminated(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.mp4").write_text("wait")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + 100
        while not (tmp_path / "out" / ".0.mp4.waits").exists() and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.05)
        process.terminate()
        said = process.communicate(timeout=100)[1]
    assert process.returncode == 143, said
    lines = (tmp_path / "out" / "batch.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["running", "stopped"]
    pid = int((tmp_path / "out" / ".0.mp4.log").read_text().split()[0])
    assert not Path(f"/proc/{pid}").exists()
