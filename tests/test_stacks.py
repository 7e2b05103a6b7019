"""Both stacks read what the other one wrote.

I2I_OTHER_PYTHON is the Python of an environment with the other stack.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OTHER = os.environ.get("I2I_OTHER_PYTHON", "")
HERE = Path(__file__).parent
PYTHONS = {"this": sys.executable, "other": OTHER}
pytestmark = pytest.mark.skipif(not OTHER, reason="I2I_OTHER_PYTHON is not set")
BOTH_WAYS = pytest.mark.parametrize(("one", "two"), [("this", "other"), ("other", "this")])


def call(python, *words):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "TQDM_DISABLE": "1"}
    result = subprocess.run(
        [python, *map(str, words)], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def command(python, *words):
    return call(python, "-m", "i2i_keras", *words)


def major(python):
    return call(python, "-c", "import keras; print(keras.__version__[0])").strip()


def test_they_are_two():
    assert {major(python) for python in PYTHONS.values()} == {"2", "3"}


@BOTH_WAYS
def test_every_network_is_the_same_with_the_others_weights(one, two, tmp_path):
    call(PYTHONS[one], HERE / "exchange.py", "write", tmp_path)
    differences = json.loads(call(PYTHONS[two], HERE / "exchange.py", "read", tmp_path))
    assert len(differences) == 15
    assert {name: d for name, d in differences.items() if d > 1e-5} == {}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each, whole."""
    root = tmp_path_factory.mktemp("runs")
    for name, python in PYTHONS.items():
        command(python, "run", "--preset", HERE / "tiny.toml", "--run", root / name)
    return root


@BOTH_WAYS
def test_a_run_of_one_is_evaluated_reported_and_used_by_the_other(one, two, runs, tmp_path):
    run, python = tmp_path / "run", PYTHONS[two]
    shutil.copytree(runs / one, run)
    before = json.loads((run / "evaluate" / "summary.json").read_text("utf-8"))["arms"]
    shutil.rmtree(run / "evaluate")
    shutil.rmtree(run / "report")
    command(python, "evaluate", "--run", run)
    after = json.loads((run / "evaluate" / "summary.json").read_text("utf-8"))["arms"]
    assert before.keys() == after.keys()
    for arm in before:
        assert before[arm]["mean_iou"] == pytest.approx(after[arm]["mean_iou"], abs=0.01)
    command(python, "report", "--run", run)
    assert (run / "report" / "index.html").is_file()
    out = tmp_path / "translator.tflite"
    command(python, "export", "--run", run, "--format", "tflite", "--out", out)
    assert out.stat().st_size > 1000
    images = run / "prepare" / "images" / "target-test"
    images = images if images.is_dir() else next(run.rglob("*.png")).parent
    command(python, "segment", "--run", run, "--images", images, "--out", tmp_path / "segmented")
    assert [*(tmp_path / "segmented" / "classes").rglob("*.png")]


@BOTH_WAYS
def test_a_training_that_one_has_begun_the_other_does_not_go_on_with(one, two, runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(runs / one, run)
    folder = run / "train-segmenter" / "source_only"
    (folder / "done.json").unlink()
    # The plan refuses it already.
    for words in (["train-segmenter"], ["run", "--dry-run"]):
        result = subprocess.run(
            [PYTHONS[two], "-m", "i2i_keras", *words, "--run", run],
            capture_output=True,
            text=True,
        )
        assert result.returncode == 1
        assert "is a checkpoint of Keras" in result.stderr and "Traceback" not in result.stderr
