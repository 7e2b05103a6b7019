"""What the page's server answers, and whom it refuses."""

import base64
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace
from urllib.parse import quote, urlencode, urlsplit

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main
from i2i_keras.data.records import read_records
from i2i_keras.errors import SettingsError
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

pytest.importorskip("uvicorn", reason="without the extra show")

from i2i_keras.experiment.translating import TrainedTranslator
from i2i_keras.show import images, server
from i2i_keras.show.networks import Networks

MAKERS = (
    "translate/color/xy",
    "translate/color/yx",
    "translate/cyclegan/xy",
    "translate/cyclegan/yx",
    "segment/adapted:cyclegan",
    "segment/source_only",
)


@pytest.fixture
def ask(shown):
    """Sends a request, as it is; returns status, headers, body and its JSON."""
    return asker(shown)


def asker(address):
    def send(path="/", method="GET", body=None, **headers):
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        is_json = answer.headers["content-type"] == "application/json"
        data = json.loads(content) if is_json else {}
        return SimpleNamespace(status=answer.status, headers=answer.headers, body=content, **data)

    return send


def make(ask, what, body=None, **query):
    query = {"what": what, "scale": "working", **query}
    return ask(f"/make?{urlencode(query)}", "POST", body)


def pixels_of(answer):
    """The pictures of an answer, by their names."""
    assert answer.status == 200, answer.body
    files = {p["name"]: io.BytesIO(base64.b64decode(p["png"])) for p in answer.pictures}
    return {name: np.asarray(Image.open(file)) for name, file in files.items()}


def refused(answer, status, words):
    """In one sentence, in which no place of this machine stands."""
    assert answer.status == status, answer.body
    assert words in answer.error
    assert answer.error.endswith(".")
    assert "Traceback" not in answer.error and "/tmp" not in answer.error


@pytest.fixture
def record(trained_run):
    """The first test image of the target."""
    return read_records(trained_run, trained_run / "prepare" / "target-test.csv")[0]


# --- What is shown ----------------------------------------------------------


def test_the_page_has_all_networks_both_ways_all_test_images_and_all_classes(ask, trained_run):
    page = ask().body.decode()
    for what in MAKERS:
        assert f'data-what="{what}"' in page
    for table in ("target-test", "source-test"):
        for one in read_records(trained_run, trained_run / "prepare" / f"{table}.csv"):
            assert f'value="{table}/{one.name}"' in page
    for row in files.read_json(trained_run / "prepare" / "label_space.json")["classes"]:
        assert row["name"] in page


@pytest.mark.parametrize("what", [what for what in MAKERS if what.startswith("translate")])
def test_a_translation_is_that_of_the_command(ask, trained_run, record, tmp_path, what):
    _, method, direction = what.split("/")
    words = ["translate", "--run", trained_run, "--method", method, "--direction", direction]
    words += ["--images", record.image, "--out", tmp_path]
    result = CliRunner().invoke(main, [*map(str, words)])
    assert result.exit_code == 0, result.output
    [expected] = tmp_path.glob("*.png")
    for scale in ("working", "native"):
        found = pixels_of(make(ask, what, record=f"target-test/{record.name}", scale=scale))
        np.testing.assert_array_equal(found[f"{method}-{direction}.png"], Image.open(expected))


@pytest.mark.parametrize("scale", ["working", "native"])
@pytest.mark.parametrize("arm", ["source_only", "adapted:cyclegan"])
def test_a_segmentation_is_that_of_the_command(ask, trained_run, save, tmp_path, arm, scale):
    """Of an image of another size than those of the training."""
    pixels = np.random.default_rng(0).integers(0, 255, (50, 70, 3))
    image = save(tmp_path / "image.png", pixels)
    words = ["segment", "--run", trained_run, "--arm", arm, "--scale", scale]
    words += ["--images", image, "--out", tmp_path / "out"]
    result = CliRunner().invoke(main, [*map(str, words)])
    assert result.exit_code == 0, result.output
    found = pixels_of(make(ask, f"segment/{arm}", image.read_bytes(), scale=scale))
    assert len(found) == 2
    for kind, folder in (("overlay", "overlays"), ("classes", "classes")):
        expected = Image.open(tmp_path / "out" / folder / "image.png")
        np.testing.assert_array_equal(found[f"{arm.replace(':', '-')}-{kind}.png"], expected)


def test_at_the_working_scale_a_large_image_is_translated_smaller(ask, save, tmp_path):
    data = save(tmp_path / "image.png", np.zeros((64, 160, 3))).read_bytes()
    sizes = {
        scale: pixels_of(make(ask, "translate/cyclegan/xy", data, scale=scale))["cyclegan-xy.png"]
        for scale in ("working", "native")
    }
    assert sizes["working"].shape == (32, 80, 3)  # tiny.toml has a height of 32.
    assert sizes["native"].shape == (64, 160, 3)


