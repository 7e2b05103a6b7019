"""`config`: all settings of presets and runs, and what differs between two."""

import json

import pytest
from click.testing import CliRunner

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.experiment import listing, run_settings
from i2i_keras.experiment.settings import Settings
from i2i_keras.report.terminal import Terminal
from i2i_keras.run_folder.run import Run

PRESETS = config.names_in("presets")


def call(*words, code=0):
    result = CliRunner().invoke(main, ["config", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output if code else result.stdout


@pytest.fixture
def run(tmp_path):
    """A run directory that keeps settings."""
    table = config.read("demo", ["segmenter.steps=7"])
    made = Run(tmp_path / "a run")
    run_settings.keep(made, "demo", config.build(Settings, table))
    return made


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_printed_is_a_preset_with_the_same_settings(preset):
    wanted = config.build(Settings, config.read(preset))
    assert config.build(Settings, config.tomllib.loads(call("--preset", preset))) == wanted


def test_each_setting_stands_below_its_meaning_and_its_default():
    told = call("--preset", "demo")
    meaning = "# length of the training, in updates of the generators"
    assert f"{meaning}; overrides `epochs`  (default: unset)\ntranslator.cut.steps = 1800" in told
    assert "# of everything random\nseed = 0\n" in told
    assert "# evaluate.window is unset" in told


def test_changed_leaves_out_the_defaults():
    told = config.tomllib.loads(call("--preset", "translation", "--changed"))
    wanted = config.read("translation")["translator"]
    assert wanted["cyclegan"]["pipeline"].pop("batch_size") == 1  # The default.
    assert told["translator"] == wanted
    assert "seed" not in told and "segmenter" not in told


def test_set_changes_what_is_shown():
    assert "\nseed = 3\n" in call("--set", "seed=3")


def test_json_has_value_default_type_and_meaning():
    [steps] = [
        row
        for row in json.loads(call("--preset", "demo", "--json"))["settings"]
        if row["name"] == "segmenter.steps"
    ]
    assert steps["value"] == 500 and steps["default"] is None
    assert steps["type"] == "whole number, 1 or more or unset" and steps["meaning"]


def test_a_run_shows_its_own_settings(run):
    assert "\nsegmenter.steps = 7\n" in call("--run", run.root)


def test_diff_tells_what_differs_from_a_preset_a_file_and_a_run(run, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('arms = ["source_only"]\n[segmenter]\nsteps = 9\n')
    for other, value in ((run.root, 7), (file, 9)):
        found = json.loads(call("--preset", "demo", "--diff", other, "--json"))
        rows = {row["name"]: row for row in found["differences"]}
        row = rows["segmenter.steps"]
        assert (row["here"], row["other"]) == (500, value)
        assert row["meaning"]
        assert other != run.root or [*rows] == ["segmenter.steps"]
    told = call("--run", run.root, "--diff", "demo")
    assert [*told.splitlines()[1].split()[:3]] == ["segmenter.steps", "7", "500"]
    assert "the same settings" in call("--preset", "demo", "--diff", "demo")


def test_a_narrow_terminal_is_enough():
    listed = listing.settings_of(Settings())
    text = listing.to_toml(listed, Terminal(50))
    comments = [line for line in text.splitlines() if line.startswith("# ")]
    assert max(len(line) for line in comments if " is unset" not in line) <= 50
    assert config.build(Settings, config.tomllib.loads(text)) == Settings()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--preset", "dmo"], "Did you mean 'demo'?"),
        (["--preset", "demo", "--diff", "dmo"], "Did you mean 'demo'?"),
        (["--preset", "demo", "--set", "sed=1"], "Did you mean 'seed'?"),
        (["--preset", "demo", "--run", "."], "give one"),
        (["--diff", "demo", "--changed"], "--changed"),
    ],
)
def test_what_is_wrong_is_said(words, told):
    assert told in call(*words, code=2)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    assert "keeps no settings" in call("--run", tmp_path, code=1)
    assert "keeps no settings" in call("--diff", tmp_path, code=1)
