"""A real browser for the pages: ``scripts/browser`` runs these tests, beside no others."""

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SCREENS = [(1100, "light"), (1100, "dark"), (360, "light"), (360, "dark")]  # width, colour scheme


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install 'deeptsr[browser]'"
    )
    with playwright.sync_playwright() as driver:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        try:
            started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(
                f"no browser starts ({error.message.splitlines()[0]}): apt-get install chromium, "
                "or playwright install chromium"
            )
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Open a page; at the end, nothing may have gone wrong in it or been asked of a network."""
    wrong, contexts = [], []

    def at(address, width=1100, height=800, scheme="light", motion="reduce"):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion=motion,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: wrong.append(r.url) if "http" in r.url[:5] else None)
        page.goto(address)
        return page

    yield at
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def violations():
    """What axe finds on a page, with all that is folded opened up."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe: pip install 'deeptsr[browser]'"
    )

    def violations_on(page):
        page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        told = axe.Axe().run(page).response["violations"]
        return [(v["id"], [n["html"] for n in v["nodes"]]) for v in told]

    return violations_on
