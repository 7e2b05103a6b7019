"""The fixtures see what they are there to see."""

import pytest


@pytest.fixture()
def write(tmp_path):
    def page(body):
        path = tmp_path / "page.html"
        path.write_text(f"<!doctype html><title>page</title>{body}", "utf-8")
        return path

    return page


def test_a_page_is_shown_and_runs_its_script(show, write):
    page = show(write("<p></p><script>document.querySelector('p').textContent = 6 * 7</script>"))
    assert page.inner_text("p") == "42"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('<script>throw new Error("broken")</script>', "raises broken"),
        ('<script>console.error("broken")</script>', "says broken"),
        ('<img src="other.png" alt="">', "asks for file:"),
        ('<script src="http://127.0.0.1:9/x.js"></script>', "asks for http:"),
    ],
)
def test_faults_of_a_page_are_noticed(show, write, body, told):
    show(write(body)).wait_for_timeout(100)
    assert any(fault.startswith(told) for fault in show.told)
    show.told.clear()  # Or this test would fail at its end.
