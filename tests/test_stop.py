"""How commands end when they are asked to stop."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# As the program that pip installs, in the environment of the tests.
PROGRAM = Path(sys.executable).with_name("i2i-keras")
WORDS = [
    *("train-translator", "--preset", "my tiny.toml", "--run", "my run", "--set", "seed=3"),
    *("--set", "translator.cyclegan.steps=100000"),
    *("--set", "translator.cyclegan.checkpoint_every=1000"),
]


def start(folder, words, program=(PROGRAM,)):
    # A shell's background job, as CI may be, is born deaf to Ctrl-C.
    return subprocess.Popen(
        [*program, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def step(folder):
    """Steps done by the newest state."""
    paths = (folder / "my run" / "train-translator" / "cyclegan" / "checkpoints").glob(
        "ckpt-*.index"
    )
    return max((int(path.stem.partition("-")[2]) for path in paths), default=0)


def until(process, pattern):
    """Reads the progress bar until it says that."""
    read = ""
    while not re.search(pattern, read):
        read += process.stderr.read(1)
        assert process.poll() is None, read
    return read


def until_beyond(process, step):
    """Reads the progress bar until it shows a later step, and none before."""
    shown = step
    while shown == step:
        read = until(process, r" \d+/100000 ")
        shown = int(re.search(r" (\d+)/100000 ", read).group(1))
    assert shown > step


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, end, tiny_preset):
    folder = tmp_path_factory.mktemp("stop")
    shutil.copy(tiny_preset, folder / "my tiny.toml")
    code, _, err = end(start(folder, ["prepare", *WORDS[1:]]))
    assert code == 0, err
    return folder


def test_a_training_that_is_stopped_saves_and_says_how_to_go_on(prepared, end):
    process = start(prepared, WORDS)
    until_beyond(process, 0)
    process.send_signal(signal.SIGINT)
    code, out, err = end(process)
    assert code == 0, err
    [last] = out.splitlines()
    told, _, command = last.partition(": ")
    assert told == "Stopped and saved; go on with"
    assert "Stopping after this step; once more stops at once." in err
    assert "Traceback" not in err
    reached = step(prepared)
    assert reached > 0
    assert not list(prepared.rglob("train-translator/cyclegan/done.json"))

    words = shlex.split(command)
    assert (Path(words[0]).name, words[1:]) == ("i2i-keras", WORDS)
    process = start(prepared, words[1:])
    until_beyond(process, reached)
    process.send_signal(signal.SIGTERM)
    code, out, err = end(process)
    assert (code, out) == (0, f"{last}\n"), err
    assert step(prepared) > reached


def test_what_was_started_as_a_module_goes_on_as_one(prepared, end):
    module = [sys.executable, "-m", "i2i_keras"]
    process = start(prepared, WORDS, module)
    until(process, r" \d+/100000 ")
    process.send_signal(signal.SIGINT)
    code, out, err = end(process)
    assert code == 0, err
    assert shlex.split(out.partition("go on with: ")[2]) == [*module, *WORDS]


def test_a_second_signal_stops_at_once(prepared, end):
    before = step(prepared)
    process = start(prepared, WORDS)
    until(process, r"/100000 ")
    # Within the first step, which takes TensorFlow seconds to trace.
    process.send_signal(signal.SIGTERM)
    until(process, r"once more stops at once\.")
    process.send_signal(signal.SIGTERM)
    code, out, err = end(process)
    assert (code, out) == (130, ""), err
    assert step(prepared) == before
