"""A tiny experiment whose translator is handed a segmenter."""

import re

import keras
import pytest

from i2i_keras.data.pipeline import training_batches
from i2i_keras.data.tables import prepared
from i2i_keras.errors import SettingsError
from i2i_keras.experiment import stages
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import load_segmenter
from i2i_keras.translators.cycada import CyCADA

ARMS = 'arms=["adapted:cycada", "source_only"]'


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_experiment):
    """The experiment, and what its run said."""
    experiment = tiny_experiment(tmp_path_factory.mktemp("cycada") / "run", ARMS)
    result = experiment.command("run")
    assert result.exit_code == 0, result.output
    experiment.output = result.output
    return experiment


def test_the_segmenter_is_trained_before_the_translator_and_once(finished):
    stages = r"(prepare|train-segmenter \S+|train-translator \S+|translate \S+): done in"
    assert re.findall(stages, finished.output) == [
        *("prepare", "train-segmenter source_only", "train-translator cycada"),
        *("translate cycada", "train-segmenter adapted:cycada"),
    ]


def test_the_stage_is_of_the_records_and_of_that_segmenter(finished):
    inputs = files.read_json(finished.root / "train-translator" / "cycada" / "done.json")["inputs"]
    done = {
        name: files.read_json(finished.root / stage / "done.json")["fingerprint"]
        for name, stage in (("records", "prepare"), ("segmenter", "train-segmenter/source_only"))
    }
    assert inputs == done


def test_other_translators_do_not_depend_on_a_segmenter(finished):
    stages.train_translator(finished.settings(), Run(finished.root), "color")
    inputs = files.read_json(finished.root / "train-translator" / "color" / "done.json")["inputs"]
    assert [*inputs] == ["records"]


def test_what_it_learns_from_is_source_only_in_inference_mode(finished):
    run, settings = Run(finished.root), finished.settings().translator.cycada
    keras.utils.set_random_seed(0)
    model = CyCADA(settings, 0, load_segmenter(run, "source_only").segment)
    domains = [prepared(run, f"{domain}-train") for domain in ("source", "target")]
    x, y = (
        next(iter(training_batches(settings.pipeline, records, seed, 0)))[0]
        for seed, records in enumerate(domains)
    )
    losses = model.generator_terms(x, y, model.seeds())[0]
    first = files.read_table(finished.root / "train-translator" / "cycada" / "history.csv")[0]
    for name in ("semantic_xy", "semantic_yx"):
        assert float(first[name]) == pytest.approx(float(losses[name]), rel=1e-3)


def test_no_label_is_opened_and_the_segmenter_does_not_change(finished, tmp_path, unseal):
    stage, segmenter = (
        finished.root / s for s in ("train-translator/cycada", "train-segmenter/source_only")
    )
    before = {path: path.read_bytes() for path in segmenter.glob("*.weights.h5")}
    labels = [*finished.root.glob("prepare/*/labels")]
    assert len(labels) == 6 and before
    stage.rename(tmp_path / "first")
    unseal(finished.root / "prepare")  # It would be noticed.
    for folder in labels:
        folder.rename(folder.with_name("hidden"))
    result = finished.command("train-translator")
    for folder in labels:
        folder.with_name("hidden").rename(folder)
    assert result.exit_code == 0, result.output
    assert before == {path: path.read_bytes() for path in before}
    one, two = ((f / "history.csv").read_text() for f in (tmp_path / "first", stage))
    assert one == two


def test_without_a_trained_segmenter_it_is_refused(finished):
    done = finished.root / "train-segmenter" / "source_only" / "done.json"
    done.rename(done.with_name("hidden"))
    result = finished.command("train-translator")
    done.with_name("hidden").rename(done)
    assert result.exit_code == 1
    assert (
        "source_only is not finished; make it with: i2i-keras train-segmenter --arm source_only"
        in result.output
    )


def test_crops_that_the_trained_segmenter_cannot_see_are_refused(finished):
    # Only an arm is looked at when settings are read; this is none of one.
    settings = finished.settings('arms=["source_only"]')
    cycada = settings.translator.cycada
    pipeline = cycada.pipeline.model_copy(update={"crop": (16, 17)})
    cycada = cycada.model_copy(update={"pipeline": pipeline})
    translator = settings.translator.model_copy(update={"cycada": cycada})
    settings = settings.model_copy(update={"translator": translator})
    with pytest.raises(SettingsError, match="is 16 x 17, but the segmenter source_only needs mult"):
        stages.train_translator(settings, Run(finished.root), "cycada")


def test_the_arm_is_scored_in_both_directions_and_over_its_states(finished):
    summary = files.read_json(finished.root / "evaluate" / "summary.json")
    assert summary["arms"]["adapted:cycada"]["gain_ci95"]
    scores = files.read_json(finished.root / "evaluate" / "cycada.json")
    assert scores["cycle_error"] > 0
    assert [row["step"] for row in scores["drift"]["by_step"]] == [1, 2]


def test_the_report_shows_the_translator_and_its_curves(finished):
    text = (finished.root / "report" / "report.md").read_text("utf-8")
    assert any(line.startswith("| cycada ") for line in text.splitlines())
    assert "figures/curves-train-translator-cycada.png" in text


def test_the_report_says_that_its_own_segmenter_is_no_judge_of_it(finished):
    text = (finished.root / "report" / "report.md").read_text("utf-8")
    assert "cycada was trained to keep what source_only sees: that it drifts little in" in text


@pytest.mark.parametrize("direction", ["xy", "yx"])
def test_it_is_exported_without_the_segmenter(finished, direction):
    out = finished.root / f"export-{direction}"
    result = finished.command(
        "export", "--method", "cycada", "--direction", direction, "--out", out
    )
    assert result.exit_code == 0, result.output
    assert (out / "saved_model.pb").is_file()


def test_a_second_run_skips_all_stages(finished):
    output = finished.command("run").output
    for stage in ("train-segmenter source_only", "train-translator cycada", "translate cycada"):
        assert f"{stage}: was done before" in output
    assert "done in" not in output
