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

from i2i_keras.run_folder import files

ROOT = Path(__file__).parents[1]
SECTION = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("\n## A new data set")[2]
# The file, where it goes, where its line goes, that line, and the command.
(PLACE, FILE), (DICT, LINE) = re.findall(r"`(\S+\.py)`[^`]*```python\n(.*?)```", SECTION, re.DOTALL)
COMMAND = re.search(r"```sh\n(.*?)```", SECTION, re.DOTALL)[1].replace("\\\n", "")


@pytest.fixture(scope="module")
def done(tmp_path_factory, tiny_experiment, tiny_preset):
    """The experiment of the command, and what this said."""
    folder = tmp_path_factory.mktemp("stranger")
    shutil.copytree(ROOT / "i2i_keras", folder / "i2i_keras")
    assert not (folder / PLACE).exists()
    (folder / PLACE).write_text(FILE, "utf-8")
    imported, opening, line = LINE.splitlines(keepends=True)
    text = (folder / DICT).read_text("utf-8")
    assert text.count(opening) == 1
    text = text.replace("from i2i_keras", f"{imported}from i2i_keras", 1)
    (folder / DICT).write_text(text.replace(opening, opening + line), "utf-8")

    words = [str(tiny_preset) if word == "demo" else word for word in shlex.split(COMMAND)]
    program = Path(sys.executable).with_name(Path(words[0]).name)
    process = subprocess.run(
        [program, *words[1:], "--run", "run"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    experiment = tiny_experiment(folder / "run")
    experiment.output = process.stdout
    return experiment


def median(records):
    return np.median([np.asarray(Image.open(record.image)) for record in records])


def test_the_example_has_no_more_than_twenty_lines():
    assert len(FILE.splitlines()) <= 20


def test_the_new_translator_is_an_arm_scored_and_in_the_report(done):
    [arm] = re.findall(r"adapted:\w+", COMMAND)
    summary = files.read_json(done.root / "scores" / "summary.json")
    assert summary["arms"][arm]["gain_ci95"]
    assert arm in done.output
    text = (done.root / "report" / "report.md").read_text("utf-8")
    assert "figures/translations-gamma.png" in text


def test_it_does_what_is_promised(done):
    source, target = (done.records(f"records/{domain}-train") for domain in ("source", "target"))
    new = done.records("translated/gamma/source-train")
    assert abs(median(source) - median(target)) > 10
    assert median(new) == pytest.approx(median(target), abs=1)  # Rounded to gray levels.


def test_it_has_the_setting_that_the_command_gives_it(done):
    [given] = re.findall(r"translator\.gamma\.num_images=(\d+)", COMMAND)
    settings = files.read_json(done.root / "translator" / "gamma" / "done.json")["settings"]
    assert settings["num_images"] == int(given)
