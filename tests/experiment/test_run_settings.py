"""A run knows its settings: what is kept, and what is said of differences."""

import itertools
import json
import os
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.datasets.spaces import find_space
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


DESCRIPTION = """title = "Toy"
images = "{name}.png"
labels = "labels/{name}.png"
classes = [
    { name = "lane", number = 3, cityscapes = "road" },
    { name = "kite", number = 0, cityscapes = "sky" },
]
[lists.mine]
train = ["lists/train.txt"]
test = ["c"]
[label_space]
name = "toys"
classes = [
    { name = "down", color = [0, 0, 0], own = ["lane"], cityscapes = ["road"] },
    { name = "up", color = [9, 9, 9], own = ["kite"], cityscapes = ["sky"] },
]
"""


@pytest.fixture
def described(tmp_path, monkeypatch):
    """Files of two data sets, and the file that describes both."""
    monkeypatch.chdir(tmp_path)
    for number, (root, name) in enumerate(itertools.product(("toy", "other_toy"), "abc")):
        (tmp_path / root / "labels").mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{root}/{name}.png")
        label = np.repeat(np.array([0, 3], np.uint8), 32).reshape(8, 8)
        Image.fromarray(label).save(tmp_path / f"{root}/labels/{name}.png")
    (tmp_path / "mine/lists").mkdir(parents=True)
    (tmp_path / "mine/toy.toml").write_text(DESCRIPTION, "utf-8")
    (tmp_path / "mine/lists/train.txt").write_text("a\nb\n", "utf-8")
    return ["source.format=mine/toy.toml", "source.root=toy"]


def test_a_run_has_its_own_copy_of_a_description_and_its_lists(described, tmp_path):
    given = settings(*described, "prepare.label_space=mine/toy.toml")
    before = given.source.facts(), given.prepare.facts()["label_space"]
    run = Run(tmp_path / "run")
    run_settings.keep(run, "mine", given)
    assert str(tmp_path) not in run.settings.read_text("utf-8")
    shutil.rmtree(tmp_path / "mine")
    found = reread(run)
    assert (found.source.facts(), found.prepare.facts()["label_space"]) == before
    assert find_space(found.prepare.label_space).name == "toys"
    names = {
        split: [r.name for r in rs] for split, rs in found.source.find(tmp_path / "toy").items()
    }
    assert names == {"train": ["a", "b"], "val": [], "test": ["c"]}
    run_settings.keep(run, "mine", found)  # Once more, from its own copies.
    assert reread(run) == found


def test_two_descriptions_of_a_run_may_have_lists_of_one_name(described, tmp_path):
    shutil.copytree(tmp_path / "mine", tmp_path / "other")
    (tmp_path / "other/lists/train.txt").write_text("b\n", "utf-8")
    given = settings(*described, "target.format=other/toy.toml", "target.split=mine")
    run_settings.keep(Run(tmp_path / "run"), "mine", given)
    found = reread(Run(tmp_path / "run"))
    counts = [len(d.find(tmp_path / "toy")["train"]) for d in (found.source, found.target)]
    assert counts == [2, 1]


def test_a_description_in_another_place_is_no_difference_but_another_list_is(described, tmp_path):
    shutil.copytree(tmp_path / "mine", tmp_path / "other")
    here = settings(*described)
    there = settings("source.format=other/toy.toml", "source.root=toy")
    assert not run_settings.differences(here, there)
    (tmp_path / "other/lists/train.txt").write_text("b\n", "utf-8")
    (found,) = run_settings.differences(here, there)
    assert found.name == "source.format"


def test_a_run_goes_on_with_a_description_that_is_gone(described, tmp_path, invoke):
    both = [*described, "target.format=mine/toy.toml", "target.root=other_toy"]
    words = [f"--set={word}" for word in (*both, "prepare.workers=1")]
    begun = invoke("prepare", "--preset", "demo", "--run", "run", *words)
    assert begun.exit_code == 0, begun.output
    shutil.rmtree(tmp_path / "mine")
    again = invoke("prepare", "--run", "run")
    assert again.exit_code == 0, again.output
    assert "was done before" in again.output


def test_differences_name_both_values():
    found = run_settings.differences(settings(), settings("seed=1", "segmenter.steps=7"))
    assert [str(difference) for difference in found] == [
        "seed = 0 in the run, 1 here",
        "segmenter.steps = 600 in the run, 7 here",
    ]
    assert not any(difference.is_free for difference in found)


@pytest.mark.parametrize(
    "override",
    [
        'arms=["oracle"]',
        "evaluate.num_pictures=1",
        "prepare.workers=3",
        "seeds=[1, 2]",
        'segmenter.on_nan="rollback"',
    ],
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
