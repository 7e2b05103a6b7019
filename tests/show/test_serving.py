"""What goes wrong while the page is served, and the command that does it."""

import contextlib
import http.client
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main
from i2i_keras.run_folder.run import Run
from i2i_keras.show import server
from i2i_keras.show.networks import Networks

# --- What goes wrong -------------------------------------------------------


def test_while_one_picture_is_made_another_is_asked_to_wait(ask, named, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def wait(*given):
        begun.set()
        go_on.wait(60)
        return {}

    monkeypatch.setattr(Networks, "make", wait)
    first = threading.Thread(
        target=ask.make, args=("segment/source_only",), kwargs={"record": named}
    )
    first.start()
    assert begun.wait(60)
    ask.make("image", record=named).assert_refused(503, "Another picture is being made")
    go_on.set()
    first.join()
    assert ask.make("image", record=named).status == 200


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("of shapes\nand more"), "Internal error (ValueError: of shapes); this is a"),
        (MemoryError(), "There is not enough memory for an image of this size"),
    ],
)
def test_a_network_that_stumbles_is_told_and_the_next_picture_is_made(
    ask, named, monkeypatch, error, words
):

    def fail(*given):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Networks, "make", fail)
        ask.make("segment/source_only", record=named).assert_refused(500, words)
    assert ask.make("segment/source_only", record=named).status == 200


def test_a_run_that_another_process_changes_is_left_alone(ask, trained_run, named):
    with Run(trained_run).locked():
        answer = ask.make("segment/source_only", record=named)
    assert answer.status == 409
    assert answer.error.startswith("Another process works in ")


def test_weights_that_have_changed_are_refused(trained_run, tmp_path, show_run, asker, named):
    root = shutil.copytree(trained_run, tmp_path / "run")
    [weights] = (root / "train-segmenter" / "source_only").glob("*.weights.h5")
    weights.write_bytes(weights.read_bytes()[:-100])
    with show_run(root) as address:
        ask = asker(address)
        answers = [
            ask.make(f"segment/{arm}", record=named) for arm in ("source_only", "adapted:cyclegan")
        ]
    assert [answer.status for answer in answers] == [409, 200]
    assert weights.name in answers[0].error


# --- The command -----------------------------------------------------------


def test_it_listens_to_this_machine_alone():
    with server.listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.fixture
def begin(trained_run, asker):
    """Starts the command; returns its process, and what asks its page."""

    def start(*options, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "i2i_keras", "show", trained_run, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        told = process.stdout.readline()
        assert told.startswith("show: http://127.0.0.1:"), told
        assert told.endswith("/ (Ctrl-C ends it)\n")
        return process, asker(told.split()[1])

    return start


def test_it_tells_its_address_opens_it_if_wanted_and_ends_by_ctrl_c(begin, tmp_path, end):
    with server.listen(0) as listener:
        port = listener.getsockname()[1]
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part\nmv {opened}.part {opened}\n')
    browser.chmod(0o755)
    process, ask = begin(f"--port={port}", "--open", BROWSER=f"{browser} %s")
    assert ask.address == f"http://127.0.0.1:{port}/"
    assert ask().status == 200
    while not opened.exists():
        threading.Event().wait(0.05)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    assert code == 130
    assert "Traceback" not in err
    assert opened.read_text() == ask.address


def test_ctrl_c_ends_it_while_a_picture_is_made(begin, end, named):
    process, ask = begin()
    draft = io.BytesIO()
    Image.new("RGB", (4900, 4900)).save(draft, "PNG")

    def keep_busy():
        # Again and again: the first may come while another answer is made.
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                ask.make("translate/cyclegan/xy", draft.getvalue(), scale="native")

    asking = threading.Thread(target=keep_busy)
    asking.start()
    while ask.make("image", record=named).status != 503:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    asking.join()
    assert code == 130
    assert err.strip() == "Stopped."


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
