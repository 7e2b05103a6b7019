"""A tiny experiment whose translator has no way back, from start to report."""

import pytest
from click.testing import CliRunner

from i2i_keras import runs
from i2i_keras.cli import main
from i2i_keras.data.records import read_records

PRESET = """
arms = ["source_only", "adapted:cut", "oracle"]

[streets]
num_train = 4
num_val = 1
num_test = 2
camera_size = [64, 128]
game_size = [64, 128]

[source]
format = "cityscapes"

[target]
format = "gta5"

[prepare]
size = [32, 64]
workers = 1

[translator.cut]
steps = 2
checkpoint_every = 1
num_samples = 1
num_patches = 20
projection = 8
generator = {filters = 2, num_downsamplings = 1, num_residual_blocks = 1, outer_kernel = 3}
discriminator = {filters = 2, num_downsamplings = 1}
pipeline = {batch_size = 2, crop = [16, 16]}

[segmenter]
steps = 2
checkpoint_every = 2
unet = {filters = 2, depth = 1, l2 = 0.0}
pipeline = {batch_size = 2, crop = [16, 16]}

[evaluate]
bootstrap_samples = 20
num_pictures = 1
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Calls a command on the experiment, which is finished."""
    folder = tmp_path_factory.mktemp("one-way")
    (folder / "tiny.toml").write_text(PRESET, "utf-8")

    def call(name, *arguments):
        words = [name, "--preset", folder / "tiny.toml", "--run", folder / "run", *arguments]
        return CliRunner().invoke(main, [str(word) for word in words])

    result = call("run")
    assert result.exit_code == 0, result.output
    call.root = folder / "run"
    return call


def test_the_arm_is_scored_and_the_cycle_error_left_out(command):
    summary = runs.read_json(command.root / "scores" / "summary.json")
    assert summary["arms"]["adapted:cut"]["gain_ci95"]
    scores = runs.read_json(command.root / "scores" / "cut.json")
    assert scores["cycle_error"] is None
    assert [row["step"] for row in scores["drift"]["by_step"]] == [1, 2]


def test_the_report_shows_a_hyphen_the_samples_and_the_curves(command):
    text = (command.root / "report" / "report.md").read_text("utf-8")
    [titles, row] = (
        [cell.strip() for cell in line.split("|")]
        for line in text.splitlines()
        if line.startswith(("| Translator", "| cut "))
    )
    assert dict(zip(titles, row, strict=True))["Cycle error"] == "-"
    assert "*cut at step 000002: source images, their translations" in text
    assert "figures/curves-translator-cut.png" in text


def test_the_source_is_translated_with_its_labels(command):
    sources = read_records(command.root, command.root / "records" / "source-train.csv")
    made = read_records(command.root, command.root / "translated/cut/source-train.csv")
    assert [(r.name, r.label) for r in made] == [(r.name, r.label) for r in sources]


@pytest.mark.parametrize("name", ["translate", "export"])
def test_the_way_back_is_refused(command, name):
    result = command(name, "--method", "cut", "--direction", "yx")
    assert result.exit_code == 2
    assert "cut does not translate yx; for that, train it with source and target" in result.output
    assert not (command.root / "translated" / "cut-yx").exists()


def test_the_generator_is_exported(command):
    result = command("export", "--method", "cut", "--out", command.root / "export")
    assert result.exit_code == 0, result.output
    assert (command.root / "export" / "saved_model.pb").is_file()


def test_a_second_run_skips_all_stages(command):
    output = command("run").output
    assert "train-translator cut: was done before" in output
    assert "translate cut: was done before" in output
