"""Told and taken: what a run of the program told is read, and its work is shared among threads."""

import json
import sys
from pathlib import Path

import pytest
from click import ClickException
from click.testing import CliRunner

from benchmarks import forecast, published
from benchmarks.forecast import COLUMNS, Taken, machine, run
from benchmarks.published import kept
from tests.helpers.synth import pan


def test_work_is_shared_out_among_the_threads():
    row = Taken(told=30.0, anew=None, processor=50.0, wall=40.0).cells(2)
    assert row == dict(zip(COLUMNS, (30.0, None, 25.0, 40.0, 1.2, 0.75), strict=True))


def test_what_was_told_last_is_held_against_what_was_taken():
    row = Taken(told=30.0, anew=9.0, processor=10.0, wall=10.0).cells(1)
    assert row == dict(zip(COLUMNS, (30.0, 9.0, 10.0, 10.0, 0.9, 0.9), strict=True))


def pretends(monkeypatch, code):
    """Let another program stand for deeptsr's command."""
    real = forecast.subprocess.run
    told = []

    def instead(command, **how):
        told.append((command, how["env"]))
        return real([sys.executable, "-c", code], **how)

    monkeypatch.setattr(forecast.subprocess, "run", instead)
    return told


def test_what_a_run_tells_and_takes_is_read(monkeypatch, tmp_path):
    lines = [
        json.dumps({"event": "Planned", "seconds": 12.5}),
        json.dumps({"event": "Progress", "fraction": 0.5}),
        json.dumps({"event": "TimeCorrected", "seconds": 7.5}),
    ]
    told = pretends(monkeypatch, f"n = sum(range(3_000_000)); print({chr(10).join(lines)!r})")
    taken = run(tmp_path / "in.mkv", ("--factor", "4"), 2, "float32")
    assert (taken.told, taken.anew) == (12.5, 7.5)
    assert 0 < taken.processor <= 2 * taken.wall
    command, environment = told[0]
    assert command[-4:] == ["--factor", "4", "--overwrite", "--json"]
    assert environment["OMP_NUM_THREADS"] == "2"
    assert environment["ATEN_CPU_CAPABILITY"] == "avx2"


def test_a_run_that_fails_is_told(monkeypatch, tmp_path):
    pretends(monkeypatch, "import sys; sys.exit('no such thing')")
    with pytest.raises(ClickException, match="no such thing"):
        run(Path("in.mkv"), (), 1, "bfloat16")


def test_runs_of_the_same_machine_are_added_to(tmp_path):
    path = tmp_path / "forecast.json"
    rows = {"a": Taken(1.0, None, 1.0, 1.0).cells(1)}
    published.save(path, row="run", columns=COLUMNS, rows=rows, seeds=[0], machine=machine())
    assert kept(path, machine()) == rows
    published.save(path, row="run", columns=COLUMNS, rows=rows, seeds=[0], machine="another")
    assert kept(path, machine()) == {}
    assert kept(None) == {}


def test_larger_frames_are_asked_for_and_named(monkeypatch):
    told = pretends(monkeypatch, 'print(\'{"event": "Planned", "seconds": 1.0}\')')
    monkeypatch.setattr(forecast, "render", lambda name, **how: [pan(8, how["size"], 32).numpy()])
    given = ["--clip", "ball", "--size", "32", "--factor", "1", "--scale", "2"]
    done = CliRunner().invoke(forecast.main, [*given, "--precision", "bfloat16"])
    assert done.exit_code == 0, done.output
    command, _ = told[0]
    assert command[command.index("--factor") :][:4] == ["--factor", "1", "--scale", "2"]
    assert "x1, scale 2; bfloat16, 1 thread" in done.output