def test_a_small_image_is_not_enlarged_to_be_translated(ask, save, tmp_path):
    data = save(tmp_path / "image.png", np.zeros((8, 16, 3))).read_bytes()
    found = pixels_of(make(ask, "translate/cyclegan/xy", data))
    assert found["cyclegan-xy.png"].shape == (8, 16, 3)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_the_image_itself_is_given_back_as_a_png(ask, kind):
    pixels = np.full((5, 7, 3), 204, np.uint8)  # Of the palette of a GIF, too.
    draft = io.BytesIO()
    Image.fromarray(pixels).save(draft, kind)
    np.testing.assert_array_equal(
        pixels_of(make(ask, "image", draft.getvalue()))["image.png"], pixels
    )


def test_an_upload_is_turned_as_its_camera_says(ask):
    draft, exif = io.BytesIO(), Image.Exif()
    exif[274] = 6
    Image.fromarray(np.zeros((4, 9, 3), np.uint8)).save(draft, "JPEG", exif=exif)
    found = pixels_of(make(ask, "image", draft.getvalue()))
    assert found["image.png"].shape == (9, 4, 3)


def test_networks_are_loaded_once_and_when_they_are_asked_for(trained_run, monkeypatch):
    loaded, load = [], TrainedTranslator.load

    def note(trained):
        loaded.append(f"{trained.method}-{trained.direction}")
        return load(trained)

    monkeypatch.setattr(TrainedTranslator, "load", note)
    networks = Networks(Run(trained_run))
    assert loaded == []
    pixels = np.zeros((8, 8, 3), np.uint8)
    for scale in ("working", "native", "working"):
        networks.make("translate/color/xy", pixels, scale)
    assert loaded == ["color-xy"]


def test_the_seed_chooses_one_of_several_trainings(trained_run, tmp_path):
    for seed in (3, 5):
        shutil.copytree(trained_run, tmp_path / f"seed-{seed}")
    run = Run(tmp_path)
    assert Networks(run).run.root.name == "seed-3"
    assert Networks(run, 5).run.root.name == "seed-5"
    with pytest.raises(SettingsError, match="has no training of seed 4; there are 3, 5"):
        Networks(run, 4)


def test_where_there_are_no_test_images_others_are_listed(trained_run, tmp_path):
    run = Run(shutil.copytree(trained_run, tmp_path / "run"))
    run.table(run.records, "target-test").unlink()
    assert [*images.listed_images(run)] == ["target-val", "source-test"]


# --- What is refused --------------------------------------------------------


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
        refused(make(ask, what, path.read_bytes()), 422, words)


def test_a_bomb_is_refused_before_it_is_decoded(ask, save, damage, tmp_path):
    path = save(tmp_path / "image.png", np.zeros((4, 4, 3)))
    damage("bomb", path)
    assert path.stat().st_size < 1000
    words = "The file cannot be read as an image (Image size (2500000000 pixels) exceeds limit"
    refused(make(ask, "image", path.read_bytes()), 422, words)


def test_an_image_of_too_many_pixels_is_refused(ask):
    for width, status in ((5000, 200), (5001, 413)):
        draft = io.BytesIO()
        Image.new("1", (width, 5000)).save(draft, "PNG")
        answer = make(ask, "image", draft.getvalue())
        assert answer.status == status
    refused(answer, 413, "The image is of 5001x5000 pixels, more than 25,000,000 in all; make it")


def test_a_body_that_is_said_to_be_too_large_is_refused_unread(shown):
    """The answer comes though nothing of the body was sent."""
    address = urlsplit(shown)
    with socket.create_connection((address.hostname, address.port), 60) as connection:
        head = [
            "POST /make?what=image&scale=working HTTP/1.1",
            f"host: {address.netloc}",
            f"content-length: {images.MOST_BYTES + 1}",
            "",
            "",
        ]
        connection.sendall("\r\n".join(head).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_say_its_size_is_read_so_far_only(ask, monkeypatch):
    monkeypatch.setattr("i2i_keras.show.app.MOST_BYTES", 1 << 20)
    parts = (bytes(1 << 16) for _ in range(17))
    answer = ask("/make?what=image&scale=working", "POST", parts, transfer_encoding="chunked")
    refused(answer, 413, "The file has more than 1 MB; make the image smaller.")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::1]", ""]
)
@pytest.mark.parametrize("path", ["/", "/page.js", "/make?what=image&scale=working"])
def test_a_name_that_is_not_this_machines_is_refused(ask, path, host):
    """As a site's that lets its name mean 127.0.0.1: DNS rebinding."""
    method = "POST" if path.startswith("/make") else "GET"
    refused(ask(path, method, host=host), 403, "The address is not that of this page")


def test_this_machine_may_be_called_localhost_and_its_port_forwarded(ask):
    assert ask("/", host="localhost:9999").status == 200
    body = b"no image"
    own = {"host": "localhost:9999", "origin": "http://localhost:9999"}
    assert ask("/make?what=image&scale=working", "POST", body, **own).status == 422


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1", ""]
)
def test_what_a_page_of_another_origin_sends_is_refused(ask, record, origin):
    path = f"/make?what=image&scale=working&record=target-test/{record.name}"
    refused(ask(path, "POST", origin=origin), 403, "Another page has sent this")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_link_here_but_neither_embed_nor_ask(ask, site):
    for goal in ("image", "iframe", "script", "empty"):
        refused(ask("/", sec_fetch_site=site, sec_fetch_dest=goal), 403, "Another page")
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
    refused(make(ask, "image", record=name), 404, "No image")


