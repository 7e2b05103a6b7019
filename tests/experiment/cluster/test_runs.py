"""Whole runs on clusters: the same bytes as in one process, come what may."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import h5py
import numpy as np
import pytest

from i2i_keras.run_folder.places import PROGRESS

pytest.importorskip("ray", reason="Ray is not installed")

BIN = Path(sys.executable).parent
ARMS = '["source_only", "adabn", "adapted:color", "oracle"]'
CHANGES = (
    *("seeds=[3, 5]", f"arms={ARMS}", "threads_per_operation=1", "segmenter.steps=1"),
    *("evaluate.num_quality_images=2", "evaluate.num_drift_images=0", "evaluate.num_states=0"),
    "resources.translate.shard=2",
)
MARK = "I2I_KERAS_TEST"  # By which the processes of a test are known.


class Started(subprocess.Popen):
    """A program in a session of its own, and what it has said so far."""

    def __init__(self, words, environment, folder):
        self.said = Path(folder) / f"said-{uuid.uuid4().hex}"
        with self.said.open("w") as said:
            super().__init__(
                words, env=environment, stdout=said, stderr=said, start_new_session=True
            )

    def read_until(self, pattern, seconds=240):
        """Waits until it has said that."""
        last = time.monotonic() + seconds
        while not re.search(pattern, self.said.read_text(), re.M):
            assert self.poll() is None and time.monotonic() < last, self.said.read_text()
            time.sleep(0.1)

    def end(self, seconds=240):
        """Waits for its end: its exit code, and all it has said."""
        return self.wait(seconds), self.said.read_text()


class Machine:
    """Starts programs, and knows what is left of them and all they started."""

    def __init__(self, folder):
        self.temporary = folder
        self.mark = uuid.uuid4().hex
        self.environment = {
            **os.environ,
            MARK: self.mark,
            "RAY_TMPDIR": folder,
            "TMPDIR": folder,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": uuid.uuid4().hex,
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def start(self, program, *words):
        return Started([BIN / program, *map(str, words)], self.environment, self.temporary)

    def left(self):
        """Processes with the mark, and what they are."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (path / "environ").read_bytes():
                    found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:  # It has ended, or is another user's.
                continue
        return found

    def is_training(self, node):
        """Whether a training is under way on a node of the cluster."""
        trained = [n for n, words in self.left().items() if words.startswith(b"ray::train-")]
        return any(node.pid in ancestors(number) for number in trained)

    def wait_until_none_is_left(self, seconds=120):
        # Those of Ray that were still beginning wait a minute for each other.
        end = time.monotonic() + seconds
        while left := self.left():
            assert time.monotonic() < end, left
            time.sleep(0.2)


def ancestors(number):
    """Processes that a process descends from."""
    found = []
    with contextlib.suppress(OSError):  # It has ended.
        while number > 1:
            status = Path(f"/proc/{number}/status").read_text()
            number = int(re.search(r"^PPid:\s*(\d+)$", status, re.M)[1])
            found.append(number)
    return found


