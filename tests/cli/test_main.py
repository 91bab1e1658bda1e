"""The command line from the outside, as a process of its own."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner

import deeptsr
from cli import versions
from cli.exit_codes import endings
from cli.main import cli
from tests.helpers.full_disk import full

ROOT = Path(__file__).parents[2]

# A command line whose library reports for ever, or once, and then waits.
ENDLESS = """
import sys, time, types
from deeptsr.events import Progress

def upscale_file(input, output, options, on_event):
    while True:
        on_event(Progress(0.5, "fit", "working"))
        time.sleep(20 if input == "wait" else 0.01)

def recorder(source, output, options, on_event, *, command):
    return on_event

run, record = map(types.ModuleType, ("deeptsr.jobs.upscale", "deeptsr.report.record"))
run.upscale_file, record.Recorder = upscale_file, recorder
sys.modules.update({run.__name__: run, record.__name__: record})
from cli.main import main
main()
"""


def start(script, *args, **files):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUNBUFFERED", None)  # would hide that a flush is missing
    return subprocess.Popen(
        [sys.executable, "-c", script, *args],
        env=environment,
        stdout=files.get("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
    )


def endless(input, **files):
    return start(ENDLESS, "upscale", input, "-o", "out", "--preset", "fast", "--json", **files)


def test_nothing_slow_is_loaded_to_help_or_to_refuse():
    script = (
        "import sys, cli.main\n"
        "from click.testing import CliRunner\n"
        "for args in ('--help', 'upscale --help', 'upscale a -o b --crf 99'):\n"
        "    print(CliRunner().invoke(cli.main.cli, args).exit_code)\n"
        "print(sorted({'torch', 'av', 'rich', 'numpy', 'matplotlib'} & set(sys.modules)))\n"
    )
    with start(script) as process:
        out, err = process.communicate(timeout=30)
    assert (out.split(), err) == (["0", "0", "2", "[]"], "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_work_with_its_code_and_a_word(number, code):
    with endless("wait") as process:
        process.stdout.readline()  # it is at work
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert json.loads(out.splitlines()[-1])["exit_code"] == code
    stopping, stopped = err.splitlines()
    assert "once more to stop at once" in stopping
    assert "run the same command again" in stopped


def test_a_stdout_that_nobody_reads_ends_the_work_without_a_word():
    with endless("in") as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")
def test_a_stdout_whose_disk_is_full_is_an_error():
    with open("/dev/full", "w") as full, endless("in", stdout=full) as process:
        err = process.stderr.read()
    assert process.returncode == 4
    assert err.startswith("error: stdout cannot be written")
    assert len(err.splitlines()) == 1


def test_a_disk_that_is_full_wherever_it_is_has_its_own_code():
    told = []
    with pytest.raises(SystemExit) as caught, endings(told.append):
        full()
    assert caught.value.code == 4
    assert told[-1].message.startswith("a disk is full")


def test_the_versions_of_all_that_matters_are_shown():
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"deeptsr {deeptsr.__version__}"
    assert lines[1] == f"Python {platform.python_version()}"
    assert [line.split()[0] for line in lines[2:]] == ["torch", "CUDA", "PyAV", "FFmpeg"]


def test_the_versions_are_shown_where_something_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "av", None)
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert "torch cannot be imported" in result.stdout
    assert "PyAV cannot be imported" in result.stdout


def test_the_graphics_cards_are_named(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "12.4")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: "NVIDIA H100")
    assert "CUDA 12.4 (NVIDIA H100)" in versions._torch()


def test_an_unknown_command_is_wrong_usage():
    assert CliRunner().invoke(cli, ["bogus"]).exit_code == 2


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_flag_of_every_command_says_what_it_does(name):
    options = [p for p in cli.commands[name].params if isinstance(p, click.Option)]
    assert [p.opts for p in options if not p.help] == []
    assert cli.commands[name].short_help
