"""The documents show what the kept results say."""

import json

import pytest
from click.testing import CliRunner

from benchmarks import document
from benchmarks.document import DOCUMENTS, NOT_YET, marked, refreshed
from benchmarks.published import RESULTS
from tests.benchmarks.test_published import HELD

PAGES = sorted(DOCUMENTS.glob("*.md"))
STALE = "before\n<!-- results: one -->\nold\n<!-- end of results -->\nafter\n"


@pytest.fixture
def results(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(HELD))
    return tmp_path


def test_a_table_stands_between_its_marks_and_nothing_else_changes(results):
    text = refreshed(STALE, results)
    assert text.startswith("before\n<!-- results: one -->\n\n| speed |")
    assert text.endswith("greatest).\n\n<!-- end of results -->\nafter\n")
    assert refreshed(text, results) == text
    assert marked(text) == ["one"]


def test_a_mark_without_a_result_says_so(results):
    text = refreshed(STALE.replace("one", "two"), results)
    assert f"before\n<!-- results: two -->\n\n{NOT_YET}\n\n<!-- end" in text
    assert "old" not in text


def test_a_page_that_lags_behind_is_told_and_then_written(tmp_path, results, monkeypatch):
    monkeypatch.setattr(document, "DOCUMENTS", tmp_path)
    monkeypatch.setattr(document, "refreshed", lambda text: refreshed(text, results))
    page = tmp_path / "page.md"
    page.write_text(STALE)
    asked = CliRunner().invoke(document.main, ["--check"])
    assert (asked.exit_code, asked.output) == (1, "lag behind: page.md\n")
    assert page.read_text() == STALE
    assert CliRunner().invoke(document.main).output == "written: page.md\n"
    assert CliRunner().invoke(document.main, ["--check"]).exit_code == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_what_the_results_say(page):
    text = page.read_text(encoding="utf-8")
    assert refreshed(text) == text, "python -m benchmarks.document writes it anew"


def test_every_result_is_shown():
    shown = {name for page in PAGES for name in marked(page.read_text(encoding="utf-8"))}
    assert {path.stem for path in RESULTS.glob("*.json")} <= shown
