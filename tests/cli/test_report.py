"""``deeptsr report``, and ``deeptsr upscale --report``."""

import json
import sys

import pytest
from click.testing import CliRunner

from cli.main import cli
from deeptsr import config
from deeptsr.report import Record
from tests.helpers.clips import clip
from tests.helpers.finished import finished
from tests.helpers.synth import tiny


def call(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.fixture
def kept(tmp_path):
    """The work folder of a finished run."""
    work = tmp_path / "work"
    work.mkdir()
    finished(tmp_path).record().save(work)
    return work


def test_a_run_with_a_work_folder_can_be_shown_later(tmp_path, monkeypatch):
    monkeypatch.setitem(config.PRESETS, "fast", tiny())
    monkeypatch.setattr(sys, "argv", ["deeptsr", "upscale", "in.mp4"])
    source = clip(tmp_path / "in.mp4", size="48x32", frames=8)
    output, page, work = tmp_path / "out.mp4", tmp_path / "now.html", tmp_path / "work"
    done = call(
        *("upscale", source, "-o", output, "--factor", 2, "--preset", "fast"),
        *("--work-dir", work, "--report", page),
    )
    assert done.exit_code == 0, done.stderr
    assert f"wrote {page}" in " ".join(done.stderr.split())
    record = Record.load(work)
    assert record.command == "deeptsr upscale in.mp4"
    later = call("report", work, "--json")
    assert later.exit_code == 0, later.stderr
    told = json.loads(later.stdout.splitlines()[-1])
    assert told["event"] == "Reported"
    assert told["page"] == str(work / "report.html")
    assert (work / "report.html").read_bytes() == page.read_bytes()


def test_a_page_that_cannot_be_written_stops_the_run_before_it_begins(tmp_path):
    page = tmp_path / "page.html"
    page.touch()
    done = call("upscale", tmp_path / "no.mp4", "-o", tmp_path / "out.mp4", "--report", page)
    assert done.exit_code == 2
    assert "page.html exists" in " ".join(done.stderr.split())


def test_a_page_is_replaced_only_when_asked(kept):
    assert call("report", kept).exit_code == 0
    assert call("report", kept).exit_code == 2
    assert call("report", kept, "--overwrite").exit_code == 0


def test_files_that_were_moved(kept, tmp_path):
    for name in ("in.mkv", "out.mkv"):
        (tmp_path / name).rename(kept / name)
    done = call("report", kept)
    assert done.exit_code == 3
    assert "--input" in done.stderr
    places = ("--input", kept / "in.mkv", "--result", kept / "out.mkv")
    assert call("report", kept, *places, "-o", tmp_path / "page.html").exit_code == 0


def test_what_is_no_work_folder(tmp_path):
    video = tmp_path / "out.mp4"
    video.touch()
    for place in (tmp_path, tmp_path / "no", video):
        done = call("report", place)
        assert done.exit_code == 3
        assert "--work-dir" in done.stderr
