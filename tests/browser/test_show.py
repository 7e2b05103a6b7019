"""`show` as its users see it: in a browser, by mouse and by keyboard."""

import http.server
import io
import threading

import numpy as np
import pytest
from PIL import Image

from i2i_keras.show import images

# Without the window a picture of a page is of another size.
DROP = """([name, bytes]) => {
    const data = new DataTransfer();
    if (name) data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    else data.setData("text/plain", "no file");
    const fire = (kind) => document.body.dispatchEvent(
        new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    fire("dragover");
    fire("drop");
}"""


@pytest.fixture
def open_show(browser, shown):
    """Opens the page; the test fails if it says an error or asks elsewhere."""
    contexts, told = [], []

    def open_page(**options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: note(request.url))
        page.goto(shown)
        return page

    def note(url):
        if not url.startswith((shown, "blob:", "data:")):
            told.append(f"asks for {url}")

    open_page.told = told
    yield open_page
    for context in contexts:
        context.close()
    assert told == []


def wait_for(page, text):
    page.locator("#status", has_text=text).wait_for(timeout=120_000)


def png(color, size=(64, 32)):
    draft = io.BytesIO()
    Image.new("RGB", size, color).save(draft, "PNG")
    return draft.getvalue()


def upload(page, name, data):
    file = {"name": name, "mimeType": "image/png", "buffer": data}
    page.set_input_files("#file", file)


def shown_pixels(figure):
    """The picture in a figure, as the browser has decoded it, RGB."""
    values = figure.locator("img").evaluate(
        """async (image) => {
            await image.decode();
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            return [canvas.height, canvas.width,
                    [...context.getImageData(0, 0, canvas.width, canvas.height).data]];
        }"""
    )
    height, width, flat = values
    return np.array(flat, np.uint8).reshape(height, width, 4)[..., :3]


def test_a_test_image_chosen_by_keyboard_fills_all_figures(open_show):
    page = open_show()
    page.focus("#file")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "record"
    page.keyboard.press("ArrowDown")
    wait_for(page, "Done: ")
    assert page.locator("figure img").count() == page.locator("figure").count() == 7
    for image in page.locator("figure img").all():
        assert image.get_attribute("alt").startswith(
            page.locator("#record option").nth(1).inner_text()
        )
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64


def test_a_file_is_translated_segmented_and_downloaded(open_show, tmp_path):
    page = open_show()
    upload(page, "my street.png", png("teal"))
    wait_for(page, "Done: my street.png.")
    np.testing.assert_array_equal(
        shown_pixels(page.locator("figure").first), np.full((32, 64, 3), [0, 128, 128])
    )
    figure = page.locator('[data-what="translate/cyclegan/xy"]')
    with page.expect_download() as waiting:
        figure.get_by_role("link").click()
    assert waiting.value.suggested_filename == "my street-cyclegan-xy.png"
    waiting.value.save_as(tmp_path / "made.png")
    with Image.open(tmp_path / "made.png") as made:
        np.testing.assert_array_equal(np.asarray(made), shown_pixels(figure))

    arm = page.locator('[data-what="segment/source_only"]')
    names = [link.get_attribute("download") for link in arm.get_by_role("link").all()]
    assert names == [f"my street-source_only-{kind}.png" for kind in ("overlay", "classes")]


def test_a_dropped_file_is_taken_and_what_is_none_is_told(open_show):
    page = open_show()
    page.evaluate(DROP, ["", []])
    assert page.inner_text("#status") == "What was dropped is no file; drop an image file."
    page.evaluate(DROP, ["dropped.png", list(png("navy"))])
    wait_for(page, "Done: dropped.png.")
    assert page.locator("figure img").count() == 7
    assert "dropping" not in (page.get_attribute("body", "class") or "")


def test_what_is_no_image_is_told_and_the_next_one_is_taken(open_show):
    page = open_show()
    upload(page, "text.png", b"404 not found")
    wait_for(page, "The file cannot be read as an image (")
    assert "fault" in page.get_attribute("#status", "class")
    assert page.locator("figure img").count() == 0
    # Chromium's own word on an answer that is not 200.
    assert all("the server responded with a status of 422" in told for told in open_show.told)
    open_show.told.clear()
    upload(page, "image.png", png("navy"))
    wait_for(page, "Done: image.png.")
    assert "fault" not in page.get_attribute("#status", "class")


def test_a_file_that_is_too_large_is_not_sent(open_show):
    page = open_show()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        """(size) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(size)], "large.png"));
            const field = document.getElementById("file");
            field.files = data.files;
            field.dispatchEvent(new Event("change"));
        }""",
        images.MOST_BYTES + 1,
    )
    assert page.inner_text("#status") == "large.png has more than 64 MB; make the image smaller."
    assert asked == []


def test_another_choice_takes_the_place_of_the_one_before(open_show):
    page = open_show()
    upload(page, "first.png", png("navy"))
    upload(page, "second.png", png("teal"))
    wait_for(page, "Done: second.png.")
    for image in page.locator("figure img").all():
        assert image.get_attribute("alt").startswith("second.png: ")
    assert page.locator(".busy").count() == 0
    # Of one that came while a picture of the first was made.
    open_show.told[:] = [told for told in open_show.told if "status of 503" not in told]


def test_the_scale_is_that_of_the_pictures(open_show):
    page = open_show()
    upload(page, "large.png", png("navy", (128, 64)))
    wait_for(page, "Done: large.png.")
    figure = page.locator('[data-what="translate/cyclegan/xy"]')
    assert shown_pixels(figure).shape == (32, 64, 3)
    page.select_option("#scale", "native")
    page.locator('[data-what="translate/cyclegan/xy"] img[width="128"]').wait_for(timeout=60_000)
    wait_for(page, "Done: large.png.")
    assert shown_pixels(figure).shape == (64, 128, 3)


def test_what_is_done_is_told_to_those_who_do_not_see_it(open_show):
    page = open_show()
    assert page.get_by_role("status").inner_text() == "Choose an image."
    page.evaluate(
        """() => {
            window.told = [];
            const status = document.getElementById("status");
            new MutationObserver(() => window.told.push(status.textContent))
                .observe(status, { childList: true });
        }"""
    )
    upload(page, "image.png", png("navy"))
    wait_for(page, "Done: image.png.")
    told = page.evaluate("window.told")
    assert told[0] == "The image, 1 of 7 …"
    assert len(told) == 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_and_nothing_is_cut_off(open_show, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = open_show(color_scheme=scheme, viewport={"width": width, "height": 844})
    page.select_option("#record", index=1)
    wait_for(page, "Done: ")
    assert axe.Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert dark == (scheme == "dark")


def test_a_page_of_another_origin_can_neither_ask_embed_nor_read(browser, shown, tmp_path):
    """A whole site of another port, as any that is open in another tab."""
    (tmp_path / "index.html").write_text(
        f"<!doctype html><title>other</title><iframe src='{shown}'></iframe>", "utf-8"
    )

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given):
            super().__init__(*given, directory=tmp_path)

        def log_message(self, *given):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        page = browser.new_page()
        answers = []
        page.on("response", lambda answer: answers.append((answer.url, answer.status)))
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        path = f"{shown}make?what=image&scale=working&record=target-test/00001"
        failed = page.evaluate(
            """(path) => fetch(path, { method: "POST", mode: "no-cors" })
                .then((answer) => answer.type, () => "failed")""",
            path,
        )
        page.close()
        other.shutdown()
        thread.join()
    assert failed in ("opaque", "failed")
    asked = [status for url, status in answers if url.startswith(shown)]
    assert asked and set(asked) == {403}
