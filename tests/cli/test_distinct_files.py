"""What a command writes is never what it reads: one check for all of them."""

import os
import signal

import pytest
from click.testing import CliRunner

from cli.main import cli


@pytest.mark.parametrize(
    "words",
    [
        "upscale in.mp4 -o o.mp4 --log-file in.mp4",
        "upscale in.mp4 -o o.mp4 --log-file o.mp4",
        "upscale in.mp4 -o in.mp4 --overwrite",
        "upscale in.mp4 -o o.mp4 --report in.mp4 --overwrite",
        "upscale in.mp4 -o o.mp4 --scenes cuts.txt --log-file cuts.txt",
        "upscale in.mp4 -o o.mp4 --dry-run --log-file in.mp4",
        "probe in.mp4 --log-file in.mp4",
        "degrade in.mp4 -o o.mp4 --log-file in.mp4",
        "evaluate in.mp4 b.mp4 --log-file b.mp4",
        "inspect-recurrence in.mp4 --json in.mp4 --overwrite",
        "inspect-recurrence in.mp4 -o a.png --json a.png",
        "batch list.txt -o res --log-file list.txt",
        "batch list.txt -o res --log-file res/batch.jsonl",
        "report work -o r.html --log-file r.html",
    ],
)
def test_two_uses_of_one_file_are_refused(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    names = ("in.mp4", "b.mp4", "cuts.txt", "list.txt")
    for name in names:
        (tmp_path / name).write_bytes(b"precious")
    done = CliRunner().invoke(cli, words.split())
    assert done.exit_code == 2
    assert "expected two files" in done.stderr
    assert all((tmp_path / name).read_bytes() == b"precious" for name in names)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_log_is_appended_to_text_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mp4").write_bytes(b"")
    (tmp_path / "other.mp4").write_bytes(b"\0\0\0\x20ftyp")
    done = CliRunner().invoke(cli, ["probe", "in.mp4", "--log-file", "other.mp4"])
    assert done.exit_code == 2
    assert "is no text" in done.stderr
    assert (tmp_path / "other.mp4").read_bytes() == b"\0\0\0\x20ftyp"


def test_a_log_that_nobody_reads_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("log")
    signal.alarm(10)  # which ends the tests where it waits
    try:
        done = CliRunner().invoke(cli, ["probe", "in.mp4", "--log-file", "log"])
    finally:
        signal.alarm(0)
    assert done.exit_code == 2
    assert "log cannot be written" in done.output
