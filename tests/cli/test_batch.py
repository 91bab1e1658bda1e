"""``deeptsr batch``: what it passes on, what it says, how it ends."""

from __future__ import annotations

import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.arguments.flags import OUTPUT_NAMES
from cli.commands import batch as module
from cli.commands.batch import PASSED, batch
from cli.commands.upscale import upscale
from cli.console.batch_table import Table
from cli.console.progress_bar import Bar
from cli.main import cli
from deeptsr.errors import ResourceError
from deeptsr.events import BatchDone, Progress, VideoEnded, VideoProgress
from tests.helpers.clips import clip

ROOT = Path(__file__).parents[2]


@pytest.fixture
def children(monkeypatch):
    """Start tests/helpers/fake_cli.py instead of the program."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(module, "MODULE", "tests.helpers.fake_cli")


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name, text in (("a.mp4", "good"), ("sub/b.mp4", "good"), ("c.mp4", "broken")):
        (folder / name).write_text(text)
    return folder


def call(videos, *args):
    output = str(videos.parent / "out")
    return CliRunner().invoke(cli, ["batch", str(videos), "-o", output, "--devices", "cpu", *args])


def flags_of(videos, name="a.mp4"):
    """The flags that the child which made that result was given."""
    log = videos.parent / "out" / f".{name}.log"
    return log.read_text().splitlines()[-1].split()[3:-6]


def test_the_story_and_the_table_and_the_exit_code(videos, children):
    result = call(videos, "--jobs", "1")
    assert result.exit_code == 5
    table = [line.split() for line in result.stdout.splitlines()]
    assert table[0] == ["video", "state", "attempts", "time", "gain", "remark"]
    assert [row[:3] for row in table[1:]] == [
        ["a.mp4", "done", "1"],
        ["c.mp4", "failed", "1"],
        ["sub/b.mp4", "done", "1"],
    ]
    assert table[1][-2:] == ["+1.50", "dB"]
    assert result.stdout.splitlines()[2].endswith("c.mp4 is broken; get it anew")
    told = result.stderr.splitlines()
    assert told[0] == "3 videos, 1 at a time on this machine"
    assert "a.mp4: started" in told
    assert "warning: a.mp4: mind this" in told
    assert "c.mp4: failed: c.mp4 is broken; get it anew" in told
    assert told[-3].startswith("2 videos done, 1 failed, in ")
    assert told[-2].startswith(f"wrote {videos.parent / 'out' / 'batch.html'}: ")
    assert told[-1].startswith("error: 1 of 3 videos failed; ")
    assert "\x1b" not in result.output
    assert "fitting" not in result.stderr  # one child's progress is no line of its own

    (videos / "c.mp4").write_text("good")
    again = call(videos)
    assert again.exit_code == 0
    assert again.stderr.splitlines()[0].endswith("; 2 of them done already")
    assert "a.mp4: done already" not in again.stderr
    assert [line.split()[1] for line in again.stdout.splitlines()[1:]] == [
        "skipped",
        "done",
        "skipped",
    ]


def test_json_is_alone_on_stdout(videos, children):
    result = call(videos, "--json")
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert (told[0]["event"], told[0]["videos"]) == ("BatchPlanned", 3)
    assert [t["failed"] for t in told if t["event"] == "BatchDone"] == [1]
    assert told[-2]["event"] == "Reported"
    assert (told[-1]["event"], told[-1]["exit_code"]) == ("Error", 5)
    assert {t["video"] for t in told if t["event"] == "VideoProgress"} == {
        "a.mp4",
        "c.mp4",
        "sub/b.mp4",
    }
    assert result.stderr.splitlines() == sorted(
        result.stderr.splitlines(), key=lambda line: line.startswith("error: ")
    )


def test_flags_are_passed_on_as_they_were_given(videos, children):
    call(videos)
    assert flags_of(videos) == ["--preset", "fast"]
    given = "--factor 3 --end 1:02.5 --overwrite --exposure delta --preset balanced --codec ffv1"
    call(videos, *given.split())
    passed = flags_of(videos)
    assert passed[-2:] == ["--preset", "balanced"]
    words = " ".join(passed[:-2])
    for flag in ("--factor 3", "--end 62.5", "--overwrite", "--exposure delta", "--codec ffv1"):
        assert flag in words
    assert len(passed) == 11


def test_the_page_tells_of_all_videos_those_done_before_too(videos, children):
    call(videos)
    page = videos.parent / "out" / "batch.html"
    first = page.read_text()
    assert '<h1 id="title">3 videos</h1>' in first
    assert "c.mp4 is broken; get it anew" in first
    assert first.count("mind this") == 3
    assert first.count("+1.5 dB") == 2
    assert re.findall(r'<a href="([^#"]+)"', first) == [
        *("a.mp4", "../in/a.mp4", "../in/c.mp4", "sub/b.mp4", "../in/sub/b.mp4")
    ]
    (videos / "c.mp4").write_text("good")
    call(videos)
    again = page.read_text()
    assert (again.count("mind this"), again.count("+1.5 dB")) == (3, 3)
    assert "is broken" not in again


def test_a_page_that_is_no_batch_s_is_refused_before_any_work(videos, children):
    mine = videos.parent / "out" / "batch.html"
    mine.parent.mkdir()
    mine.write_text("mine")
    result = call(videos)
    assert result.exit_code == 2
    assert "no batch wrote it" in result.stderr
    assert [path.name for path in mine.parent.iterdir()] == ["batch.html"]


def test_a_page_that_cannot_be_written_fails_nothing(videos, children, monkeypatch):
    def full(*_, **__):
        raise ResourceError("the disk is full")

    monkeypatch.setattr(module.reports, "write_sheet", full, raising=False)
    (videos / "c.mp4").write_text("good")
    result = call(videos)
    assert result.exit_code == 0
    assert "warning: there is no page of the batch: the disk is full" in result.stderr


def test_each_video_makes_a_report_if_asked(videos, children):
    call(videos, "--reports")
    assert flags_of(videos)[-2:] == ["--report", str(videos.parent / "out" / "a.mp4.html")]
    (videos.parent / "out" / "a.mp4.html").touch()
    call(videos, "--reports")
    assert '<a href="a.mp4.html">Report' in (videos.parent / "out" / "batch.html").read_text()


def test_a_shared_fit_is_told_to_all_who_ask(videos, children):
    (videos / "c.mp4").write_text("good")
    result = call(videos, "--share-fit", "--jobs", "1")
    assert result.exit_code == 0, result.output
    fit = videos.parent / "out" / "batch.safetensors"
    assert fit.read_text() == "a fit"
    assert flags_of(videos)[-2:] == ["--save-fit", str(fit)]
    assert flags_of(videos, "c.mp4")[-2:] == ["--fit", str(fit)]
    told = result.stderr.splitlines()
    assert "a.mp4: started, makes the shared fit" in told
    assert "c.mp4: started, takes the shared fit" in told
    assert any(line.startswith(f"wrote {fit}: ") for line in told)
    page = (videos.parent / "out" / "batch.html").read_text()
    assert page.count("<dt>fit</dt><dd>made here, for all</dd>") == 1
    assert page.count("<dt>fit</dt><dd>the shared one</dd>") == 2
    again = call(videos, "--share-fit", "--json")
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert events[0]["fit"] == str(fit)
    ends = {e["video"]: (e["state"], e["fit"]) for e in events if e["event"] == "VideoEnded"}
    assert ends["a.mp4"] == ("skipped", "made")
    assert ends["c.mp4"] == ("skipped", "taken")
    # Without it, each has a fit of its own, and the page no word of any.
    assert call(videos, "--overwrite").exit_code == 0
    assert "<dt>fit</dt>" not in (videos.parent / "out" / "batch.html").read_text()


def test_every_flag_of_upscale_is_passed_on_or_settled():
    names = {p.name for p in upscale.params}
    assert names == {p.name for p in PASSED} | {*module.SETTLED, *OUTPUT_NAMES, "input"} - {
        "devices"
    }
    flags = [p.opts[-1] for p in batch.params if isinstance(p, click.Option)]
    assert len(flags) == len(set(flags))
    assert [p.opts for p in batch.params if isinstance(p, click.Option) and not p.help] == []


@pytest.mark.parametrize(
    "flags",
    [
        "--factor 1",
        "--jobs 0",
        "--retries -1",
        "--devices gpu",
        "--devices cuda:99",
        "--engine slurm",
        "--suffix mkv",
        "--engine ray --devices cuda:1",
        "--work-dir w",
        "--share-fit --fit camera.safetensors",
        "--share-fit --factor 1 --scale 2",
        "-q -v",
    ],
)
def test_wrong_usage_ends_with_2_before_any_work(videos, children, flags):
    result = call(videos, *flags.split())
    assert result.exit_code == 2
    assert not (videos.parent / "out" / "a.mp4").exists()
    assert "Traceback" not in result.output


def test_a_folder_without_videos_ends_with_3(tmp_path, children):
    (tmp_path / "in").mkdir()
    result = call(tmp_path / "in")
    assert result.exit_code == 3
    assert "--pattern" in result.stderr


def test_ray_that_is_not_installed_is_told(videos, children, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = CliRunner().invoke(
        cli, ["batch", str(videos), "-o", str(videos.parent / "out"), "--engine", "ray"]
    )
    assert result.exit_code == 2
    assert "pip install 'deeptsr[ray]'" in result.stderr


def test_ctrl_c_stops_the_children(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_text("wait")
    code = (
        "import cli.commands.batch as b, cli.main as m; "
        "b.MODULE = 'tests.helpers.fake_cli'; m.main()"
    )
    arguments = ["batch", str(folder), "-o", str(tmp_path / "out"), "--devices", "cpu"]
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--jobs", "2"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    waits = [tmp_path / "out" / f".{name}.waits" for name in ("a.mp4", "b.mp4")]
    until = time.monotonic() + 60
    while not all(w.exists() for w in waits) and time.monotonic() < until:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=30)
    assert child.returncode == 130
    assert told.splitlines()[-1].startswith("interrupted; run the same command again")
    for name in ("a.mp4", "b.mp4"):
        pid = int((tmp_path / "out" / f".{name}.log").read_text().split()[0])
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_real_program_end_to_end(tmp_path, monkeypatch):
    folder = tmp_path / "in"
    folder.mkdir()
    clip(folder / "good.mp4", size="48x32", frames=8, rate="8")
    (folder / "broken.mp4").write_bytes(random.Random(0).randbytes(2000))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(module, "MODULE", "tests.helpers.tiny_cli")
    result = call(folder, "--jobs", "2", "--factor", "2")
    assert result.exit_code == 5
    broken, good = (line.split(None, 2) for line in result.stdout.splitlines()[1:])
    assert good[:2] == ["good.mp4", "done"]
    assert "dB" in good[2]
    assert broken[:2] == ["broken.mp4", "failed"]
    assert "cannot be opened as a video" in broken[2]
    assert [p.name for p in (tmp_path / "out").iterdir() if p.suffix == ".mp4"] == ["good.mp4"]
    page = (tmp_path / "out" / "batch.html").read_text()
    assert page.count('data-moving="data:image/webp') == 1
    assert "which way things move" in page
    entries = [json.loads(x) for x in (tmp_path / "out" / "batch.jsonl").read_text().splitlines()]
    assert {(Path(e["input"]).name, e["state"], e["exit_code"]) for e in entries[2:]} == {
        ("good.mp4", "done", 0),
        ("broken.mp4", "failed", 3),
    }


def test_the_real_program_fits_once_for_all(tmp_path, monkeypatch):
    folder = tmp_path / "in"
    folder.mkdir()
    clip(folder / "long.mp4", size="48x32", frames=10, rate="8")
    clip(folder / "short.mp4", size="48x32", frames=6, rate="8")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(module, "MODULE", "tests.helpers.tiny_cli")
    result = call(folder, "--jobs", "1", "--factor", "2", "--share-fit", "--reports")
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "out" / "batch.jsonl").read_text().splitlines()
    last = {Path(e["input"]).name: e for e in map(json.loads, lines)}
    parts = {name: (e["state"], e["fit"]) for name, e in last.items()}
    assert parts == {"long.mp4": ("done", "made"), "short.mp4": ("done", "taken")}
    assert (
        "The networks were fitted to another video" in (tmp_path / "out/short.mp4.html").read_text()
    )
    assert "What came of it is kept in" in (tmp_path / "out/long.mp4.html").read_text()


def test_a_file_of_any_name_is_upscaled_to_the_end(tmp_path, monkeypatch):
    """No UTF-8, a sign that formats know, and as long as a name may be."""
    folder = tmp_path / "in"
    folder.mkdir()
    name = os.fsdecode(b"100%done caf\xe9".ljust(251, b"n") + b".mp4")
    clip(folder / name, size="32x32", frames=6, rate="8")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(module, "MODULE", "tests.helpers.tiny_cli")
    result = call(folder, "--jobs", "1", "--factor", "2")
    assert result.exit_code == 0, result.output
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {name, "batch.html", "batch.jsonl"}
    entries = (tmp_path / "out" / "batch.jsonl").read_text().count("\n")
    assert call(folder, "--jobs", "1", "--factor", "2").exit_code == 0
    assert (tmp_path / "out" / "batch.jsonl").read_text().count("\n") == entries  # none again


# What is drawn on a terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_for_each_video_that_is_worked_on():
    stream = Terminal()
    bar = Bar(stream)
    bar(Progress(0.5, "batch", "1 of 3 videos done"))
    bar(VideoProgress("a\x1b.mp4", 0.25, "fitting, step 3", "cpu"))
    bar(VideoProgress("b.mp4", 0.75, "rendering", "cpu"))
    stream.seek(0)
    stream.truncate()
    bar._live.refresh()
    drawn = stream.getvalue()
    assert "1 of 3 videos done" in drawn
    assert r"a\x1b.mp4" in drawn
    assert "75%  rendering" in drawn
    bar(VideoEnded("b.mp4", "out/b.mp4", "done", 1, 2.0, None, None))
    stream.seek(0)
    stream.truncate()
    bar._live.refresh()
    assert "75%" not in stream.getvalue()
    bar(BatchDone(2, 1, 0, 9.0))
    assert stream.getvalue().rstrip().endswith("2 videos done, 1 done before, in 9.0 s")


def test_the_table_is_drawn_on_a_terminal(monkeypatch):
    table = Table()
    table(VideoEnded("a.mp4", "out/a.mp4", "failed", 2, 61.0, None, "one\ntwo"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    table.show()
    drawn = sys.stdout.getvalue()
    assert "\x1b[1;31mfailed" in drawn
    assert r"one\ntwo" in drawn
    assert "1 min 1 s" in drawn
