"""A tiny experiment whose translators are not trained, from start to report."""

import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras import runs
from i2i_keras.cli import main
from i2i_keras.data.records import read_records

PRESET = """
arms = ["source_only", "adapted:color", "adapted:fourier"]

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

[translator.fourier]
beta = 0.02

[segmenter]
steps = 2
checkpoint_every = 2
unet = {filters = 2, depth = 1, l2 = 0.0}
pipeline = {batch_size = 2, crop = [16, 16]}

[evaluate]
bootstrap_samples = 20
num_pictures = 1
"""
METHODS = ("color", "fourier")


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Calls a command on the experiment, which is finished."""
    folder = tmp_path_factory.mktemp("untrained")
    (folder / "tiny.toml").write_text(PRESET, "utf-8")

    def call(name, *arguments):
        words = [name, "--preset", folder / "tiny.toml", "--run", folder / "run", *arguments]
        return CliRunner().invoke(main, [str(word) for word in words])

    result = call("run")
    assert result.exit_code == 0, result.output
    call.root, call.output = folder / "run", result.output
    return call


def test_both_arms_are_scored(command):
    summary = runs.read_json(command.root / "scores" / "summary.json")
    assert list(summary["arms"]) == ["source_only", "adapted:color", "adapted:fourier"]
    for method in METHODS:
        assert summary["arms"][f"adapted:{method}"]["gain_ci95"]
        scores = runs.read_json(command.root / "scores" / f"{method}.json")
        assert scores["cycle_error"] > 0
        # Of a method without steps, at one moment only.
        assert [row["step"] for row in scores["drift"]["by_step"]] == [0]


@pytest.mark.parametrize("method", METHODS)
def test_a_fit_leaves_statistics_and_a_picture_and_nothing_of_a_training(command, method):
    folder = command.root / "translator" / method
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert files == ["config.json", "done.json", "references.npz", "samples/translated.png"]


@pytest.mark.parametrize("method", METHODS)
def test_records_are_translated_with_their_names_labels_and_size(command, method):
    sources = read_records(command.root, command.root / "records" / "source-train.csv")
    made = read_records(command.root, command.root / f"translated/{method}/source-train.csv")
    for source, fake in zip(sources, made, strict=True):
        assert (fake.name, fake.label) == (source.name, source.label)
        with Image.open(fake.image) as new, Image.open(source.image) as old:
            assert new.size == old.size
            assert new.tobytes() != old.tobytes()


def test_the_report_shows_what_there_is(command):
    text = (command.root / "report" / "report.md").read_text("utf-8")
    for method in METHODS:
        assert f"*{method}: source images, their translations" in text
        assert f"figures/drift-{method}.png" in text
        assert f"figures/drift-steps-{method}.png" not in text
        assert f"figures/curves-translator-{method}.png" not in text


def test_a_window_of_less_than_one_frequency_is_warned_of(command):
    told = "translator fourier, the window holds the mean color only"
    assert told in (command.root / "report" / "report.md").read_text("utf-8")
    assert told in command.output


def test_a_second_run_skips_all_stages(command):
    output = command("run").output
    for method in METHODS:
        assert f"train-translator {method}: was done before" in output
        assert f"translate {method}: was done before" in output


def test_other_settings_are_refused(command):
    result = command("train-translator", "--set", "translator.color.method=histogram")
    assert result.exit_code == 1
    assert "translator/color was made with method = reinhard (now histogram)" in result.output


@pytest.mark.parametrize("method", METHODS)
def test_the_way_back_is_open_and_in_shards_as_well(command, method):
    arguments = ["--method", method, "--direction", "yx"]
    for number in (2, 1):
        result = command("translate", *arguments, "--shard", f"{number}/2")
        assert result.exit_code == 0, result.output
    made = command.root / "translated" / f"{method}-yx"
    assert len(read_records(command.root, made / "target-train.csv")) == 4


@pytest.mark.parametrize("method", METHODS)
def test_there_is_nothing_to_export(command, method):
    result = command("export", "--method", method)
    assert result.exit_code == 2
    assert f"{method} has no network that could be exported." in result.output
