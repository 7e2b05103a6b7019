"""Trainings killed at any instant end as if nothing had been."""

import random
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

TRAIN = """
import os, sys
from pathlib import Path
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
tf.config.experimental.enable_op_determinism()
from i2i_keras import config
from i2i_keras.data.records import Record
data, folder = Path(sys.argv[1]), Path(sys.argv[2])
paths = [sorted((data / name).glob("*.png")) for name in ("x", "y", "label")]
"""
# All that has a state of its own: pools, averages, a plateau, dropout's masks,
# noise that fades; and checkpoints within a row of the history.
TRANSLATOR = (
    TRAIN
    + """
from i2i_keras.translators import TRANSLATORS
method = TRANSLATORS["cyclegan"]
small = {"filters": 2, "num_downsamplings": 1}
method.fit(config.build(method.config, {
    "generator": {**small, "num_residual_blocks": 0, "outer_kernel": 3},
    "discriminator": {**small, "dropout": 0.2, "spectral_norm": True},
    "pipeline": {"batch_size": 1, "crop": [16, 16]},
    "pool_size": 3, "ema": 0.9, "schedule": "plateau", "patience": 1, "instance_noise": 0.1,
    "lambda_identity": 0.0, "num_samples": 1,
    "steps": 60, "checkpoint_every": 10, "checkpoint_minutes": 0.002,
}), *paths[:2], folder, 7)
"""
)
ONE_WAY = (
    TRAIN
    + """
from i2i_keras.translators import TRANSLATORS
method = TRANSLATORS["cut"]
small = {"filters": 2, "num_downsamplings": 1}
method.fit(config.build(method.config, {
    "generator": {**small, "num_residual_blocks": 0, "outer_kernel": 3},
    "discriminator": {**small, "dropout": 0.2, "spectral_norm": True},
    "pipeline": {"batch_size": 1, "crop": [16, 16]},
    "num_patches": 20, "projection": 8, "pool_size": 3, "ema": 0.9, "num_samples": 1,
    "steps": 60, "checkpoint_every": 10, "checkpoint_minutes": 0.002,
}), *paths[:2], folder, 7)
"""
)
SEGMENTER = (
    TRAIN
    + """
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.segmenter_training import Examples, fit
records = [Record(x.stem, x, label) for x, label in zip(paths[0], paths[2])]
fit(config.build(SegmenterConfig, {
    "unet": {"filters": 4, "depth": 1, "l2": 0.01},
    "pipeline": {"batch_size": 2, "crop": [16, 16], "scale": [0.8, 1.5], "jitter": 0.2},
    "schedule": "poly", "weight_decay": 0.01, "dice": 0.5, "label_smoothing": 0.1,
    "class_weighting": "inverse_log", "accumulate": 2, "select": "entropy",
    "steps": 60, "checkpoint_every": 10, "checkpoint_minutes": 0.002,
}), Examples(records, records[:1], paths[1]), 3, folder, 7)
"""
)
# With a teacher besides, and draws of what is pasted.
SELF_TRAINING = SEGMENTER.replace(
    "from i2i_keras.segmenters.segmenter_training import Examples, fit",
    "from i2i_keras.segmenters.segmenter_training import Examples\n"
    "from i2i_keras.segmenters.self_training import fit\n"
    "from i2i_keras.segmenters.self_training_config import SelfTrainingConfig",
).replace("fit(config.build(", "fit(SelfTrainingConfig(threshold=0.4), config.build(")
STEPS = 60


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name, high, channels in (("x", 256, (3,)), ("y", 256, (3,)), ("label", 3, ())):
        (folder / name).mkdir()
        for number in range(3):
            pixels = rng.integers(0, high, (20, 24, *channels), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def start(code, data, folder):
    folder.mkdir(exist_ok=True)
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-c", code, data, folder], stderr=log)


def finish(process, folder):
    assert process.wait(timeout=300) == 0, (folder / "log").read_text()


def newest(folder):
    steps = [int(path.stem.partition("-")[2]) for path in folder.glob("checkpoints/ckpt-*.index")]
    return max(steps, default=0)


def kill_from(process, folder, step, seconds):
    """Kills a training that long after it has reached a step."""
    while newest(folder) < step:
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.002)
    time.sleep(seconds)
    process.kill()
    process.wait()


def arrays(folder):
    """All that is left of a training, by name."""
    found = {"history.csv": (folder / "history.csv").read_bytes()}
    for path in folder.glob("*.weights.h5"):
        with h5py.File(path) as file:
            names = []
            file.visit(names.append)
            datasets = {name: file[name] for name in names if isinstance(file[name], h5py.Dataset)}
            found |= {f"{path.name}:{name}": node[()] for name, node in datasets.items()}
    reader = tf.train.load_checkpoint(str(folder / "checkpoints" / f"ckpt-{STEPS}"))
    for name in reader.get_variable_to_shape_map():
        if not name.startswith("_CHECKPOINTABLE"):
            found[name] = reader.get_tensor(name)
    return found | {p.name: p.read_bytes() for p in (folder / "samples").glob("*.png")}


@pytest.mark.parametrize(
    ("code", "kills"),
    [
        pytest.param(SEGMENTER, 1, id="segmenter", marks=pytest.mark.slow),
        pytest.param(SELF_TRAINING, 1, id="self-training", marks=pytest.mark.slow),
        pytest.param(TRANSLATOR, 1, id="translator"),
        pytest.param(ONE_WAY, 1, id="one-way", marks=pytest.mark.slow),
        pytest.param(TRANSLATOR, 6, id="translator-often", marks=pytest.mark.slow),
        pytest.param(SEGMENTER, 6, id="segmenter-often", marks=pytest.mark.slow),
        pytest.param(SELF_TRAINING, 6, id="self-training-often", marks=pytest.mark.slow),
    ],
)
def test_a_training_killed_at_random_ends_bit_by_bit_the_same(data, tmp_path, code, kills):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = start(code, data, whole)
    instants = sorted(random.randrange(STEPS - 10) for _ in range(kills))
    for step in instants:
        kill_from(start(code, data, killed), killed, step, random.uniform(0.0, 0.05))
    finish(start(code, data, killed), killed)
    finish(uninterrupted, whole)

    one, two = arrays(whole), arrays(killed)
    assert one.keys() == two.keys() and len(one) > 10
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], f"{name}, killed from {instants}")
    rows = one["history.csv"].decode().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["step", "10", "20", "30", "40", "50", "60"]
