"""Whom and what the page's server refuses."""

import io
import socket
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from PIL import Image

from i2i_keras.show import images


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("empty", "No image was sent"),
        ("text", "The file cannot be read as an image ("),
        ("cut", "The file cannot be read as an image ("),
        ("cut jpeg", "The file cannot be read as an image ("),
    ],
)
def test_what_is_no_whole_image_is_refused(ask, save, damage, tmp_path, way, words):
    path = save(tmp_path / "image.png", np.random.default_rng(0).integers(0, 255, (40, 40, 3)))
    damage(way, path)
    for what in ("image", "segment/source_only"):
        ask.make(what, path.read_bytes()).assert_refused(422, words)


def test_a_bomb_is_refused_before_it_is_decoded(ask, save, damage, tmp_path):
    path = save(tmp_path / "image.png", np.zeros((4, 4, 3)))
    damage("bomb", path)
    assert path.stat().st_size < 1000
    words = "The file cannot be read as an image (Image size (2500000000 pixels) exceeds limit"
    ask.make("image", path.read_bytes()).assert_refused(422, words)


def test_an_image_of_too_many_pixels_is_refused(ask):
    for width, status in ((5000, 200), (5001, 413)):
        draft = io.BytesIO()
        Image.new("1", (width, 5000)).save(draft, "PNG")
        answer = ask.make("image", draft.getvalue())
        assert answer.status == status
    answer.assert_refused(
        413, "The image is of 5001x5000 pixels, more than 25,000,000 in all; make it"
    )


def sent_in_part(shown, header, body):
    """The answer to a request whose body has not come to its end."""
    address = urlsplit(shown)
    head = ["POST /make?what=image&scale=working HTTP/1.1", f"host: {address.netloc}", header]
    with socket.create_connection((address.hostname, address.port), 60) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return connection.recv(100)


def test_a_body_that_is_said_to_be_too_large_is_refused_unread(shown):
    answer = sent_in_part(shown, f"content-length: {images.MOST_BYTES + 1}", b"")
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_say_its_size_is_read_so_far_only(shown, monkeypatch):
    monkeypatch.setattr("i2i_keras.show.app.MOST_BYTES", 1 << 20)
    body = b"100001\r\n" + bytes((1 << 20) + 1)  # A chunk without its end.
    answer = sent_in_part(shown, "transfer-encoding: chunked", body)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::1]", ""]
)
@pytest.mark.parametrize("path", ["/", "/page.js", "/make?what=image&scale=working"])
def test_a_name_that_is_not_this_machines_is_refused(ask, path, host):
    """As a site's that lets its name mean 127.0.0.1: DNS rebinding."""
    method = "POST" if path.startswith("/make") else "GET"
    ask(path, method, host=host).assert_refused(403, "The address is not that of this page")


def test_this_machine_may_be_called_localhost_and_its_port_forwarded(ask):
    assert ask("/", host="localhost:9999").status == 200
    body = b"no image"
    own = {"host": "localhost:9999", "origin": "http://localhost:9999"}
    assert ask("/make?what=image&scale=working", "POST", body, **own).status == 422


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1", ""]
)
def test_what_a_page_of_another_origin_sends_is_refused(ask, named, origin):
    path = f"/make?what=image&scale=working&record={named}"
    ask(path, "POST", origin=origin).assert_refused(403, "Another page has sent this")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_link_here_but_neither_embed_nor_ask(ask, site):
    for goal in ("image", "iframe", "script", "empty"):
        ask("/", sec_fetch_site=site, sec_fetch_dest=goal).assert_refused(403, "Another page")
    assert ask("/", sec_fetch_site=site, sec_fetch_dest="document").status == 200


def test_browsers_are_told_to_let_the_page_reach_nothing_but_itself(ask):
    for path in ("/", "/page.js", "/nothing"):
        headers = ask(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy and "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "../settings.json",
        "target-test/../target-test.csv",
        "target-test/00000/../../../settings.json",
        "/etc/passwd",
        "target-test//etc/passwd",
        "target-train/00001",
        "target-test/\0",
    ],
)
def test_an_image_that_is_not_listed_is_no_image(ask, name):
    ask.make("image", record=name).assert_refused(404, "No image")


def test_the_whole_path_of_a_listed_image_is_no_name_of_it(ask, named, record):
    assert ask.make("image", record=named).status == 200
    assert ask.make("image", record=str(record.image)).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../settings.json",
        "/%2e%2e/settings.json",
        "/page.html",
        "/app.py",
        "/page.css/../app.py",
        "//etc/passwd",
        quote("/page.css\0"),
    ],
)
def test_nothing_but_the_page_is_served(ask, path):
    ask(path).assert_refused(404, "There is nothing at this address")


def test_a_network_or_a_scale_that_is_none_is_refused(ask, named):
    ask.make("segment/../oracle", record=named).assert_refused(404, "No network")
    ask.make("image", record=named, scale="huge").assert_refused(400, "No scale 'huge'; there are")


def test_pictures_are_made_by_post_alone(ask):
    assert ask("/make?what=image&scale=working").status == 405
