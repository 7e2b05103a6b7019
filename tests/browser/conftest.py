"""A browser without a window, and pages that tell what went wrong in them."""

import shutil

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser():
    """Chromium of this machine, as `playwright` drives it."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium: install the package chromium for the tests of the page")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program)
        yield started
        started.close()


@pytest.fixture()
def show(browser):
    """From the path of a page to that page in the browser.

    At its end the test fails if a page has said an error, or has asked for
    anything but itself and what it holds: `show.told`.
    """
    contexts, told = [], []

    def open_page(path, **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page, own = context.new_page(), path.resolve().as_uri()

        def look(request):
            known = request.url.partition("#")[0] == own
            if not known and not request.url.startswith(("data:", "blob:")):
                told.append(f"asks for {request.url}")

        page.on("request", look)
        page.on("pageerror", lambda error: told.append(f"raises {error}"))
        page.on("console", lambda message: _note(message, told))
        page.goto(own)
        return page

    open_page.told = told
    yield open_page
    for context in contexts:
        context.close()
    assert told == []


def _note(message, told):
    if message.type in ("error", "warning"):
        told.append(f"says {message.text}")
