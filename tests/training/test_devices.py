"""Several devices, or processes, train as one does with the same batches."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from i2i_keras import config
from i2i_keras.data.pipeline import PipelineConfig, Share, training_batches
from i2i_keras.data.records import Record
from i2i_keras.errors import SettingsError
from i2i_keras.training import devices

TINY = Path(__file__).parents[1] / "tiny.toml"
SCRIPT = Path(__file__).with_name("on_devices.py")
# Of each kind the one whose sums over a batch are the most; all of them take
# minutes.
FEW, TRAININGS = ["cyclegan", "unet"], ["cyclegan", "cut", "unet", "self_training"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name, channels in (("x", (3,)), ("y", (3,)), ("label", ())):
        (folder / name).mkdir()
        for number in range(5):
            pixels = rng.integers(0, 256 if channels else 3, (20, 24, *channels), np.uint8)
            if not channels:  # So that devices count other numbers of pixels.
                pixels[:, : 4 * number] = 255
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def start(words, log, **environment):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    command = [sys.executable, *map(str, words)]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)


def start_workers(words, folder, count=2):
    """One process for each worker, each with its log."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    places = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    found = []
    for number in range(count):
        task = {"type": "worker", "index": number}
        text = json.dumps({"cluster": {"worker": places}, "task": task})
        with (folder / f"log-{number}").open("w") as log:
            found.append(start(words, log, TF_CONFIG=text))
    return found


def finish(process, log):
    assert process.wait(timeout=900) == 0, log.read_text()[-3000:]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """By name the folders of trainings, done side by side."""
    return train_all(tmp_path_factory.mktemp("trained"), data, ["one"], 2, FEW)


def train_all(root, data, strategies, count, trainings):
    """The folders of trainings of a batch for so many devices, and workers."""
    processes = {}
    for name in strategies:
        with (root / f"log-{name}").open("w") as log:
            processes[name] = start([SCRIPT, name, data, root / name, count, *trainings], log)
    words = [SCRIPT, "multiworker", data, root / "workers", count, *trainings]
    workers = start_workers(words, root, count)
    for name, process in [*processes.items(), *enumerate(workers)]:
        finish(process, root / f"log-{name}")
    of_workers = {f"worker {number}": root / "workers" / str(number) for number in range(count)}
    return {**{name: root / name for name in strategies}, **of_workers}


def weights(folder):
    """All weights of a training, by file and place."""
    found = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            found[path.name, name] = item[()]

    for path in folder.glob("*.h5"):
        with h5py.File(path) as file:
            file.visititems(add)
    return found


