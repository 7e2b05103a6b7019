"""A run knows its settings: what is kept, and what is said of differences."""

import json
import os

import pytest
from click.testing import CliRunner

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.experiment import run_settings
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

MAPPING = 'classes = "cityscapes"\n[values]\nroad = [1]\n'
FEW = [f"--set=streets.num_{split}=1" for split in ("train", "val", "test")]
SMALL = [*FEW, "--set=streets.camera_size=[64, 128]", "--set=streets.game_size=[64, 128]"]


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def settings(*overrides, preset="camvid_to_idd"):
    return config.build(Settings, config.read(preset, overrides))


def reread(run):
    return config.build(Settings, run_settings.read(run).table)


def test_what_is_kept_is_what_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run(tmp_path / "runs" / "mine")
    given = settings("seed=3", "source.root=data/camvid", "evaluate.inception=inception.h5")
    run_settings.keep(run, "camvid_to_idd", given)
    assert run_settings.read(run).preset == "camvid_to_idd"
    assert reread(run) == given


def test_a_run_without_settings_says_so(tmp_path):
    assert run_settings.read(Run(tmp_path)) is None


def test_no_absolute_path_is_kept_and_a_run_can_be_moved_with_its_data(tmp_path, monkeypatch):
    (tmp_path / "here" / "data").mkdir(parents=True)
    (tmp_path / "here" / "mine.toml").write_text(MAPPING, "utf-8")
    monkeypatch.chdir(tmp_path / "here")
    mapping = f"source.mapping={tmp_path}/here/mine.toml"
    given = settings("source.format=folder", f"source.root={tmp_path}/here/data", mapping)
    run_settings.keep(Run(tmp_path / "here" / "run"), "mine", given)
    before = given.source.facts()
    assert str(tmp_path) not in (tmp_path / "here" / "run" / "settings.json").read_text("utf-8")
    (tmp_path / "here").rename(tmp_path / "there")
    os.chdir(tmp_path)
    found = reread(Run(tmp_path / "there" / "run"))
    assert found.source.root == "there/data"
    assert found.source.facts() == before


