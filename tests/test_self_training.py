"""A tiny experiment with self-training, from start to report."""

import pytest

from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import folder_name
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import Arm, read_arm_records

ARMS = ("self_training", "self_training:color")
CHANGES = (
    'arms=["source_only", "self_training", "self_training:color"]',
    "self_training.threshold=0.2",
    "evaluate.num_quality_images=0",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_experiment, unseal):
    """The experiment, run without the target's labels."""
    experiment = tiny_experiment(tmp_path_factory.mktemp("self-training") / "run", *CHANGES)
    assert experiment.command("prepare").exit_code == 0
    unseal(experiment.root / "prepare")  # It would be noticed.
    for split in ("train", "val"):
        for record in experiment.records(f"prepare/target-{split}"):
            record.label.unlink()
    result = experiment.command("run")
    assert result.exit_code == 0, result.output
    return experiment


def test_both_arms_are_trained_and_scored_with_no_label_of_the_target_there(finished):
    summary = files.read_json(finished.root / "evaluate" / "summary.json")
    assert list(summary["arms"]) == ["source_only", *ARMS]
    for arm in ARMS:
        assert summary["arms"][arm]["gain_ci95"]


def test_they_are_trained_on_the_records_of_source_only_and_adapted(finished):
    run = Run(finished.root)
    pairs = (("self_training", "source_only"), ("self_training:color", "adapted:color"))
    for arm, same in pairs:
        assert read_arm_records(run, Arm(arm)) == read_arm_records(run, Arm(same))


def test_they_depend_on_the_settings_of_all_arms_and_on_their_own(finished):
    done = {
        arm: files.read_json(finished.root / "train-segmenter" / folder_name(arm) / "done.json")
        for arm in ("source_only", *ARMS)
    }
    plain = done["source_only"]["settings"]
    assert "self_training" not in plain
    for arm in ARMS:
        own = {"threshold": 0.2, "ema": 0.99, "weight": 1.0, "jitter": 0.25}
        assert done[arm]["settings"] == {**plain, "self_training": own}
        assert done[arm]["results"]["steps"] == done["source_only"]["results"]["steps"]


def test_other_settings_are_refused_where_they_matter(finished):
    changed = ("--set", "self_training.weight=2")
    result = finished.command_without_settings(
        "train-segmenter", "--arm", "self_training", *changed
    )
    assert result.exit_code == 1
    told = "train-segmenter/self_training was made with self_training.weight = 1.0 (now 2.0)"
    assert told in result.output
    output = finished.command_without_settings(
        "train-segmenter", "--arm", "source_only", *changed
    ).output
    assert "train-segmenter source_only: was done before" in output


def test_the_report_shows_the_arms_and_says_what_they_are(finished):
    text = (finished.root / "report" / "report.md").read_text("utf-8")
    taught = "target images that a moving average of its own weights has labelled"
    told = f"trained on source images and on {taught}; no target label was used."
    assert f"- self_training: {told}" in text
    assert (
        f"- self_training:color: {told.replace('source images', 'translations by color')}" in text
    )
    for name in ("self_training", "self_training-color"):
        row = files.read_table(finished.root / "train-segmenter" / name / "history.csv")[-1]
        assert float(row["mixed_loss"]) > 0 and 0 <= float(row["confident_share"]) <= 1
        assert f"Settings of train-segmenter/{name}" in text


def test_a_training_that_is_done_is_skipped(finished):
    output = finished.command("train-segmenter").output
    for arm in ARMS:
        assert f"train-segmenter {arm}: was done before" in output


def test_the_translator_of_an_arm_is_one_of_the_experiments():
    assert Settings(arms=("source_only", "self_training", "self_training:fourier")).methods == [
        "fourier"
    ]
