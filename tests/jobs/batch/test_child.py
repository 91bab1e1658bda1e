"""A child that hangs, or is told what to do from strange places."""

import os
import sys
import time

import pytest

from deeptsr.jobs.batch import child as module
from deeptsr.jobs.batch.child import Child, Ended, News

SAYS = 'import sys; print(\'{"event": "Progress", "fraction": 0.5, "detail": "x"}\', flush=True)'
HANGS = f"{SAYS}; import time; time.sleep(60)"
# It pauses in between, lest a busy machine have no time for who looks at it.
WORKS = f"""{SAYS}; import time
until = time.monotonic() + 1.5
while time.monotonic() < until: sum(range(20_000)); time.sleep(0.0005)"""


def run(code, folder=None):
    return list(Child([sys.executable, "-c", code], {}, folder))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "_LOOK", 0.05)
    monkeypatch.setattr(module, "_IDLE", 0.5)


def test_one_that_says_nothing_and_does_nothing_is_ended(quick):
    began = time.monotonic()
    first, last = run(HANGS)
    assert time.monotonic() - began < 10
    assert isinstance(first, News)
    assert isinstance(last, Ended)
    assert last.exit_code < 0
    assert "said nothing for" in last.error
    assert "expected a word" in last.error
    assert last.worth_another


def test_one_that_works_may_be_silent(quick):
    assert run(WORKS)[-1] == Ended(0)


def test_but_not_for_ever(quick, monkeypatch):
    monkeypatch.setattr(module, "_SILENT", 0.5)
    assert "said nothing" in run(WORKS.replace("1.5", "60"))[-1].error


def test_where_it_works(tmp_path):
    told = f"{SAYS}; import os; sys.exit(7 if os.getcwd() == {str(tmp_path)!r} else 8)"
    assert run(told, str(tmp_path))[-1].exit_code == 7
    assert run(told, str(tmp_path / "gone"))[-1].exit_code == 8
    assert run(told)[-1].exit_code == 8
    assert os.getcwd() != str(tmp_path)


def test_lines_come_whole_however_they_are_written():
    code = SAYS.replace("flush=True", "end=''") + "; print(); print('[' * 100000)"
    assert [type(said) for said in run(code)] == [News, Ended]


@pytest.mark.skipif(sys.platform != "linux", reason="only there is a child bound to its parent")
def test_one_whose_parent_is_gone_before_it_begins_does_nothing(tmp_path, monkeypatch):
    made = tmp_path / "made"
    command = (sys.executable, "-c", f"open({str(made)!r}, 'w')")
    assert list(Child(command, {})) == [Ended(0)]
    made.unlink()
    monkeypatch.setattr(os, "getpid", os.getppid)  # another process stands for it
    assert list(Child(command, {})) == [Ended(0)]
    assert not made.exists()