def test_a_run_has_its_own_copy_of_a_mapping(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(MAPPING, "utf-8")
    given = settings("source.format=folder", "source.mapping=mine.toml")
    before = given.source.facts()
    run = Run(tmp_path / "run")
    run_settings.keep(run, "mine", given)
    (tmp_path / "mine.toml").unlink()
    assert reread(run).source.facts() == before


def test_differences_name_both_values():
    found = run_settings.differences(settings(), settings("seed=1", "segmenter.steps=7"))
    assert [str(difference) for difference in found] == [
        "seed = 0 in the run, 1 here",
        "segmenter.steps = 600 in the run, 7 here",
    ]
    assert not any(difference.is_free for difference in found)


@pytest.mark.parametrize(
    "override", ['arms=["oracle"]', "evaluate.num_pictures=1", "prepare.workers=3", "seeds=[1, 2]"]
)
def test_what_changes_nothing_that_was_made_may_differ(override):
    (*found,) = run_settings.differences(settings(), settings(override))
    assert found and all(difference.is_free for difference in found)


def test_the_same_mapping_in_another_place_is_no_difference(tmp_path):
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text(MAPPING, "utf-8")
    one, two = (
        settings("source.format=folder", f"source.mapping={tmp_path}/{name}.toml")
        for name in ("one", "two")
    )
    assert not run_settings.differences(one, two)


# --- In the shell -----------------------------------------------------------


@pytest.fixture
def begun(invoke, tmp_path):
    """A run of the demo whose streets are drawn."""
    result = invoke("streets", "--preset", "demo", "--run", "mine", *SMALL)
    assert result.exit_code == 0, result.output
    return tmp_path / "mine"


def test_the_run_alone_is_enough(begun, invoke):
    assert "streets: was done before" in invoke("streets", "--run", "mine").output


def test_another_setting_is_shown_before_it_is_refused(begun, invoke):
    result = invoke("streets", "--run", "mine", "--set", "streets.seed=5")
    assert result.exit_code == 1
    told, refused = result.output.splitlines()
    assert told == "Not as in mine: streets.seed = 0 in the run, 5 here."
    assert refused.startswith("Error: mine/raw was made with seed = 0 (now 5);")
    assert (
        json.loads((begun / "settings.json").read_text())["settings"]["streets"].get("seed") is None
    )


def test_a_setting_that_nothing_was_made_with_becomes_the_runs(begun, invoke):
    assert invoke("streets", "--run", "mine", "--set", "segmenter.steps=7").exit_code == 0
    assert reread(Run(begun)).segmenter.steps == 7


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_what_only_reads_takes_no_other_settings(begun, invoke, command):
    result = invoke(command, "--run", "mine", "--set", "seed=1")
    assert result.exit_code == 1
    assert "mine was made with other settings: seed = 0 in the run, 1 here." in result.output


def test_a_run_of_another_preset_is_said_to_be_that(begun, invoke):
    result = invoke("run", "--run", "mine", "--preset", "camvid_to_idd")
    assert result.exit_code == 2
    assert "mine is a run of the preset demo, not of camvid_to_idd; leave out" in result.output


def test_a_new_run_needs_a_preset(invoke, tmp_path):
    result = invoke("run", "--run", "mine")
    assert result.exit_code == 2
    assert "mine does not exist; a new run needs a preset, such as --preset demo." in result.output
    assert not (tmp_path / "mine").exists()


def test_a_run_of_an_earlier_version_is_asked_for_its_preset(begun, invoke):
    (begun / "settings.json").unlink()
    result = invoke("streets", "--run", "mine")
    assert result.exit_code == 2
    assert "mine keeps no settings; say which by --preset, once." in result.output
    assert invoke("streets", "--run", "mine", "--preset", "demo", *SMALL).exit_code == 0
    assert "was done before" in invoke("streets", "--run", "mine").output


@pytest.mark.parametrize(
    "command", ["evaluate", "report", "translate", "export", "train-segmenter"]
)
def test_what_does_not_exist_is_said_not_to_exist(invoke, command, tmp_path):
    result = invoke(command, "--run", "mistyped")
    assert result.exit_code == 1
    assert "mistyped does not exist; " in result.output
    assert not (tmp_path / "mistyped").exists()


def test_what_is_missing_is_named_with_the_command_that_makes_it(begun, invoke):
    for command, todo in (
        ("train-translator", "prepare"),
        ("train-segmenter", "prepare"),
        ("report", "evaluate"),
    ):
        result = invoke(command, "--run", "mine")
        assert result.exit_code == 1
        assert f"; make it with: i2i-keras {todo} --run mine." in result.output


def test_another_format_falls_back_to_its_defaults_and_says_so(invoke, tmp_path):
    for root in ("a", "b"):
        (tmp_path / root).mkdir()
    result = invoke(
        *("run", "--preset", "report", "--source", "a", "--target", "b", "--dry-run"),
        *("--set", "source.format=folder", "--set", "target.format=folder"),
    )
    assert (
        "Note: source.split = 'report' is of cityscapes; folder takes its default," in result.output
    )
    assert "Note: target.split = 'val_as_test' is of gta5; folder" in result.output
    assert "a holds no PNG, JPEG, BMP, TIFF, WebP or GIF" in result.output


def test_a_split_that_was_asked_for_does_not_fall_back(invoke):
    words = ["--set", "source.format=folder", "--set", "source.split=coarse"]
    result = invoke("run", "--preset", "report", *words)
    assert result.exit_code == 2
    assert "folder has no split 'coarse'" in result.output


def test_what_was_trained_decides_which_settings_may_change(tmp_path):
    run = Run(tmp_path)
    names = ("seed", "segmenter.steps", "translator.cut.steps", "translator.cyclegan.steps")
    changes = {name for name in names if run_settings.made_with(run, name)}
    assert changes == set()
    files.write_json(run.translator("cyclegan") / "done.json", {})
    changes = {name for name in names if run_settings.made_with(run, name)}
    assert changes == {"seed", "translator.cyclegan.steps"}
    files.write_json(run.member(3).segmenter("oracle") / "done.json", {})
    changes = {name for name in names if run_settings.made_with(run, name)}
    assert changes == {"seed", "segmenter.steps", "translator.cyclegan.steps"}


def test_a_training_with_another_seed_beside_others_is_refused(begun, invoke):
    files.write_json(Run(begun).segmenter("oracle") / "done.json", {})
    before = (begun / "settings.json").read_bytes()
    result = invoke("train-segmenter", "--run", begun, "--arm", "source_only", "--set", "seed=4")
    assert result.exit_code == 1
    assert "was made with other settings: seed = 0 in the run, 4 here." in result.output
    assert (begun / "settings.json").read_bytes() == before