def test_the_whole_path_of_a_listed_image_is_no_name_of_it(ask, record):
    assert make(ask, "image", record=f"target-test/{record.name}").status == 200
    assert make(ask, "image", record=str(record.image)).status == 404


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
    refused(ask(path), 404, "There is nothing at this address")


def test_a_network_or_a_scale_that_is_none_is_refused(ask, record):
    name = f"target-test/{record.name}"
    refused(make(ask, "segment/../oracle", record=name), 404, "No network")
    refused(make(ask, "image", record=name, scale="huge"), 400, "No scale 'huge'; there are")


def test_pictures_are_made_by_post_alone(ask):
    assert ask("/make?what=image&scale=working").status == 405


# --- What goes wrong --------------------------------------------------------


def test_while_one_picture_is_made_another_is_asked_to_wait(ask, record, monkeypatch):
    name, begun, go_on = f"target-test/{record.name}", threading.Event(), threading.Event()

    def wait(*given):
        begun.set()
        go_on.wait(60)
        return {}

    monkeypatch.setattr(Networks, "make", wait)
    first = threading.Thread(
        target=make, args=(ask, "segment/source_only"), kwargs={"record": name}
    )
    first.start()
    assert begun.wait(60)
    refused(make(ask, "image", record=name), 503, "Another picture is being made")
    go_on.set()
    first.join()
    assert make(ask, "image", record=name).status == 200


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("of shapes\nand more"), "Internal error (ValueError: of shapes); this is a"),
        (MemoryError(), "There is not enough memory for an image of this size"),
    ],
)
def test_a_network_that_stumbles_is_told_and_the_next_picture_is_made(
    ask, record, monkeypatch, error, words
):
    name = f"target-test/{record.name}"

    def fail(*given):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Networks, "make", fail)
        refused(make(ask, "segment/source_only", record=name), 500, words)
    assert make(ask, "segment/source_only", record=name).status == 200


def test_a_run_that_another_process_changes_is_left_alone(ask, trained_run, record):
    name = f"target-test/{record.name}"
    with Run(trained_run).locked():
        answer = make(ask, "segment/source_only", record=name)
    assert answer.status == 409
    assert answer.error.startswith("Another process works in ")


def test_weights_that_have_changed_are_refused(trained_run, tmp_path):
    root = shutil.copytree(trained_run, tmp_path / "run")
    [weights] = (root / "train-segmenter" / "source_only").glob("*.weights.h5")
    weights.write_bytes(weights.read_bytes()[:-100])
    with server.listen(0) as listener:
        serving = server.build_server(Networks(Run(root)))
        thread = threading.Thread(target=serving.run, args=([listener],))
        thread.start()
        ask = asker(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        record = read_records(root, root / "prepare" / "target-test.csv")[0]
        answers = [
            make(ask, f"segment/{arm}", record=f"target-test/{record.name}")
            for arm in ("source_only", "adapted:cyclegan")
        ]
        serving.should_exit = True
        thread.join()
    assert [answer.status for answer in answers] == [409, 200]
    assert weights.name in answers[0].error


# --- The command ------------------------------------------------------------


def test_it_listens_to_this_machine_alone():
    with server.listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_it_tells_its_address_opens_it_if_wanted_and_ends_by_ctrl_c(trained_run, tmp_path, end):
    with server.listen(0) as listener:
        port = listener.getsockname()[1]
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part\nmv {opened}.part {opened}\n')
    browser.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "i2i_keras", "show", trained_run, f"--port={port}", "--open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "BROWSER": f"{browser} %s"},
    )
    address = f"http://127.0.0.1:{port}/"
    assert process.stdout.readline() == f"show: {address} (Ctrl-C ends it)\n"
    assert asker(address)().status == 200
    while not opened.exists():
        threading.Event().wait(0.05)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    assert code == 130
    assert "Traceback" not in err
    assert opened.read_text() == address


def refusal(code, *words):
    result = CliRunner().invoke(main, ["show", *map(str, words)])
    assert result.exit_code == code, result.output
    last = result.output.strip().splitlines()[-1]
    assert last.startswith("Error: ") and last.endswith("."), result.output
    return last


def test_a_port_that_is_taken_is_refused(trained_run):
    with server.listen(0) as listener:
        port = listener.getsockname()[1]
        told = refusal(1, trained_run, "--port", port)
    assert f"Port {port} cannot be used (Address already in use); give another --port" in told


def test_a_run_without_networks_has_nothing_to_show(tmp_path):
    assert "holds no trained network; make it with: i2i-keras" in refusal(1, tmp_path)


@pytest.mark.parametrize("module", ["starlette", "uvicorn"])
def test_without_the_extra_its_name_is_told(tmp_path, monkeypatch, module):
    for name in [name for name in sys.modules if name.startswith("i2i_keras.show")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, module, None)
    assert "show needs an extra: pip install 'i2i_keras[show]'." in refusal(2, tmp_path)
