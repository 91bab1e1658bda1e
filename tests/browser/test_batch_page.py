"""The page of a batch in a real browser: it moves, is narrowed down, fits, and is accessible."""

from dataclasses import asdict

import pytest

from deeptsr.config import Options
from deeptsr.report import Shown, write_sheet
from tests.browser.conftest import SCREENS
from tests.helpers.finished import FACTOR, NASTY, finished


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("batch")
    finished(folder)
    files = (folder / "in.mkv", folder / "out.mkv")
    told = {"gain_db": 1.5, "confidence": "sure", "result_hash": "ab"}
    long = "a/folder/with_a_name_that_nothing_breaks_" + 3 * "0123456789"
    videos = [
        Shown("one.mkv", *files, False, 61.0, **told, fit="made"),
        Shown(
            f"{long}.mkv",
            *files,
            False,
            9.0,
            **told | {"confidence": "guess"},
            report=files[0],
            fit="taken",
        ),
        Shown(NASTY, *files, False, 9.0, **told, warnings=("mind --slow-audio", "and " + long)),
        Shown("gone.mkv", *files, True, 1.0, error=f"{long} is broken; get it anew"),
    ]
    write_sheet(
        folder / "batch.html", videos, asdict(Options(factor=FACTOR)), command="deeptsr batch x"
    )
    return (folder / "batch.html").as_uri()


def visible(page):
    return page.locator(".sheet > li:visible").count()


def test_it_can_be_narrowed_down(open_page, address):
    page = open_page(address)
    assert visible(page) == 4
    for kind, count in (("failed", 1), ("guess", 1), ("warned", 1), ("", 4)):
        page.check(f"[name=kind][value='{kind}']", force=True)
        assert visible(page) == count
        assert page.text_content("#shown") == f"{count} shown"
    page.focus("[name=kind]:checked")
    page.keyboard.press("ArrowRight")
    assert visible(page) == 1


def test_pictures_move_when_they_are_told_to(open_page, address):
    page = open_page(address)
    source = "document.querySelector('[data-moving]').src"
    still = page.evaluate(source)
    page.click("#play")
    assert page.evaluate(source) != still
    assert page.get_attribute("#play", "aria-pressed") == "true"
    page.click("#play")
    assert page.evaluate(source) == still


def test_pictures_move_from_the_start_where_motion_is_welcome(open_page, address):
    page = open_page(address, motion="no-preference")
    assert page.text_content("#play") == "Stop"


def test_the_command_can_be_copied(open_page, address):
    page = open_page(address)
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.click("#copy")
    assert page.evaluate("window.copied") == "deeptsr batch x"


def test_the_theme_can_be_chosen(open_page, address):
    page = open_page(address)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    page.click("#theme")
    assert page.evaluate(ground) != light


@pytest.mark.parametrize("width", [360, 1100])
def test_nothing_overflows(open_page, address, width):
    page = open_page(address, width=width)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_axe_finds_nothing_to_better(open_page, address, violations, width, scheme):
    assert violations(open_page(address, width=width, scheme=scheme)) == []
