"""What CONTRIBUTING.md shows, done by the letter in a copy of the package."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import read_label
from i2i_keras.datasets import streets
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.run_folder import files

ROOT = Path(__file__).parents[1]
SECTION = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("\n## One more of a kind")[2]
# What goes into which file: a new one, or one that has the block's opening.
BLOCKS = re.findall(r"`(\S+\.(?:py|toml))`[^`]*```(?:python|toml)\n(.*?)```", SECTION, re.DOTALL)
COMMAND = re.search(r"```sh\n(.*?)```", SECTION, re.DOTALL)[1].replace("\\\n", "")
IDS = {7: 3, 11: 77}  # Road and building; all else is a kite.


def put(path, block):
    """Writes a new file, or an entry and what is above it into an old one."""
    if not path.exists():
        path.write_text(block, "utf-8")
        return
    *_, opening = re.findall(r"^\S.*[({]\n", block, re.MULTILINE)
    above, entry = block.split(opening)
    text = path.read_text("utf-8")
    assert text.count(opening) == 1
    if above.startswith("from i2i_keras"):
        text, above = text.replace("from i2i_keras", f"{above}from i2i_keras", 1), ""
    path.write_text(text.replace(opening, above + opening + entry), "utf-8")


def draw(root):
    """Streets in the layout of the data set, with its numbers."""
    for number, split in enumerate(["train"] * 4 + ["val", "test", "test"]):
        image, label = streets.draw_street("game", (64, 128), number)
        (root / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(root / split / f"{number}.jpg", quality=95)
        own = np.vectorize(lambda value: IDS.get(value, 0), otypes=[np.uint8])(label)
        Image.fromarray(own).save(root / split / f"{number}_classes.png")


@pytest.fixture(scope="module")
def done(tmp_path_factory, tiny_experiment, tiny_preset):
    """The experiment of the command, and what this said."""
    folder = tmp_path_factory.mktemp("stranger")
    shutil.copytree(ROOT / "i2i_keras", folder / "i2i_keras")
    for place, block in BLOCKS:
        put(folder / place, block)
    draw(folder / "toy")

    words = [str(tiny_preset) if word == "demo" else word for word in shlex.split(COMMAND)]
    program = Path(sys.executable).with_name(Path(words[0]).name)
    process = subprocess.run(
        [program, *words[1:], "--run", "run"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    experiment = tiny_experiment(folder / "run")
    experiment.output = process.stdout
    return experiment


def test_each_is_one_file_and_its_line(done):
    new = [place for place, _ in BLOCKS if not (ROOT / place).exists()]
    assert [Path(place).name for place in new] == ["gamma.py", "toy.toml"]
    assert len(BLOCKS) == 5


def median(records):
    return np.median([np.asarray(Image.open(record.image)) for record in records])


def test_no_example_has_more_than_twenty_two_lines():
    assert max(len(block.splitlines()) for _, block in BLOCKS) <= 22


def test_the_new_translator_is_an_arm_scored_and_in_the_report(done):
    [arm] = re.findall(r"adapted:\w+", COMMAND)
    summary = files.read_json(done.root / "evaluate" / "summary.json")
    assert summary["arms"][arm]["gain_ci95"]
    assert arm in done.output
    text = (done.root / "report" / "report.md").read_text("utf-8")
    assert "figures/translations-gamma.png" in text


def test_it_does_what_is_promised(done):
    source, target = (done.records(f"prepare/{domain}-train") for domain in ("source", "target"))
    new = done.records("translate/gamma/source-train")
    assert abs(median(source) - median(target)) > 10
    assert median(new) == pytest.approx(median(target), abs=1)  # Rounded to gray levels.


def test_it_has_the_setting_that_the_command_gives_it(done):
    [given] = re.findall(r"translator\.gamma\.num_images=(\d+)", COMMAND)
    settings = files.read_json(done.root / "train-translator" / "gamma" / "done.json")["settings"]
    assert settings["num_images"] == int(given)


def test_the_new_data_set_is_read_by_its_own_numbers(done):
    names = LABEL_SPACES["cityscapes19"].names
    wanted = {names.index("road"), names.index("building"), 255}
    found = {*np.unique([read_label(r.label) for r in done.records("prepare/target-train")])}
    assert found == wanted


def test_the_new_arm_is_trained_on_half_and_says_so(done):
    results = [
        files.read_json(done.root / "train-segmenter" / arm / "done.json")["settings"]
        for arm in ("half", "source_only")
    ]
    assert results[0] == results[1]
    weights = [
        (done.root / "train-segmenter" / arm / "unet.weights.h5") for arm in ("half", "oracle")
    ]
    assert all(path.is_file() for path in weights)
    text = (done.root / "report" / "report.md").read_text("utf-8")
    assert "half: trained on half of the source; no target label was used." in text


def test_the_new_score_is_in_the_files_and_in_the_report(done):
    facts = files.read_json(done.root / "evaluate" / "oracle.json")
    worst = min(value for value in facts["iou"].values() if value is not None)
    assert facts["worst_iou"] == pytest.approx(worst)
    assert "Worst class %" in (done.root / "report" / "report.md").read_text("utf-8")
