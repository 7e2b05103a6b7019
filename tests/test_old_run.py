"""A run of an earlier version is still read, gone on with and used.

`old_run.zip` is what version 0.1.0 left of tests/tiny.toml with eight arms,
at commit 4b59534; its raw data and report are left out.
"""

import json
import re
import shutil
import zipfile
from pathlib import Path

import h5py
import pytest
from click.testing import CliRunner

from i2i_keras import stack
from i2i_keras.cli import main

ZIP = Path(__file__).with_name("old_run.zip")


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """The run, as it was left."""
    root = tmp_path_factory.mktemp("old") / "run"
    with zipfile.ZipFile(ZIP) as file:
        file.extractall(root)
    return root


@pytest.fixture
def run(old, tmp_path):
    """A copy to work in."""
    return Path(shutil.copytree(old, tmp_path / "run"))


def call(*words):
    """What a command prints, progress apart; it has to end well."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_all_of_it_is_done_and_says_the_same(run):
    path = run / "scores" / "summary.json"
    before = json.loads(path.read_text("utf-8"))
    told = call("run", "--run", run)
    again = [line for line in told.splitlines() if re.match(r"(train|translate).* done in ", line)]
    assert again == []
    after = json.loads(path.read_text("utf-8"))
    assert after.pop("pairs")  # A summary had none then.
    assert after == before
    assert len(after["arms"]) == 8
    page = (run / "report" / "index.html").read_text("utf-8")
    assert all(arm in page for arm in after["arms"])


def test_a_stage_that_is_gone_is_made_again_with_equal_numbers(run):
    scores = run / "scores" / "mixed-fourier"
    before = json.loads((scores / "done.json").read_text("utf-8"))["results"]
    shutil.rmtree(scores)
    call("evaluate", "--run", run)
    after = json.loads((scores / "done.json").read_text("utf-8"))["results"]
    assert after == pytest.approx(before, rel=1e-5)


KERAS_2 = pytest.mark.skipif(stack.KERAS != 2, reason="its checkpoints are of Keras 2")


@KERAS_2
def test_its_networks_and_checkpoints_are_used(run, tmp_path):
    images = run / "records" / "target-test" / "images"
    for arm in ("self_training", "adabn", "label_safe:fourier"):
        call("segment", "--run", run, "--arm", arm, "--images", images, "--out", tmp_path / arm)
    where = ("--images", images, "--out", tmp_path / "at-2")
    call("segment", "--run", run, "--arm", "oracle", "--step", 2, *where)
    for method, step in (("fourier", ()), ("cyclegan", ("--step", 1))):
        where = ("--images", images, "--out", tmp_path / method)
        call("translate", "--run", run, "--method", method, *step, *where)
        assert [*(tmp_path / method).glob("*.png")]


@KERAS_2
def test_a_training_goes_on_from_its_checkpoint(run):
    for place in ("segmenter/oracle", "scores/oracle"):
        done = run / place / "done.json"
        facts = json.loads(done.read_text("utf-8"))
        begun = {name: facts[name] for name in ("settings", "inputs", "seconds")}
        done.with_name("begun.json").write_text(json.dumps(begun), "utf-8")
        done.unlink()
    weights = run / "segmenter" / "oracle" / "unet.weights.h5"
    before = shapes(weights)
    assert "goes on from step 2" in call("run", "--run", run, "--dry-run")
    call("train-segmenter", "--run", run, "--arm", "oracle")
    assert shapes(weights) == before


def shapes(path):
    """Of all that a file of weights holds."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: getattr(item, "shape", None)}))
    return found


def test_a_new_arm_is_added_to_it(run):
    told = call("train-segmenter", "--run", run, "--arm", "adabn:cyclegan")
    assert re.search(r"^train-segmenter adabn:cyclegan: done in", told, re.MULTILINE)


def test_every_command_on_it_says_once_that_its_folders_are_old(run, tmp_path):
    images = run / "records" / "target-test" / "images"
    for words in (
        ["run", "--dry-run"],
        ["evaluate"],
        ["report"],
        ["translate", "--method", "color", "--images", images, "--out", tmp_path / "out"],
    ):
        result = CliRunner().invoke(main, [*map(str, words), "--run", str(run)])
        assert result.stderr.count("has the folders of an earlier version") == 1, result.output
        assert "earlier version" not in result.stdout
    new = {"prepare", "train-translator", "translate", "train-segmenter", "evaluate"}
    assert not new & {path.name for path in run.iterdir()}
