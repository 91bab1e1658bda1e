"""Runs that are killed, whenever and however, and what another run makes of what they left."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")  # a file system that flushes at once
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def killed(mode, folder):
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.killed", mode, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_killed_at_twenty_random_moments_it_ends_with_the_same_bytes(folder):
    told = killed("random", folder)
    assert told["kills"] == 20
    assert told["finished"] == told["same"] >= 1


@pytest.mark.parametrize("name", ["out.mkv", "out"])
def test_killed_before_every_durable_step_it_ends_with_the_same_bytes(folder, name):
    told = killed(name, folder)
    assert told["kills"] > 8
    assert told["same"]
    assert told["left"] == []
