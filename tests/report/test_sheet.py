"""The page at the end of a batch: its pictures, what it says of each video, where it leads."""

from __future__ import annotations

import base64
import io
import os
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

from deeptsr.config import Options
from deeptsr.errors import OutputError
from deeptsr.events import Progress
from deeptsr.report import Shown, check_sheet, write_sheet
from deeptsr.report.sheet import page as module
from deeptsr.report.sheet.tiles import GAP, SIDE, Tile, take
from tests.helpers.clips import raw_clip
from tests.helpers.finished import FACTOR, FRAMES, HEIGHT, NASTY, WIDTH, finished, numbered

OPTIONS = asdict(Options(factor=FACTOR))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    finished(folder)
    return folder


@pytest.fixture
def done(run):
    return Shown(
        *("sub/in.mkv", run / "in.mkv", run / "out.mkv"),
        failed=False,
        seconds=61.0,
        gain_db=2.5,
        confidence="guess",
        warnings=("mind --slow-audio",),
        result_hash="ab12",
    )


def opened(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,"))))


def text_of(page):
    return page.read_text(encoding="utf-8")


# Pictures


def test_input_and_result_of_the_same_moments_stand_beside_each_other(run):
    tile = take(run / "in.mkv", run / "out.mkv", OPTIONS)
    assert opened(tile.still).size == (2 * SIDE + GAP, SIDE)
    moving = opened(tile.moving)
    assert moving.n_frames == FRAMES * FACTOR
    steps = []
    before = None
    for number in range(moving.n_frames):
        moving.seek(number)
        frame = np.asarray(moving.convert("RGB")).astype(int)
        if before is not None:
            change = np.abs(frame - before)
            steps.append((change[:, :SIDE].mean() > 1, change[:, -SIDE:].mean() > 1))
        before = frame
    inputs, results = zip(*steps, strict=True)
    assert not any(inputs[::FACTOR])  # within a frame of the input
    assert sum(inputs) >= FRAMES - 2
    assert sum(results) > sum(inputs)


def test_a_result_that_is_larger_shows_the_same_place(run, tmp_path):
    twice = numbered(FRAMES * FACTOR).repeat(2, axis=1).repeat(2, axis=2)
    size = (2 * WIDTH, 2 * HEIGHT)
    large = raw_clip(tmp_path / "l.mkv", twice, "rgb24", size, "-c:v", "ffv1", rate="60")
    small, tile = (take(run / "in.mkv", path, OPTIONS) for path in (run / "out.mkv", large))
    one, other = (np.asarray(opened(t.still).convert("RGB")).astype(int) for t in (small, tile))
    assert np.abs(one - other).mean() < 6


@pytest.mark.parametrize("gone", ["in.mkv", "out.mkv"])
def test_what_is_gone_has_no_picture(run, gone):
    paths = [run / ("none.mkv" if name == gone else name) for name in ("in.mkv", "out.mkv")]
    assert take(*paths, OPTIONS) is None


# The page


def test_a_video_has_its_pictures_figures_and_links(run, done):
    told = []
    report = run / "out.mkv.html"
    page = run / "batch.html"
    shown = replace(done, report=report)
    written = write_sheet(
        page, [shown], OPTIONS, command="deeptsr batch 'a b'", on_event=told.append
    )
    text = text_of(page)
    assert written.size_bytes == page.stat().st_size
    assert [type(event) for event in told] == [Progress]
    assert len(re.findall(r'<img data-of="ab12" src="data:image/webp;base64', text)) == 1
    assert "+2.5 dB" in text
    assert "a guess" in text
    assert "1 warning<" in text
    assert '<span class="word">--slow-audio</span>' in text
    assert re.findall(r'<a href="([^"#]+)"', text) == ["out.mkv.html", "out.mkv", "in.mkv"]
    assert "deeptsr batch &#39;a b&#39;" in text
    assert "<dt>Preset</dt>" in text
    write_sheet(page, [shown], OPTIONS | {"time_budget": 9.0}, command="")
    assert "<dt>Preset, at most</dt>" in text_of(page)  # a smaller one may have been taken
    assert "http:" not in text.replace("http-equiv", "")
    assert "https:" not in text


def test_one_that_failed_says_why_and_leads_to_no_result(tmp_path, done):
    failed = replace(done, failed=True, error="it is <broken>; get it anew", confidence=None)
    write_sheet(tmp_path / "batch.html", [failed], OPTIONS)
    text = text_of(tmp_path / "batch.html")
    assert "it is &lt;broken&gt;; get it anew" in text
    assert "There is no result." in text
    assert "out.mkv</a>" not in text
    assert "<img" not in text
    assert "Failed (1)" in text
    assert "A guess (" not in text


def test_names_become_neither_markup_nor_broken_links(tmp_path, done):
    odd = tmp_path / "in #1%20" / NASTY
    shown = replace(done, name=NASTY, source=odd, output=tmp_path / "caf\udce9.mkv")
    write_sheet(tmp_path / "batch.html", [shown], OPTIONS)
    text = text_of(tmp_path / "batch.html")
    assert NASTY not in text
    assert "&lt;b&gt;&amp;&#34;&#39;.mkv" in text
    assert 'href="in%20%231%2520/%3Cb%3E%26%22%27.mkv"' in text
    assert 'href="caf%E9.mkv"' in text
    assert "cannot be shown" in text


def test_pictures_of_results_that_are_the_same_are_taken_from_the_page_before(
    tmp_path, done, monkeypatch
):
    page = tmp_path / "batch.html"
    write_sheet(page, [done], OPTIONS)
    before = text_of(page)
    asked = []
    monkeypatch.setattr(
        module, "take", lambda *given: asked.append(given) or Tile("data:s", "data:m")
    )
    write_sheet(page, [done], OPTIONS)
    assert (asked, text_of(page)) == ([], before)
    write_sheet(page, [replace(done, result_hash="cd34")], OPTIONS)
    assert len(asked) == 1
    assert 'src="data:s" data-moving="data:m"' in text_of(page)


def test_a_page_that_no_batch_wrote_is_left_alone(tmp_path, done):
    page = tmp_path / "batch.html"
    check_sheet(page)
    write_sheet(page, [done], OPTIONS)
    check_sheet(page)
    page.write_text("<!doctype html><p>mine")
    with pytest.raises(OutputError, match="no batch wrote it"):
        check_sheet(page)
    page.unlink()
    page.mkdir()
    with pytest.raises(OutputError, match="no batch wrote it"):
        check_sheet(page)


def test_nothing_is_written_through_a_link_that_was_put_there(tmp_path, done):
    page, victim = tmp_path / "batch.html", tmp_path / "victim"
    page.symlink_to(victim)
    for work in (lambda: check_sheet(page), lambda: write_sheet(page, [done], OPTIONS)):
        with pytest.raises(OutputError, match="symbolic link"):
            work()
    assert not victim.exists()
    page.unlink()
    os.mkfifo(page)
    with pytest.raises(OutputError, match="no batch wrote it"):
        check_sheet(page)


def test_a_name_does_not_turn_the_words_around_it(tmp_path, done):
    failed = replace(done, name="a\u202egpj.mp4", failed=True, error="of \u2066x\x07")
    write_sheet(tmp_path / "batch.html", [failed], OPTIONS)
    text = text_of(tmp_path / "batch.html")
    assert r"a\u202egpj.mp4" in text
    assert r"of \u2066x\x07" in text
    assert not set("\u202e\u2066\x07") & set(text)
