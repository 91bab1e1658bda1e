"""deeptsr between other programs, in a shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli.main import cli
from deeptsr import config
from tests.helpers.clips import FFMPEG, clip, decode
from tests.helpers.synth import tiny

ROOT = Path(__file__).parents[2]
UPSCALE = f"{sys.executable} -m tests.helpers.tiny_cli upscale"
READ = f"{FFMPEG} -v error -i in.mkv -f yuv4mpegpipe -"
FAST = "--preset fast --factor 4"


@pytest.fixture
def folder(tmp_path):
    clip(tmp_path / "in.mkv", size="32x24")
    return tmp_path


def shell(folder, command):
    """Run a pipeline; the exit codes of its programs are in the last line of stdout."""
    script = f"{command}; echo codes ${{PIPESTATUS[*]}}"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def codes(done):
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("before", "tags"),
    [(READ, ()), (f"{FFMPEG} -v error -i in.mkv -c copy -f nut -", ("-colorspace", "bt709"))],
    ids=["as Y4M", "as it is coded, with tags that Y4M has no place for"],
)
def test_between_two_programs_the_frames_are_those_of_files(folder, monkeypatch, before, tags):
    clip(folder / "in.mkv", *tags, size="32x24")
    ends = f"{FFMPEG} -v error -i - -c:v ffv1 piped.mkv"
    done = shell(folder, f"{before} | {UPSCALE} - -o - {FAST} | {ends}")
    assert codes(done) == "codes 0 0 0"
    assert "self-check" in done.stderr
    monkeypatch.setitem(config.PRESETS, "fast", tiny())
    form = f"--codec ffv1 --pix-fmt yuv420p {FAST}".split()
    words = ["upscale", str(folder / "in.mkv"), "-o", str(folder / "file.mkv"), *form]
    assert CliRunner().invoke(cli, words).exit_code == 0
    one, other = (decode(folder / f"{name}.mkv", None, (32, 24)) for name in ("piped", "file"))
    assert len(one) == 48
    assert np.array_equal(one, other)
    assert list(folder.rglob(".*")) == []  # nothing of ours is left


def test_a_pipe_becomes_a_file(folder):
    done = shell(folder, f"{READ} | {UPSCALE} - -o out.mkv {FAST}")
    assert codes(done) == "codes 0 0"
    assert len(decode(folder / "out.mkv", None, (32, 24))) == 48
    assert list(folder.rglob(".*")) == []


def test_the_program_after_it_ends_early(folder):
    # More than a pipe holds, so that it is met by the end of who reads, however late that comes.
    many = "--preset fast --factor 8"
    done = shell(folder, f"{UPSCALE} in.mkv -o - {many} -q | head -c 100 >head.y4m")
    assert codes(done) == "codes 141 0"
    assert "Error" not in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "head.y4m").read_bytes().startswith(b"YUV4MPEG2 W32 H24 F192000:1001")


def test_nothing_is_fitted_for_a_program_that_has_ended(folder):
    done = shell(folder, f"{READ} | {UPSCALE} - -o - {FAST} | true")
    assert codes(done) == "codes 0 141 0"
    assert "self-check" not in done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder.rglob(".*")) == []


def test_the_program_before_it_gives_nothing_or_breaks_off(folder):
    done = shell(folder, f"false | {UPSCALE} - -o - {FAST}")
    assert codes(done) == "codes 1 3"
    assert done.stderr.startswith("error: nothing came through the pipe")
    done = shell(folder, f"{READ} | head -c 3000 | {UPSCALE} - -o - {FAST} | wc -c")
    assert done.stdout.splitlines()[0] == "0"
    assert "error: the input has 2 frames" in done.stderr.splitlines()[-1]
    assert list(folder.rglob(".*")) == []


@pytest.mark.parametrize(
    "before", ["echo no video", f"{READ} | head -c 300"], ids=["noise", "within a frame"]
)
def test_what_cannot_be_used_is_told_as_the_pipe_not_as_a_file_of_ours(folder, before):
    done = shell(folder, f"{before} | {UPSCALE} - -o - {FAST} | wc -c")
    assert done.stdout.splitlines()[0] == "0"
    assert codes(done).endswith(" 3 0")
    told = done.stderr.splitlines()[-1]
    assert told.startswith("error: ")
    assert "what came through the pipe" in told
    assert told.endswith("; see what the program before it says")
    assert ".deeptsr-pipe" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--json",), "--json and -o - exclude each other"),
        (("--dry-run",), "--dry-run and -o - exclude each other"),
        (("--preview", "2s"), "--preview and -o - exclude each other"),
        (("--report", "r.html"), "--report needs a file"),
    ],
)
def test_what_would_mix_with_the_pictures_is_refused(flags, words):
    done = CliRunner().invoke(cli, ["upscale", "in.mkv", "-o", "-", *flags])
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("stream", "args", "words"),
    [
        ("stdin", ("-", "-o", "out.mkv"), "stdin is a terminal"),
        ("stdout", ("in.mkv", "-o", "-"), "stdout is a terminal"),
    ],
)
def test_a_terminal_is_no_pipe(monkeypatch, stream, args, words):
    monkeypatch.setattr("cli.pipes._is_terminal", lambda it: it is getattr(sys, stream))
    done = CliRunner().invoke(cli, ["upscale", *args])
    assert done.exit_code == 2
    assert words in done.stderr