@pytest.fixture(scope="module")
def machine():
    if not Path("/proc/self/environ").is_file():
        pytest.skip("no list of processes to look at")
    # Not in pytest's folder: names of sockets have to be short.
    folder = tempfile.mkdtemp(prefix="ray")
    found = Machine(folder)
    yield found
    for number in found.left():
        os.kill(number, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def made(root):
    """All that an experiment has computed: scores, counts, weights, images."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix == ".h5":
            found |= {(name, *weight): value for weight, value in weights(path)}
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                found |= {(name, key): arrays[key].tobytes() for key in arrays}
        elif (
            path.name[0] != "."
            and path.is_file()
            and re.search(r"(^|/)(evaluate|translate|train-\w+)/", name)
        ):
            timed = re.search(r"(done|checksums)\.json$|tensorboard|checkpoints", name)
            found |= {} if timed else {(name,): path.read_bytes()}
    return found


def assert_equal(found, expected):
    """Names what differs: the bytes themselves would fill the screen."""
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


def weights(path):
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append((name, item)))
        kept = [(n, item) for n, item in found if isinstance(item, h5py.Dataset)]
        return [((name,), item[()].tobytes()) for name, item in kept]


@pytest.fixture(scope="module")
def plain(tmp_path_factory, tiny_experiment):
    """The experiment in one process, one task after the other."""
    found = tiny_experiment(tmp_path_factory.mktemp("plain") / "run", *CHANGES)
    program = [BIN / "i2i-keras", *words(found)]
    result = subprocess.run(program, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return made(found.root)


def words(experiment, *more, preset=None):
    preset = preset or Path(__file__).parents[2] / "tiny.toml"
    changes = [f"--set={change}" for change in experiment.changes]
    return [str(w) for w in ("run", "--preset", preset, "--run", experiment.root, *changes, *more)]


def test_rows_of_an_ablation_done_side_by_side_are_the_same_to_the_byte(machine, tmp_path):
    rows = tmp_path / "rows.toml"
    rows.write_text('[rows]\nwide = ["translator.fourier.radius=3"]', "utf-8")
    roots, said = [tmp_path / "one", tmp_path / "two"], []
    for root, more in zip(roots, ((), ("--jobs", 2)), strict=True):
        changes = [f"--set={change}" for change in CHANGES if not change.startswith("arms")]
        preset = Path(__file__).parents[2] / "tiny.toml"
        begin = ("ablate", "--rows", rows, "--preset", preset, "--method", "fourier")
        started = machine.start("i2i-keras", *begin, "--out", root, *changes, *more)
        code, told = started.end()
        assert code == 0, told
        said.append(told)
    plain, found = map(made, roots)
    assert_equal(found, plain)
    of_wide = said[1][said[1].index("--- wide ---") :]
    assert "train-segmenter oracle (seed 5): was done before" in of_wide
    assert "train-segmenter adapted:fourier (seed 5): done in" in of_wide


@pytest.fixture
def two_nodes(machine):
    """The address of a cluster, and its second machine's process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = ("--block", "--num-cpus=1", "--object-store-memory=80000000")
    head = machine.start(
        *("ray", "start", "--head", f"--port={port}", "--node-ip-address=127.0.0.1"),
        *("--include-dashboard=false", *common),
    )
    head.read_until("will now block")
    other = machine.start("ray", "start", f"--address=127.0.0.1:{port}", *common)
    other.read_until("will now block")
    yield f"127.0.0.1:{port}", other
    head.terminate()
    head.wait(60)
    other.wait(60)


@pytest.mark.slow  # Ray waits for a machine that is lost: minutes.
def test_with_one_machine_of_two_lost_it_is_the_same_to_the_byte(
    two_nodes, machine, plain, tmp_path, tiny_experiment
):
    address, other = two_nodes
    experiment = tiny_experiment(tmp_path / "run", *CHANGES)
    run = machine.start("i2i-keras", *words(experiment, "--cluster", address))
    while not machine.is_training(other):  # Four trainings wait for nothing.
        assert run.poll() is None, run.said.read_text()
        time.sleep(0.05)
    os.killpg(other.pid, signal.SIGKILL)
    code, told = run.end()
    assert code == 0, told
    assert re.search(r"^.*: its worker on \S+ was lost; again on \S+$", told, re.M), told
    assert re.search(r"^evaluate oracle \(seed 5\): mean IoU [\d.]+ %", told, re.M)
    assert "(raylet)" not in told and "Traceback" not in told
    assert_equal(made(experiment.root), plain)
    # In as many shards as there are machines.
    assert (experiment.root / "seed-3" / "translate" / "color" / ".shard-2").is_file()


LONG = (
    *("threads_per_operation=1", 'arms=["source_only", "adapted:color"]'),
    *("segmenter.steps=100000", "segmenter.checkpoint_every=50000"),
)


def begun(machine, experiment):
    """A run on two workers, one of which is at a training."""
    run = machine.start("i2i-keras", *words(experiment, "--jobs", 2))
    run.read_until("^train-segmenter source_only: begun")
    begin = experiment.root / "train-segmenter" / "source_only" / "begun.json"
    while not begin.is_file():  # Until then it imports TensorFlow.
        assert run.poll() is None
        time.sleep(0.1)
    return run


def reached(root):
    paths = (root / "train-segmenter" / "source_only" / "checkpoints").glob("ckpt-*.index")
    return max((int(path.stem.partition("-")[2]) for path in paths), default=0)


def test_a_run_that_is_stopped_saves_and_nothing_is_left_of_it(machine, tmp_path, tiny_experiment):
    arms = 'arms=["source_only", "oracle"]'  # Both of which train.
    experiment = tiny_experiment(tmp_path / "run", *LONG, arms)
    run = begun(machine, experiment)
    last = time.monotonic() + 240  # The first step is traced before.
    while len([*experiment.root.glob(f"train-segmenter/*/{PROGRESS}")]) < 2:
        assert run.poll() is None and time.monotonic() < last, run.said.read_text()
        time.sleep(0.1)
    run.send_signal(signal.SIGTERM)
    code, told = run.end()
    assert code == 0, told
    assert "Stopped and saved; go on with: " in told and "Traceback" not in told
    assert "(raylet)" not in told  # Of two lost workers it told one at its end.
    assert reached(experiment.root) > 0
    machine.wait_until_none_is_left()
    assert [*Path(machine.temporary).glob("__autograph*")] == []


def workers(machine):
    """Processes that are at the training of source_only."""
    title = b"ray::train-segmenter source_only"
    return [number for number, words in machine.left().items() if words.startswith(title)]


@pytest.mark.slow  # Five workers, one after the other.
def test_a_task_goes_on_with_another_worker_but_not_for_ever(machine, tmp_path, tiny_experiment):
    experiment = tiny_experiment(tmp_path / "run", *LONG)
    run = begun(machine, experiment)
    time.sleep(10)
    [asked] = workers(machine)
    os.kill(asked, signal.SIGTERM)  # As where a machine is drained: it saves.
    run.read_until("source_only: its worker on .* was lost; again on ")
    assert reached(experiment.root) > 0
    gone = {asked}
    while run.poll() is None:
        for number in {*workers(machine)} - gone:
            os.kill(number, signal.SIGKILL)
            gone.add(number)
        time.sleep(0.2)
    code, told = run.end()
    assert code == 1
    assert len(gone) == 4
    sentence = rf"^Error: train-segmenter source_only of {experiment.root} has lost its worker 4 "
    assert re.search(sentence, told, re.M), told
    machine.wait_until_none_is_left()


@pytest.mark.slow  # A minute until a run that was killed has gone.
def test_a_run_that_was_killed_goes_on_and_its_processes_end(machine, tmp_path, tiny_experiment):
    experiment = tiny_experiment(tmp_path / "run", *LONG, "segmenter.checkpoint_minutes=0.01")
    run = begun(machine, experiment)
    while not reached(experiment.root):
        time.sleep(0.1)
    run.kill()
    run.wait()
    machine.wait_until_none_is_left()
    first = reached(experiment.root)
    run = begun(machine, experiment)
    while reached(experiment.root) == first:
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    assert run.end()[0] == 0
    machine.wait_until_none_is_left()


@pytest.mark.slow  # Begins a cluster.
def test_a_broken_file_ends_the_run_with_its_sentence(machine, tmp_path, tiny_experiment, damage):
    experiment = tiny_experiment(tmp_path / "run", *CHANGES)
    assert experiment.command("prepare").exit_code == 0
    image = experiment.records("prepare/source-train")[0].image
    damage("cut", image)
    run = machine.start("i2i-keras", *words(experiment, "--jobs", 2))
    code, told = run.end()
    assert code == 1
    [sentence] = re.findall(r"^Error: .*", told, re.M)
    assert str(image.relative_to(tmp_path)) in sentence
    assert "Traceback" not in told and "was lost" not in told
    machine.wait_until_none_is_left()
