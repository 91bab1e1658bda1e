"""The shell scripts in examples/, with a deeptsr that only pretends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Run a script on the videos a, b and c, whose folders have a space in their names."""
    programs = tmp_path / "bin"
    programs.mkdir()
    deeptsr = programs / "deeptsr"
    deeptsr.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.helpers.fake_cli "$@"'
    )
    deeptsr.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))  # GNU parallel writes there
    (tmp_path / "the in").mkdir()
    monkeypatch.chdir(tmp_path)

    def run(script, *arguments):
        command = [ROOT / "examples" / script, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def videos(**contents):
    for name, text in contents.items():
        Path("the in", f"{name}.mp4").write_text(text)


def attempts():
    logs = sorted(Path("the out").glob(".*.log"))
    return {log.name[1:-8]: len(log.read_text().splitlines()) for log in logs}


def results():
    return sorted(p.name for p in Path("the out").glob("[!.]*.mp4"))


def test_a_plain_loop(shell):
    videos(a="good", b="broken", c="crash", d="good")
    done = shell("folder.sh", "the in", "the out", "--factor", "4")
    assert done.returncode == 1
    assert done.stderr.count("b.mp4 cannot be used") == 1
    assert "c.mp4 failed" in done.stderr
    assert results() == ["a.mp4", "d.mp4"]
    assert "upscale --factor 4 -o the out/a.mp4 --" in Path("the out/.a.mp4.log").read_text()
    videos(b="good", c="good")
    assert shell("folder.sh", "the in", "the out").returncode == 0
    assert attempts() == {"a": 1, "b": 2, "c": 2, "d": 1}


def test_a_plain_loop_stops_where_the_next_would_fail_as_well(shell):
    videos(a="full", b="good")
    assert shell("folder.sh", "the in", "the out").returncode == 4
    assert attempts() == {"a": 1}


@pytest.mark.skipif(shutil.which("parallel") is None, reason="needs GNU parallel")
def test_gnu_parallel(shell, monkeypatch):
    monkeypatch.setenv("JOBS", "3")
    videos(a="good", b="broken", c="good")
    assert shell("parallel.sh", "the in", "the out", "--factor", "4").returncode == 1
    assert results() == ["a.mp4", "c.mp4"]
    log = Path("the out/.a.mp4.log").read_text()
    assert "upscale --quiet --factor 4 -o the out/a.mp4 --" in log
    assert log.split()[1] == str(max(1, len(os.sched_getaffinity(0)) // 3))
    videos(b="good")
    done = shell("parallel.sh", "the in", "the out", "--factor", "4")
    assert done.returncode == 0, done.stderr
    assert attempts() == {"a": 1, "b": 2, "c": 1}


def test_a_slurm_array(shell, monkeypatch):
    videos(a="good", b="broken")
    Path("list.txt").write_text("the in/a.mp4\nthe in/b.mp4\n")
    assert "sbatch --array" in shell("slurm.sh", "list.txt", "the out").stderr
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "5")
    for number, code in (("1", 0), ("2", 3), ("3", 2)):
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", number)
        for _ in range(2):
            done = shell("slurm.sh", "list.txt", "the out", "--factor", "4")
            assert done.returncode == code
    assert results() == ["1-a.mp4"]
    assert attempts() == {"1-a": 1, "2-b": 2}
    log = Path("the out/.1-a.mp4.log").read_text()
    assert log.split()[1] == "5"
    assert "upscale --factor 4 -o the out/1-a.mp4 --" in log


@pytest.mark.parametrize("script", ["folder.sh", "parallel.sh", "slurm.sh"])
def test_a_script_without_arguments_says_what_it_needs(shell, script):
    done = shell(script)
    assert done.returncode
    assert "the folder of the videos" in done.stderr or "a file that names" in done.stderr
