"""Runs that are killed, whenever and however, and what another run makes of what they left."""

import json
import os
import pickletools
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from deeptsr.config import NETWORKS, NetworkSettings
from deeptsr.events import Progress
from deeptsr.jobs.upscale import upscale_file
from deeptsr.learning import checkpoints
from deeptsr.report import Recorder
from deeptsr.video import probe
from tests.helpers.clips import clip
from tests.helpers.synth import FIT, tiny

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


def test_killed_twice_every_network_ends_with_the_same_bytes(folder):
    assert killed("networks", folder) == dict.fromkeys(NETWORKS, True)


def crowd(source, place):
    """The exit codes of eight runs at once."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.crowd", str(source), str(place)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout), done.stderr


def test_eight_runs_on_a_disk_with_little_room(disk, tmp_path):
    place = disk("size=360k")
    source = clip(tmp_path / "in.mkv", "-c:v", "ffv1", size="32x18", frames=18)
    codes, said = crowd(source, place)
    assert set(codes) <= {0, 4}, said  # how many are in each other's way is chance
    outputs = [place / f"out{number}.mkv" for number in range(8)]
    for output, code in zip(outputs, codes, strict=True):
        assert output.exists() == (code == 0)
        assert code or probe(output).frames == 36
    # With room for all they go on from what is kept, each to the same bytes.
    for output in outputs:
        output.unlink(missing_ok=True)
    disk("size=4m")
    codes, said = crowd(source, place)
    assert set(codes) == {0}, said
    assert len({output.read_bytes() for output in outputs}) == 1
    assert len(list(place.iterdir())) == 8


def modules_of(file):
    """The modules that a file of torch's names."""
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith(".pkl")]
        codes = [code for name in pickles for code in pickletools.genops(archive.read(name))]
    assert not any(code.name == "STACK_GLOBAL" for code, *_ in codes)  # that names them elsewhere
    return {named.split()[0] for code, named, _ in codes if code.name == "GLOBAL"}


def test_a_work_folder_names_no_module_of_ours_and_is_gone_on_from(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "_INTERVAL", 0.0)
    source = clip(tmp_path / "in.mkv", "-c:v", "ffv1", size="48x34", frames=12)
    work, out = tmp_path / "work", tmp_path / "out.mkv"
    options = tiny(4, work_dir=str(work), fit=replace(FIT, finetune_steps=4))
    kept = {}

    def stop_in_second_stage(event):
        if isinstance(event, Progress) and (work / "stage-2.begun.pt").exists():
            kept.update({file.name: file for file in work.iterdir()})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscale_file(source, out, options, stop_in_second_stage)
    assert kept.keys() == {"lock", "run.json", "stage-1.pt", "stage-2.begun.pt"}
    for number in ("1", "2.begun"):
        named = modules_of(work / f"stage-{number}.pt")
        assert {name.partition(".")[0] for name in named} <= {"torch", "collections"}
    told = []
    recorder = Recorder(source, out, options, told.append)
    upscale_file(source, out, options, recorder)
    record = recorder.record()
    record.save(work)
    steps = [e.detail for e in told if isinstance(e, Progress) and "step" in e.detail]
    assert steps
    assert all(detail.startswith("stage 2 of 2") for detail in steps)
    texts = [file for file in work.iterdir() if file.suffix == ".json"]
    assert {file.name for file in texts} == {"run.json", "record.json"}
    rooms = "|".join(path.stem for path in (ROOT / "deeptsr").iterdir())
    for file in texts:
        assert not re.search(rf"deeptsr\.({rooms})\b", file.read_text())


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_goes_on_from_its_fit_to_the_same_bytes(tmp_path, monkeypatch, name):
    monkeypatch.setattr(checkpoints, "_INTERVAL", 0.0)
    source = clip(tmp_path / "in.mkv", "-c:v", "ffv1", size="32x24", frames=12)
    options = tiny(network=NetworkSettings(name, 4, 1))
    whole, cut, told = tmp_path / "whole.mkv", tmp_path / "cut.mkv", []
    upscale_file(source, whole, options)

    def stop_at_the_second_step(event):
        if isinstance(event, Progress) and "step 2 of 3" in event.detail:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscale_file(source, cut, options, stop_at_the_second_step)
    upscale_file(source, cut, options, told.append)
    steps = [e.detail for e in told if isinstance(e, Progress) and "step" in e.detail]
    assert [detail[-6:] for detail in steps] == ["3 of 3"]
    assert cut.read_bytes() == whole.read_bytes()
