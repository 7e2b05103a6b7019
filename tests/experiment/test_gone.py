"""A run whose raw data are gone goes on from its records, and says so once."""

import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main

CHANGES = ('translators=["color"]', "evaluate.num_quality_images=2", "prepare.workers=1")


@pytest.fixture
def command(tmp_path):
    """Calls a command on a run of two folders."""
    for number, role in enumerate(("source", "target")):
        (tmp_path / role).mkdir()
        for image in range(4):
            pixels = np.random.default_rng([number, image]).integers(0, 256, (32, 48, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / role / f"{image}.png")

    def call(name, *more, preset="translation"):
        words = [name, "--preset", preset, "--run", tmp_path / "run", *more]
        words += [word for role in ("source", "target") for word in (f"--{role}", tmp_path / role)]
        words += [f"--set={change}" for change in CHANGES]
        result = CliRunner().invoke(main, [str(word) for word in words])
        return result.exit_code, result.output

    return call


@pytest.mark.parametrize("way", ["both folders", "one folder", "the files"])
def test_it_goes_on_and_says_so_once(command, tmp_path, way):
    code, output = command("prepare")
    assert code == 0 and "no images any more" not in output
    shutil.rmtree(tmp_path / "source")
    if way == "both folders":
        shutil.rmtree(tmp_path / "target")
    if way == "the files":
        (tmp_path / "source" / "train").mkdir(parents=True)
    told = f"{tmp_path}/source"
    if way == "both folders":
        told += f" and {tmp_path}/target"
    told += ": no images any more; the run goes on from its records."
    for words in (["run", "--dry-run"], ["run"], ["prepare"]):
        code, output = command(*words)
        assert code == 0, output
        assert output.count(told) == 1
    assert (tmp_path / "run" / "report" / "index.html").is_file()
    assert len([*(tmp_path / "run" / "translate").rglob("*.png")]) >= 4


def test_what_was_never_prepared_is_refused(command, tmp_path):
    shutil.rmtree(tmp_path / "source")
    code, output = command("run", "--dry-run")
    assert code == 1 and "source is not a folder" in output


def test_a_preset_that_could_draw_streets_does_not_look_for_files_in_vain(command, tmp_path):
    more = [f"--set={role}.format=folder" for role in ("source", "target")]
    more += ["--set=arms=[]"]
    assert command("prepare", *more, preset="demo")[0] == 0
    shutil.rmtree(tmp_path / "source"), shutil.rmtree(tmp_path / "target")
    code, output = command("prepare", *more, preset="demo")
    assert code == 0, output
    assert output.count("no images any more; the run goes on from its records.") == 1


def test_records_of_which_a_part_is_gone_are_refused_in_the_plan_already(command, tmp_path):
    assert command("prepare")[0] == 0
    (tmp_path / "source" / "0.png").unlink()
    for words in (["run", "--dry-run"], ["run"]):
        code, output = command(*words)
        assert code == 1
        assert "prepare was made before its source files changed; use another --run" in output
        assert "plan" not in output  # It would say that this is done.
