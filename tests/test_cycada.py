"""A tiny experiment whose translator is handed a segmenter."""

import re

import keras
import pytest
from click.testing import CliRunner

from i2i_keras import config, experiment, runs
from i2i_keras.arms import load_segmenter, prepared
from i2i_keras.cli import main
from i2i_keras.data.pipeline import training_batches
from i2i_keras.errors import SettingsError
from i2i_keras.translation.cycada import CyCADA

PRESET = """
arms = ["adapted:cycada", "source_only"]

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

[translator.cycada]
steps = 2
checkpoint_every = 1
num_samples = 1
lambda_identity = 0.0
generator = {filters = 2, num_downsamplings = 1, num_residual_blocks = 0, outer_kernel = 3}
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
    folder = tmp_path_factory.mktemp("cycada")
    (folder / "tiny.toml").write_text(PRESET, "utf-8")

    def call(name, *arguments):
        words = [name, "--preset", folder / "tiny.toml", "--run", folder / "run", *arguments]
        return CliRunner().invoke(main, [str(word) for word in words])

    result = call("run")
    assert result.exit_code == 0, result.output
    call.root, call.output = folder / "run", result.output
    call.settings = config.build(experiment.Settings, config.read(str(folder / "tiny.toml")))
    return call


def test_the_segmenter_is_trained_before_the_translator_and_once(command):
    stages = r"(prepare|train-segmenter \S+|train-translator \S+|translate \S+): done in"
    assert re.findall(stages, command.output) == [
        *("prepare", "train-segmenter source_only", "train-translator cycada"),
        *("translate cycada", "train-segmenter adapted:cycada"),
    ]


def test_the_stage_is_of_the_records_and_of_that_segmenter(command):
    inputs = runs.read_json(command.root / "translator" / "cycada" / "done.json")["inputs"]
    done = {
        name: runs.read_json(command.root / stage / "done.json")["fingerprint"]
        for name, stage in (("records", "records"), ("segmenter", "segmenter/source_only"))
    }
    assert inputs == done


def test_other_translators_do_not_depend_on_a_segmenter(command):
    experiment.train_translator(command.settings, runs.Run(command.root), "color")
    inputs = runs.read_json(command.root / "translator" / "color" / "done.json")["inputs"]
    assert [*inputs] == ["records"]


def test_what_it_learns_from_is_source_only_in_inference_mode(command):
    run, settings = runs.Run(command.root), command.settings.translator.cycada
    keras.utils.set_random_seed(0)
    model = CyCADA(settings, 0, load_segmenter(run, "source_only").segment)
    domains = [prepared(run, f"{domain}-train") for domain in ("source", "target")]
    x, y = (
        next(iter(training_batches(settings.pipeline, records, seed, 0)))[0]
        for seed, records in enumerate(domains)
    )
    losses = model.generator_losses(x, y)[0]
    first = runs.read_table(command.root / "translator" / "cycada" / "history.csv")[0]
    for name in ("semantic_xy", "semantic_yx"):
        assert float(first[name]) == pytest.approx(float(losses[name]), rel=1e-3)


def test_no_label_is_opened_and_the_segmenter_does_not_change(command, tmp_path):
    stage, segmenter = (command.root / s for s in ("translator/cycada", "segmenter/source_only"))
    before = {path: path.read_bytes() for path in segmenter.glob("*.weights.h5")}
    labels = [*command.root.glob("records/*/labels")]
    assert len(labels) == 6 and before
    stage.rename(tmp_path / "first")
    for folder in labels:
        folder.rename(folder.with_name("hidden"))
    result = command("train-translator")
    for folder in labels:
        folder.with_name("hidden").rename(folder)
    assert result.exit_code == 0, result.output
    assert before == {path: path.read_bytes() for path in before}
    one, two = ((f / "history.csv").read_text() for f in (tmp_path / "first", stage))
    assert one == two


def test_without_a_trained_segmenter_it_is_refused(command):
    done = command.root / "segmenter" / "source_only" / "done.json"
    done.rename(done.with_name("hidden"))
    result = command("train-translator")
    done.with_name("hidden").rename(done)
    assert result.exit_code == 1
    assert "source_only is not finished; run the stage that makes it first." in result.output


def test_crops_that_the_trained_segmenter_cannot_see_are_refused(command):
    # Only an arm is looked at when settings are read; this is none of one.
    changes = {"arms": ("source_only",)}
    cycada = command.settings.translator.cycada
    crop = cycada.pipeline.model_copy(update={"crop": (16, 17)})
    translator = command.settings.translator.model_copy(
        update={"cycada": cycada.model_copy(update={"pipeline": crop})}
    )
    settings = command.settings.model_copy(update={**changes, "translator": translator})
    with pytest.raises(SettingsError, match="is 16 x 17, but the segmenter source_only needs mult"):
        experiment.train_translator(settings, runs.Run(command.root), "cycada")


def test_the_arm_is_scored_in_both_directions_and_over_its_states(command):
    summary = runs.read_json(command.root / "scores" / "summary.json")
    assert summary["arms"]["adapted:cycada"]["gain_ci95"]
    scores = runs.read_json(command.root / "scores" / "cycada.json")
    assert scores["cycle_error"] > 0
    assert [row["step"] for row in scores["drift"]["by_step"]] == [1, 2]


def test_the_report_shows_the_translator_and_its_curves(command):
    text = (command.root / "report" / "report.md").read_text("utf-8")
    assert any(line.startswith("| cycada ") for line in text.splitlines())
    assert "figures/curves-translator-cycada.png" in text


def test_the_report_says_that_its_own_segmenter_is_no_judge_of_it(command):
    text = (command.root / "report" / "report.md").read_text("utf-8")
    assert "cycada was trained to keep what source_only sees: that it drifts little in" in text


@pytest.mark.parametrize("direction", ["xy", "yx"])
def test_it_is_exported_without_the_segmenter(command, direction):
    out = command.root / f"export-{direction}"
    result = command("export", "--method", "cycada", "--direction", direction, "--out", out)
    assert result.exit_code == 0, result.output
    assert (out / "saved_model.pb").is_file()


def test_a_second_run_skips_all_stages(command):
    output = command("run").output
    for stage in ("train-segmenter source_only", "train-translator cycada", "translate cycada"):
        assert f"{stage}: was done before" in output
    assert "done in" not in output
