"""Ctrl-C and SIGTERM, once and twice."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli import signals
from cli.console.notes import Stopping
from cli.exit_codes import endings
from cli.signals import TerminatedError, gentle
from deeptsr.events import Progress, Warned
from tests.helpers.clips import clip

STEP = Progress(0.5, "fit", "")


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, TerminatedError)]
)
def test_the_first_lets_the_step_be_finished(number, error):
    told = []
    before = signal.getsignal(number)
    with gentle(told.append) as listener:
        listener(STEP)
        os.kill(os.getpid(), number)
        listener(Warned("the step goes on"))
        with pytest.raises(error):
            listener(STEP)
    # Heard as any event is, a bar makes room for it: written past the bar, the bar wiped it away.
    assert told.count(Stopping()) == 1
    told.remove(Stopping())
    assert told == [STEP, Warned("the step goes on"), STEP]
    assert signal.getsignal(number) == before


def test_the_second_stops_at_once():
    def twice():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)

    with gentle(lambda event: None), pytest.raises(KeyboardInterrupt):
        twice()


def wait(seconds):
    """Work in Python, and report nothing."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)


def test_sigterm_does_not_wait_for_a_long_step(monkeypatch):
    monkeypatch.setattr(signals, "_PATIENCE", 0.1)
    before = signal.getsignal(signal.SIGALRM)
    with gentle(lambda event: None):
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(TerminatedError):
            wait(10)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    wait(0.2)  # no alarm comes late


def test_sigterm_comes_again_where_it_is_swallowed(monkeypatch):
    monkeypatch.setattr(signals, "_PATIENCE", 0.05)
    monkeypatch.setattr(signals, "_AGAIN", 0.1)
    with gentle(lambda event: None):
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(TerminatedError):
            wait(5)
        with pytest.raises(TerminatedError):
            wait(5)


def test_ctrl_c_waits_for_the_step(monkeypatch):
    monkeypatch.setattr(signals, "_PATIENCE", 0.05)
    with gentle(lambda event: None):
        os.kill(os.getpid(), signal.SIGINT)
        wait(0.3)


def processor_of(pid):
    """Seconds that processors have worked for a process."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def processor_of_children():
    """The same of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_sigterm_is_heard_while_a_long_video_is_read(tmp_path):
    """All 1500 frames are read before anything is fitted."""
    film = clip(tmp_path / "a.mp4", "-preset", "ultrafast", size="96x64", rate="25", frames=1500)
    words = ("upscale", film, "-o", tmp_path / "o.mp4", "--factor", "2", "--preset", "fast")
    command = [sys.executable, "-m", "cli", *map(str, words), "--device", "cpu", "--json"]
    ended = processor_of_children()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "Progress" and event["phase"] == "read":
                break
        began = processor_of(process.pid)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(60) == 143
    # Of a processor: 2 seconds by the clock, where others do not use it too.
    assert processor_of_children() - ended - began < 3
    assert '"terminated; run the same command again' in rest
    assert not (tmp_path / "o.mp4").exists()


def test_sigterm_of_which_others_make_an_interruption_ends_with_143():
    """Ray does so while it waits."""

    def wait():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None

    told = []
    with pytest.raises(SystemExit) as ended, endings(told.append):
        wait()
    assert ended.value.code == 143
    assert told[-1].message.startswith("terminated")
    with pytest.raises(SystemExit) as ended, endings(told.append):
        raise KeyboardInterrupt
    assert ended.value.code == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_of_which_an_import_makes_an_error_is_no_bug(number, code):
    """So does numpy, whose C code it may reach."""

    def load():
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt as error:
            raise ImportError("numpy could not be loaded") from error

    told = []
    with pytest.raises(SystemExit) as ended, endings(told.append):
        load()
    assert ended.value.code == code
    assert "this is a bug" not in told[-1].message