def losses(folder):
    with (folder / "history.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("training", FEW)
def test_losses_and_weights_are_those_of_one_process(training, trained):
    compare(trained["one"] / training, trained["worker 0"] / training)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_all_trainings_are_those_of_one_process(data, tmp_path, count):
    strategies = ["one", "mirrored"] if count == 2 else ["one"]
    trained = train_all(tmp_path, data, strategies, count, TRAININGS)
    for training in TRAININGS:
        for name in trained:
            compare(trained["one"] / training, trained[name] / training)


def compare(one, several):
    for row, other in zip(losses(one), losses(several), strict=True):
        assert row.keys() == other.keys()
        for column in row:
            # A pixel whose two best classes are level may be either.
            counted = column in ("val_accuracy", "val_class_diversity")
            rel = 1e-2 if counted else 2e-4
            value = pytest.approx(row[column], rel=rel, abs=2e-5, nan_ok=True)
            assert other[column] == value, column
    expected, found = weights(one), weights(several)
    assert expected.keys() == found.keys()
    for place, value in expected.items():
        # Adam makes much of a gradient that is nothing but rounding, such as
        # that of a bias before a norm: at most its rate in each step.
        assert np.abs(found[place] - value).max() < 1e-3, place
        assert np.median(np.abs(found[place] - value)) < 1e-4, place


@pytest.mark.parametrize("training", FEW)
def test_copies_of_the_weights_do_not_drift_apart(training, trained):
    one, two = (weights(trained[f"worker {number}"] / training) for number in (0, 1))
    assert one.keys() == two.keys()
    for place, value in one.items():
        np.testing.assert_array_equal(two[place], value, str(place))


# --- What each device reads -------------------------------------------------


@pytest.mark.parametrize(("count", "parts"), [(2, 1), (3, 1), (2, 3)])
def test_shares_are_the_batch(data, count, parts):
    paths = sorted((data / "x").glob("*.png"))
    records = [Record(path.stem, path, None) for path in paths]
    table = {"batch_size": 6 if parts == 1 else 12, "crop": [16, 16], "jitter": 0.3}
    settings = config.build(PipelineConfig, table)

    def batch(share=None):
        return next(iter(training_batches(settings, records, 3, 2, share)))[0].numpy()

    shares = [batch(Share(count, (device,), parts)) for device in range(count)]
    pieces = [np.split(share, parts) for share in shares]
    together = [piece[part] for part in range(parts) for piece in pieces]
    np.testing.assert_array_equal(np.concatenate(together), batch())


def test_a_process_reads_for_all_of_its_devices(data):
    paths = sorted((data / "x").glob("*.png"))
    records = [Record(path.stem, path, None) for path in paths]
    settings = config.build(PipelineConfig, {"batch_size": 4, "crop": [16, 16]})
    whole = next(iter(training_batches(settings, records, 3)))[0].numpy()
    shared = training_batches(settings, records, 3, 0, Share(4, (2, 3)))
    found = [images.numpy() for (images, _), _ in zip(shared, range(2), strict=False)]
    np.testing.assert_array_equal(np.concatenate(found), whole[2:])


# --- The setting ------------------------------------------------------------


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    class Three:
        num_replicas_in_sync = 3

    monkeypatch.setattr(devices, "_strategy", lambda choice, batch_size: Three())
    told = pytest.raises(SettingsError, match="by 3 devices; give a multiple")
    with told, devices.using("mirrored", 4):
        pass


@pytest.mark.parametrize(("batch_size", "expected"), [(1, 1), (2, 2), (3, 1), (6, 2), (8, 4)])
def test_auto_takes_as_many_gpus_as_divide_a_batch(batch_size, expected, monkeypatch):
    class Gpu:
        device_type = "GPU"

    monkeypatch.setattr(devices.tf.config, "list_logical_devices", lambda kind: [Gpu()] * 4)
    taken = []
    monkeypatch.setattr(devices, "_mirrored", taken.append)
    strategy = devices._strategy("auto", batch_size)
    found = len(taken[0]) if taken else strategy.num_replicas_in_sync
    assert found == expected


def test_several_workers_need_a_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(SettingsError, match="needs TF_CONFIG"), devices.team("multiworker"):
        pass


# --- Workers that wait or end -----------------------------------------------


def test_a_wrong_cluster_and_one_that_waits_end_in_words(run):
    words = ["-m", "i2i_keras", "train-translator", "--run", run / "one"]
    with socket.create_server(("127.0.0.1", 0)) as used:
        place = f"127.0.0.1:{used.getsockname()[1]}"
        text = json.dumps({"cluster": {"worker": [place, place]}, "task": {}})
        with (run / "log-wrong").open("w") as log:
            assert start(words, log, TF_CONFIG=text).wait(timeout=120) == 2
        assert "Error: TF_CONFIG says that this is nobody -1" in (run / "log-wrong").read_text()

    absent, chief = "127.0.0.1:9", "127.0.0.1:0"
    with socket.create_server(("127.0.0.1", 0)) as free:
        chief = f"127.0.0.1:{free.getsockname()[1]}"
    task = {"type": "worker", "index": 0}
    text = json.dumps({"cluster": {"worker": [chief, absent]}, "task": task})
    with (run / "log-alone").open("w") as log:
        process = start(words, log, TF_CONFIG=text)
    end = time.monotonic() + 120
    while "Waiting for the other workers of TF_CONFIG: 127.0.0.1:9" not in (
        told := (run / "log-alone").read_text()
    ):
        assert process.poll() is None and time.monotonic() < end, told
        time.sleep(0.1)
    process.terminate()
    assert process.wait(timeout=60) == -signal.SIGTERM


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A prepared run, and the command that trains its translator."""
    root = tmp_path_factory.mktemp("run")
    table = TINY.read_text().replace("steps = 2", "steps = 12").replace("size = 1,", "size = 2,")
    table = table.replace("every = 1", "every = 4")
    (root / "tiny.toml").write_text(f'arms = []\ntranslators = ["cyclegan"]\n{table}')
    with (root / "log").open("w") as log:
        words = [
            "-m",
            "i2i_keras",
            "prepare",
            "--preset",
            root / "tiny.toml",
            "--run",
            root / "one",
        ]
        finish(start(words, log), root / "log")
    return root


def test_a_killed_worker_ends_all_and_the_same_command_goes_on(run):
    words = ["-m", "i2i_keras", "train-translator", "--run"]
    copies = {name: run / name for name in ("whole", "killed")}
    for name, copy in copies.items():
        subprocess.run(["cp", "-r", run / "one", copy], check=True)
        (run / f"logs-{name}").mkdir()
    whole = start_workers([*words, copies["whole"]], run / "logs-whole")

    chief, worker = start_workers([*words, copies["killed"]], run / "logs-killed")
    folder = copies["killed"] / "train-translator/cyclegan"
    while not [*folder.glob("checkpoints/ckpt-*.index")]:
        assert chief.poll() is None, (run / "logs-killed/log-0").read_text()[-3000:]
        time.sleep(0.1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    killed = time.monotonic()
    assert chief.wait(timeout=120) == 1
    assert time.monotonic() - killed < 60
    told = (run / "logs-killed/log-0").read_text()
    assert "Error: Another worker of TF_CONFIG has ended" in told and "Traceback" not in told
    assert not (folder / "done.json").exists()

    for number, process in enumerate(
        start_workers([*words, copies["killed"]], run / "logs-killed")
    ):
        finish(process, run / f"logs-killed/log-{number}")
    for number, process in enumerate(whole):
        finish(process, run / f"logs-whole/log-{number}")
    other = copies["whole"] / "train-translator/cyclegan"
    assert (folder / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    expected, found = weights(other), weights(folder)
    assert expected and expected.keys() == found.keys()
    for place, value in expected.items():
        np.testing.assert_array_equal(found[place], value, str(place))
