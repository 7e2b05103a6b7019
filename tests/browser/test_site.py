"""The site that `make docs` builds, in a browser."""

from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "build" / "docs"
PAGES = ["index", "results", "settings", "faq", "python_api", "gallery/04_adaptation"]
# What a page is made of; axe fetches style sheets again, which no file may.
LOADED = ("document", "stylesheet", "script", "image", "font")
pytestmark = pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="no site: make docs")


@pytest.fixture
def visit(browser):
    """From a page's name to the page; what it does not find fails the test."""
    contexts, told = [], []

    def look(name, **options):
        contexts.append(
            browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        )
        page = contexts[-1].new_page()
        page.on(
            "request", lambda one: one.url.startswith(("file:", "data:")) or told.append(one.url)
        )
        page.on("requestfailed", lambda one: one.resource_type in LOADED and told.append(one.url))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.goto((SITE / f"{name}.html").as_uri())
        return page

    yield look
    for context in contexts:
        context.close()
    assert told == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(visit, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(visit(name, color_scheme=scheme)).response["violations"]
    serious = {
        one["id"]: [node["target"] for node in one["nodes"][:3]]
        for one in found
        if one["impact"] in ("serious", "critical")
    }
    assert serious == {}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_phone(visit, name):
    page = visit(name, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_search_finds_a_setting_without_a_server(visit):
    page = visit("index")
    page.fill("input[name=q]", "lambda_cycle")
    page.press("input[name=q]", "Enter")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    assert page.locator("#search-results").get_by_text("Settings").count()
