"""One tiny experiment, run once, and what is true of all that it left."""

import json
import re
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import SPLITS, read_label, read_records
from i2i_keras.datasets.spaces import read_space
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.evaluation import confusion, distribution, metrics
from i2i_keras.evaluation.inception import load_inception
from i2i_keras.experiment import counting, scoring, stages
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import folder_name
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters import trained
from i2i_keras.segmenters.arms import Arm, parse_all, read_arm_records
from i2i_keras.translators import TRANSLATORS

ARMS = ("label_safe:cyclegan", "source_only", "adabn", "adapted:cyclegan", "oracle")
# label_safe looks through the eyes of source_only.
TRAINED = ("source_only", "adabn", "adapted:cyclegan", "oracle", "label_safe:cyclegan")
CHANGES = (
    f"arms={list(ARMS)}",
    *("streets.num_train=6", "streets.num_val=2", "streets.num_test=3"),
    *("prepare.native_labels=true", "label_safe.confidence=0.0"),
    *("segmenter.select=entropy", "segmenter.steps=3"),
    *("evaluate.bootstrap_samples=50", "evaluate.num_pictures=2"),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_experiment, unseal):
    """`run`, from nothing to the report, but for target labels of no business.

    Once everything is prepared, all labels of the target disappear until all
    but the oracle are trained, with weights chosen on the target's images.
    """
    tiny = tiny_experiment(tmp_path_factory.mktemp("experiment") / "run", *CHANGES)
    assert tiny.command("prepare").exit_code == 0
    labels = [tiny.root / "prepare" / f"target-{split}" / "labels" for split in SPLITS]
    assert all([*folder.iterdir()] for folder in labels)
    seals = [tiny.root / "prepare" / name for name in ("done.json", "checksums.json")]
    kept = {path: path.read_bytes() for path in seals}
    unseal(tiny.root / "prepare")  # It would be noticed.
    for folder in labels:
        folder.rename(folder.with_name("hidden"))
    tiny.blind = [
        tiny.command("train-translator"),
        tiny.command("translate"),
        tiny.command("train-segmenter", *(f"--arm={arm}" for arm in ARMS if arm != "oracle")),
    ]
    tiny.oracle_without_labels = tiny.command("train-segmenter", "--arm", "oracle")
    for folder in labels:
        folder.with_name("hidden").rename(folder)
    for path, data in kept.items():
        path.write_bytes(data)
    tiny.result = tiny.command("run")
    assert tiny.result.exit_code == 0, tiny.result.output
    return tiny


@pytest.fixture(scope="module")
def summary(finished):
    return files.read_json(finished.root / "evaluate" / "summary.json")


# --- What is there ----------------------------------------------------------


@pytest.mark.parametrize(
    "file",
    [
        "raw/done.json",
        "prepare/done.json",
        *(f"prepare/{domain}-{s}.csv" for domain in ("source", "target") for s in SPLITS),
        "prepare/target-test-native.csv",
        "train-translator/cyclegan/done.json",
        "train-translator/cyclegan/history.csv",
        "train-translator/cyclegan/samples/step-000002.png",
        "train-translator/cyclegan/generator_xy.weights.h5",
        "train-translator/cyclegan/generator_yx.weights.h5",
        "train-translator/cyclegan/discriminator_x.weights.h5",
        "train-translator/cyclegan/discriminator_y.weights.h5",
        "translate/cyclegan/done.json",
        "translate/cyclegan/source-train.csv",
        "translate/cyclegan/source-val.csv",
        "label_safe/cyclegan/done.json",
        "label_safe/cyclegan/source-train.csv",
        "label_safe/cyclegan/source-val.csv",
        "train-segmenter/source_only/done.json",
        "train-segmenter/adapted-cyclegan/done.json",
        "train-segmenter/oracle/unet.weights.h5",
        "train-segmenter/oracle/history.csv",
        "evaluate/source_only.json",
        "evaluate/source_only-confusion.csv",
        "evaluate/adapted-cyclegan.json",
        "evaluate/oracle.json",
        "evaluate/summary.json",
        "report/index.html",
        "report/report.md",
    ],
)
def test_the_road_leaves(finished, file):
    assert (finished.root / file).is_file()


def test_the_table_and_the_place_of_the_report_are_printed(finished):
    output = finished.result.output
    assert all(arm in output for arm in ARMS)
    assert str(finished.root / "report" / "index.html") in output


def test_the_summary_keeps_its_contract(summary):
    assert list(summary["arms"]) == list(ARMS)
    assert {"mean_iou", "ci95"} <= summary["arms"]["source_only"].keys()
    assert {"mean_iou", "ci95", "gain", "gain_ci95", "gap_closed"} <= summary["arms"][
        "adapted:cyclegan"
    ].keys()
    assert {"mean_iou", "ci95", "gain", "gain_ci95"} <= summary["arms"]["oracle"].keys()
    assert summary["num_images"] == 3
    assert {"arm", "next", "ci95", "sure"} <= summary["best"]["mean_iou"].keys()
    assert {"iou", "categories", "subsets"} <= summary["best"].keys()
    for arm in summary["arms"].values():
        low, high = arm["ci95"]
        assert 0 <= low <= high <= 1


def test_scores_follow_from_the_confusion_matrices(finished, summary):
    totals = {}
    for arm in ARMS:
        path = finished.root / "evaluate" / folder_name(arm) / "confusions.npz"
        with np.load(path, allow_pickle=False) as file:
            totals[arm] = file["confusions"].sum(axis=0)
        details = files.read_json(finished.root / "evaluate" / f"{folder_name(arm)}.json")
        for name, value in metrics.score(totals[arm]).items():
            assert details[name] == pytest.approx(value)
        assert summary["arms"][arm]["mean_iou"] == details["mean_iou"]
    gain = summary["arms"]["adapted:cyclegan"]["gain"]
    assert gain == pytest.approx(
        float(
            metrics.mean_iou(totals["adapted:cyclegan"]) - metrics.mean_iou(totals["source_only"])
        )
    )


def test_all_arms_are_scored_on_all_pixels_of_the_same_labels(finished):
    rows = [
        np.load(finished.root / "evaluate" / folder_name(arm) / "confusions.npz")["confusions"]
        for arm in ARMS
    ]
    truths = [read_label(record.label) for record in finished.records("prepare/target-test")]
    for matrices in rows:
        assert matrices.sum(axis=(1, 2)).tolist() == [(t != IGNORE).sum() for t in truths]
        np.testing.assert_array_equal(matrices.sum(axis=2), rows[0].sum(axis=2))


def test_the_table_of_an_arm_is_its_confusion_matrix(finished):
    for arm in ARMS:
        name = folder_name(arm)
        with np.load(finished.root / "evaluate" / name / "confusions.npz") as file:
            total = file["confusions"].sum(axis=0)
        rows = files.read_table(finished.root / "evaluate" / f"{name}-confusion.csv")
        found = [[int(v) for key, v in row.items() if key != "truth"] for row in rows]
        np.testing.assert_array_equal(found, total)
        assert [row["truth"] for row in rows] == [*rows[0]][1:]


def test_all_arms_are_scored_at_native_size_as_well(finished, summary):
    labels = [r.label for r in finished.records("prepare/target-test-native")]
    for arm in ARMS:
        name = folder_name(arm)
        with np.load(finished.root / "evaluate" / name / "confusions.npz") as file:
            matrices = file["native"]
        # Twice as high and as wide as at the working size.
        assert matrices.sum(axis=(1, 2)).tolist() == [
            (read_label(label) != IGNORE).sum() for label in labels
        ]
        assert {read_label(label).shape for label in labels} == {(64, 128)}
        facts = files.read_json(finished.root / "evaluate" / f"{name}.json")
        native = facts["native"]
        assert native.keys() == facts.keys() & {
            *metrics.score(matrices[0]),
            *("iou", "subsets", "categories", "mean_category_iou", "loss", "calibration_error"),
        }
        assert native["mean_iou"] == pytest.approx(metrics.mean_iou(matrices.sum(axis=0)))
        assert summary["arms"][arm]["native_mean_iou"] == native["mean_iou"]
        assert native["mean_iou"] != facts["mean_iou"]
        for scores in (facts, native):
            assert 0 <= scores["calibration_error"] <= 1


# --- What was promised ------------------------------------------------------


def test_a_translated_record_has_its_sources_name_label_and_size(finished):
    for split in ("train", "val"):
        sources = finished.records(f"prepare/source-{split}")
        translated = finished.records(f"translate/cyclegan/source-{split}")
        assert len(sources) == {"train": 6, "val": 2}[split]
        for source, fake in zip(sources, translated, strict=True):
            assert (fake.name, fake.label) == (source.name, source.label)
            with Image.open(fake.image) as image:
                assert image.size == (64, 32)
                assert image.mode == "RGB"


def test_only_the_oracle_needs_the_targets_labels(finished):
    for result in finished.blind:
        assert result.exit_code == 0, result.output
    assert finished.oracle_without_labels.exit_code != 0


def test_the_arms_differ_in_their_records_alone(finished):
    done = [
        files.read_json(finished.root / "train-segmenter" / folder_name(arm) / "done.json")
        for arm in ARMS
    ]
    trained = [facts["settings"] for arm, facts in zip(ARMS, done, strict=True) if arm != "adabn"]
    assert all(settings == trained[0] for settings in trained)
    assert [sorted(d["inputs"]) for d in done] == [
        ["label_safe", "records"],
        ["records"],
        ["records", "segmenter"],
        ["records", "translated"],
        ["records"],
    ]


def test_the_targets_labels_choose_the_best_of_the_states_for_comparison_only(finished, summary):
    for arm in ("source_only", "adapted:cyclegan", "oracle"):
        chosen = summary["arms"][arm]["label_chosen"]
        states = finished.root / "evaluate" / folder_name(arm) / "states"
        scores = files.read_json(states / "done.json")["results"]["mean_iou"]
        assert chosen["mean_iou"] == scores[str(chosen["step"])] == max(scores.values())
        kept = files.read_json(finished.root / "train-segmenter" / folder_name(arm) / "done.json")
        # What was kept without labels is one of them, and scored as such.
        assert scores[str(kept["results"]["kept_step"])] == summary["arms"][arm]["mean_iou"]
    assert "label_chosen" not in summary["arms"]["adabn"]


def test_states_that_were_scored_can_be_deleted(finished, summary, tmp_path):
    shutil.copytree(finished.root, tmp_path / "run")
    for path in (tmp_path / "run" / "train-segmenter").glob("*/checkpoints/ckpt-1.*"):
        path.unlink()
    shutil.rmtree(tmp_path / "run" / "train-segmenter" / "oracle" / "checkpoints")
    again = finished.command("evaluate", "--run", tmp_path / "run")
    assert again.exit_code == 0, again.output
    assert files.read_json(tmp_path / "run" / "evaluate" / "summary.json") == summary


def test_what_is_trained_is_scored_without_its_first_weights(finished, tmp_path):
    weights = f"segmenter.mobile_unet.weights={tmp_path / 'gone.h5'}"
    settings = finished.settings("segmenter.network=mobile_unet", weights)
    scoring.check(settings, Run(finished.root))
    with pytest.raises(DataError, match=r"gone\.h5 is not there"):
        scoring.check(settings, Run(tmp_path))


def test_the_mixed_arm_gets_source_and_translated(finished):
    train, val, _ = read_arm_records(Run(finished.root), Arm("mixed:cyclegan"))
    assert train == [
        *finished.records("prepare/source-train"),
        *finished.records("translate/cyclegan/source-train"),
    ]
    assert len(val) == 4


def test_predictions_are_class_maps_of_the_images_size(finished):
    for arm in ARMS:
        folder = finished.root / "evaluate" / "predictions" / folder_name(arm)
        pictures = sorted(folder.iterdir())
        # The first two of three, and the best, the median and the worst.
        assert len(pictures) == 3
        for picture in pictures:
            assert read_label(picture).shape == (32, 64)
            assert read_label(picture).max() < 19


def test_nothing_that_it_wrote_names_an_absolute_path(finished):
    home = str(finished.root.parent.parent)
    for path in finished.root.rglob("*"):
        if path.suffix in (".json", ".csv", ".md", ".html") or path.name == "checkpoint":
            text = path.read_text("utf-8")
            assert home not in text, path
            assert not re.search(r'"/(home|root|tmp|work|usr)/', text), path


def test_nothing_that_it_wrote_is_pickled(finished):
    files = [path for path in finished.root.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".pkl", ".pickle", ".npy", ".keras")]
    assert not [path for path in files if path.read_bytes()[:2] in (b"\x80\x04", b"\x80\x05")]


def test_no_draft_is_left(finished):
    assert not list(finished.root.rglob(".draft-*"))
    assert not list(finished.root.rglob("begun.json"))


def test_no_json_holds_what_json_has_not(finished):
    def refuse(word):
        raise ValueError(word)  # NaN, which only Python reads.

    for path in finished.root.rglob("*.json"):
        json.loads(path.read_text("utf-8"), parse_constant=refuse)


# --- Again ------------------------------------------------------------------


@pytest.fixture(scope="module")
def again(finished, tmp_path_factory, tiny_experiment):
    """A copy of the run elsewhere, and what `run` said of it."""
    moved = tiny_experiment(tmp_path_factory.mktemp("moved") / "run", *CHANGES)
    shutil.copytree(finished.root, moved.root)
    return moved, moved.command("run")


def states(root):
    """When each file of the stages was written; scores and report are anew."""
    files = {path.relative_to(root): path for path in root.rglob("*") if path.is_file()}
    return {
        name: path.stat().st_mtime_ns
        for name, path in files.items()
        if name.parts[0] not in ("report", ".lock") and name.parent.name != "evaluate"
    }


def test_a_moved_run_is_still_done(again):
    _, result = again
    assert result.exit_code == 0, result.output
    told = [line.partition(": ") for line in result.output.splitlines()]
    # In which order is told by tests/plan/test_tasks.py.
    assert {name for name, _, how in told if how == "was done before"} == {
        "prepare",
        "train-translator cyclegan",
        "translate cyclegan",
        *(f"train-segmenter {arm}" for arm in TRAINED),
        "evaluate cyclegan",
    }
    assert "All of it is done." in result.output
    assert "done in" not in result.output


def test_a_second_run_touches_no_file_of_a_stage(finished, again):
    assert states(again[0].root) == states(finished.root)


def test_a_second_run_comes_to_the_same_summary(again, summary):
    assert files.read_json(again[0].root / "evaluate" / "summary.json") == summary


@pytest.mark.parametrize(
    ("command", "change", "words"),
    [
        ("prepare", "prepare.size=[32, 80]", "prepare was made with prepare.size = [32, 64] (now"),
        ("prepare", "streets.num_test=4", "raw was made with num_test = 3 (now 4)"),
        ("train-translator", "seed=1", "train-translator/cyclegan was made with seed = 0 (now 1)"),
        ("train-segmenter", "segmenter.steps=9", "source_only was made with steps = 3 (now 9)"),
        ("train-segmenter", "label_safe.confidence=1", "cyclegan was made with confidence = 0.0"),
        ("evaluate", "evaluate.num_pictures=1", "was made with num_pictures = 2 (now 1)"),
        ("evaluate", "evaluate.num_drift_images=1", "cyclegan was made with num_drift_images = 20"),
    ],
)
def test_other_settings_are_refused_by_a_stage(finished, command, change, words):
    result = finished.command_without_settings(command, "--set", change)
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("command", "change", "words"),
    [
        ("train-translator", "seed=1", "seed = 0 in the run, 1 here."),
        ("train-segmenter", "segmenter.steps=9", "segmenter.steps = 3 in the run, 9 here."),
        ("train-segmenter", "label_safe.confidence=1", "confidence = 0.0 in the run, 1.0 here."),
    ],
)
def test_other_settings_are_refused_by_their_run(finished, command, change, words):
    result = finished.command(command, "--set", change)
    assert result.exit_code == 1
    assert f"{finished.root} was made with other settings: " in result.output
    assert words in result.output


def test_new_records_are_other_inputs(finished, tmp_path):
    for name in ("prepare", "train-translator"):
        (tmp_path / name).mkdir()
    for stage in ("prepare", "train-translator/cyclegan"):
        shutil.copytree(finished.root / stage, tmp_path / stage, dirs_exist_ok=True)
    done = files.read_json(tmp_path / "prepare" / "done.json")
    del done["own_checksum"]  # As an earlier version would have written it.
    files.write_json(tmp_path / "prepare" / "done.json", done | {"fingerprint": "another"})
    with pytest.raises(DataError, match="was made before its records changed; use another --run"):
        stages.train_translator(finished.settings(), Run(tmp_path), "cyclegan")


@pytest.mark.parametrize(
    ("command", "table"),
    [
        ("train-translator", "source-train"),
        ("translate", "source-train"),
        ("train-segmenter", "source-train"),
        ("evaluate", "target-test"),
    ],
)
def test_every_command_refuses_records_that_changed(finished, tmp_path, command, table):
    root = shutil.copytree(finished.root, tmp_path / "run")
    shutil.rmtree(root / command)
    image = min((root / "prepare" / table / "images").glob("*.png"))
    Image.fromarray(255 - np.asarray(Image.open(image))).save(image)
    result = finished.command(command, "--run", root)
    assert result.exit_code == 1
    assert f"{image} has changed" in result.output
    assert not [*root.glob(f"{command}/**/done.json")]


def test_safe_labels_are_not_made_of_images_that_changed(finished, tmp_path):
    root = shutil.copytree(finished.root, tmp_path / "run")
    shutil.rmtree(root / "label_safe")
    image = min((root / "prepare/source-train/images").glob("*.png"))
    Image.fromarray(255 - np.asarray(Image.open(image))).save(image)
    with pytest.raises(DataError, match=rf"{image} has changed"):
        stages.make_label_safe(finished.settings(), Run(root), "cyclegan")


def test_arms_are_scored_without_pictures_as_well(finished, unscored):
    settings = finished.settings('arms=["source_only"]', "evaluate.num_pictures=0")
    arms = stages.evaluate(settings, unscored)["arms"]
    assert arms["source_only"]["mean_iou"] >= 0


@pytest.fixture
def unscored(finished, tmp_path):
    """A copy of the run, whose source-only arm is not scored yet."""
    shutil.copytree(finished.root, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "evaluate" / "source_only")
    return Run(tmp_path / "run")


def test_windows_are_asked_for_and_change_the_scores(finished, unscored, summary):
    settings = finished.settings('arms=["source_only"]', "evaluate.window=[16, 16]")
    arms = stages.evaluate(settings, unscored)["arms"]
    before, after = (
        np.load(root / "evaluate" / "source_only" / "confusions.npz")["confusions"]
        for root in (finished.root, unscored.root)
    )
    np.testing.assert_array_equal(after.sum(axis=2), before.sum(axis=2))  # All pixels.
    assert not np.array_equal(after, before)
    assert arms["source_only"]["mean_iou"] != summary["arms"]["source_only"]["mean_iou"]
    with pytest.raises(DataError, match=r"was made with window = \[16, 16\] \(now absent\)"):
        stages.evaluate(finished.settings(), unscored)


def test_an_arm_can_be_looked_through_as_it_was_scored(unscored, finished):
    settings = finished.settings('arms=["source_only"]', "evaluate.window=[16, 16]")
    stages.evaluate(settings, unscored)
    record = read_records(unscored.root, unscored.root / "prepare" / "target-test.csv")[0]
    for run in (unscored, Run(finished.root)):
        seen = counting.scored_eye(run, "source_only").look_at(record)
        names, truth = read_space(run.label_space).names, read_label(record.label)
        counts = confusion.confusion_matrix(truth, seen.classes, len(names))
        np.testing.assert_array_equal(counts, counting.load_confusions(run, "source_only")[0])


def test_a_window_that_the_trained_segmenter_cannot_take_is_refused(finished, unscored):
    # Its stride is 2; the settings may be of another one by now.
    evaluate = finished.settings().evaluate.model_copy(update={"window": (16, 15)})
    settings = finished.settings().model_copy(update={"evaluate": evaluate})
    with pytest.raises(SettingsError, match="16 x 15, but this segmenter needs multiples of 2;"):
        stages.evaluate(settings, unscored)
    stages.evaluate(finished.settings(), unscored)  # Nothing is left of the attempt.


def test_arms_are_scored_where_the_sources_test_labels_are_withheld(
    finished, unscored, summary, unseal
):
    unseal(unscored.root / "prepare")
    table = unscored.root / "prepare" / "source-test.csv"
    rows = [row | {"label": ""} for row in files.read_table(table)]
    files.write_table(table, rows, columns=list(rows[0]))
    stages.evaluate(finished.settings(), unscored)
    assert files.read_json(unscored.root / "evaluate" / "summary.json") == summary


# --- Drift, and labels that are safe from it ---------------------------------


def drift_of(run, finished, **evaluate):
    """What `evaluate` says of drift with other settings, of a copy."""
    settings = finished.settings(*(f"evaluate.{k}={v}" for k, v in evaluate.items()))
    shutil.rmtree(run.root / "evaluate" / "cyclegan", ignore_errors=True)
    stages.evaluate(settings, run)
    return files.read_json(run.root / "evaluate" / "cyclegan.json")["drift"]


def test_drift_is_told_of_each_state_that_is_kept(finished):
    drift = files.read_json(finished.root / "evaluate" / "cyclegan.json")["drift"]
    first, last = drift["by_step"]
    assert (first["step"], last["step"]) == (1, 2)
    assert last == {"step": 2, "drifted": drift["drifted"], "kept": drift["kept"]}
    assert first.keys() == last.keys()


def test_drift_over_the_steps_is_measured_on_as_many_images_as_asked_for(finished, tmp_path):
    shutil.copytree(finished.root, tmp_path / "run")
    run = Run(tmp_path / "run")
    whole = drift_of(run, finished)
    none = drift_of(run, finished, num_drift_images=0)
    one = drift_of(run, finished, num_drift_images=1)
    assert [row["step"] for row in one["by_step"]] == [1, 2]
    assert none["by_step"] == whole["by_step"][-1:]
    assert one["transitions"] == none["transitions"] == whole["transitions"]

    folder = finished.root / "train-segmenter" / "source_only"
    model = trained.load(folder).model
    name = finished.records("prepare/source-train")[0].name
    before, after = (
        np.argmax(model(look(finished.root / stage / f"{name}.png")), -1)
        for stage in ("prepare/source-train/images", "translate/cyclegan/source-train")
    )
    assert one["by_step"][-1]["drifted"] == pytest.approx((before != after).mean())


def test_a_translator_that_changes_nothing_has_no_drift_and_no_unsafe_label(
    finished, tmp_path, unseal
):
    shutil.copytree(finished.root, tmp_path / "run")
    run = Run(tmp_path / "run")
    unseal(run.translated("cyclegan"))
    for split in ("train", "val"):
        for image in (run.root / f"prepare/source-{split}/images").iterdir():
            shutil.copy(image, run.root / f"translate/cyclegan/source-{split}")
    drift = drift_of(run, finished, num_drift_images=0)
    assert (drift["drifted"], drift["sentences"]) == (0, [])
    assert {share for share in drift["kept"].values() if share is not None} == {1}

    shutil.rmtree(run.root / "label_safe")
    results = stages.make_label_safe(finished.settings(), run, "cyclegan").results
    assert results["marked"] == 0
    for source, safe in zip(
        finished.records("prepare/source-train"),
        read_records(run.root, run.table(run.label_safe("cyclegan"), "source-train")),
        strict=True,
    ):
        np.testing.assert_array_equal(read_label(safe.label), read_label(source.label))


def test_of_a_method_that_keeps_no_states_the_end_is_measured(finished, tmp_path):
    shutil.copytree(finished.root, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "train-translator" / "cyclegan" / "checkpoints")
    drift = drift_of(Run(tmp_path / "run"), finished)
    assert [(row["step"], row["drifted"]) for row in drift["by_step"]] == [(2, drift["drifted"])]


def look(path):
    """A picture as networks get it."""
    with Image.open(path) as image:
        return np.asarray(image, np.float32)[np.newaxis] / 127.5 - 1.0


def test_a_label_is_safe_where_source_only_sees_the_same_class(finished):
    model = trained.load(finished.root / "train-segmenter" / "source_only").model
    total = lost = 0
    for split in ("train", "val"):
        sources = finished.records(f"prepare/source-{split}")
        fakes = finished.records(f"translate/cyclegan/source-{split}")
        safe = finished.records(f"label_safe/cyclegan/source-{split}")
        for source, fake, record in zip(sources, fakes, safe, strict=True):
            assert (record.name, record.image) == (source.name, fake.image)
            before, after = (np.argmax(model(look(r.image)), -1)[0] for r in (source, fake))
            label = read_label(source.label)
            wanted = np.where(before == after, label, IGNORE)
            np.testing.assert_array_equal(read_label(record.label), wanted)
            if split == "train":
                total += (label != IGNORE).sum()
                lost += (label != IGNORE)[before != after].sum()
    results = files.read_json(finished.root / "label_safe" / "cyclegan" / "done.json")["results"]
    assert results["records"] == {"source-val": 2, "source-train": 6}
    assert results["marked"] == pytest.approx(lost / total)
    assert 0 < lost < total


def test_the_label_safe_arm_is_trained_on_safe_labels(finished):
    train, val, _ = read_arm_records(Run(finished.root), Arm("label_safe:cyclegan"))
    assert train == finished.records("label_safe/cyclegan/source-train")
    assert val == finished.records("label_safe/cyclegan/source-val")


def test_its_seconds_are_of_labels_and_training(finished):
    done = stages.train_segmenter(
        finished.settings(), Run(finished.root), Arm("label_safe:cyclegan")
    )
    names = ("label_safe/cyclegan", "train-segmenter/label_safe-cyclegan")
    took = [files.read_json(finished.root / stage / "done.json")["seconds"] for stage in names]
    assert done.seconds == pytest.approx(sum(took))
    assert done.skipped


def test_labels_are_not_made_safe_without_source_only(finished, tmp_path):
    for stage in ("prepare", "translate/cyclegan"):
        shutil.copytree(finished.root / stage, tmp_path / stage)
    with pytest.raises(
        DataError,
        match="train-segmenter/source_only is not finished; make it with: i2i-keras train-",
    ):
        stages.train_segmenter(finished.settings(), Run(tmp_path), Arm("label_safe:cyclegan"))
    with pytest.raises(SettingsError, match="no arm 'label_safe:cat'"):
        parse_all(["label_safe:cat"], TRANSLATORS)


# --- Translation of anything ------------------------------------------------


def test_a_folder_of_images_of_any_size_is_translated(finished, tmp_path):
    sizes = {"a.png": (33, 35), "b.jpg": (64, 20)}
    (tmp_path / "photos").mkdir()
    for name, size in sizes.items():
        Image.new("RGB", size, (90, 120, 30)).save(tmp_path / "photos" / name)
    for direction in ("xy", "yx"):
        out = tmp_path / direction
        arguments = ["--direction", direction, "--images", tmp_path / "photos", "--out", out]
        result = finished.command("translate", *arguments)
        assert result.exit_code == 0, result.output
        assert f"2 images in {out}" in result.output
        for name, size in sizes.items():
            with Image.open((out / name).with_suffix(".png")) as image:
                assert image.size == size


def test_a_folder_without_images_is_refused(finished, tmp_path):
    (tmp_path / "empty").mkdir()
    arguments = ["--images", tmp_path / "empty", "--out", tmp_path / "out"]
    result = finished.command("translate", *arguments)
    assert result.exit_code == 1
    assert (
        "empty holds no PNG, JPEG, BMP, TIFF, WebP or GIF; give a folder of images" in result.output
    )


def test_two_images_that_would_become_one_are_refused(finished, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "a.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / "photos" / name)
    arguments = ["--images", tmp_path / "photos", "--out", tmp_path / "out"]
    result = finished.command("translate", *arguments)
    assert result.exit_code == 1
    assert "a.png would both become a.png; rename one." in result.output


def test_images_are_not_translated_into_their_own_folder(finished, tmp_path):
    result = finished.command("translate", "--images", tmp_path, "--out", tmp_path / "x" / "..")
    assert result.exit_code == 1
    assert "holds the images themselves; give another folder for --out." in result.output


def test_the_target_is_translated_by_shards_and_without_its_labels(finished):
    first, second = (
        finished.command("translate", "--direction", "yx", "--shard", f"{number}/2")
        for number in (1, 2)
    )
    assert "translate cyclegan: shard 1/2 is done; others are not" in first.output
    assert "translate cyclegan: done in" in second.output
    records = finished.records("translate/cyclegan-yx/target-train")
    assert len(records) == 6
    assert [record.label for record in records] == [None] * 6


def test_a_generator_is_exported_and_compared(finished, tmp_path):
    out = tmp_path / "xy.tflite"
    result = finished.command("export", "--format", "tflite", "--out", out)
    assert result.exit_code == 0, result.output
    line = rf"export cyclegan: {re.escape(str(out))}, up to [012] of 255 from the network"
    assert re.search(line, result.output)
    assert out.read_bytes()[4:8] == b"TFL3"


@pytest.fixture(scope="module")
def inception(tmp_path_factory, save_as_keras_does):
    """Weights of an InceptionV3, but random ones."""
    path = tmp_path_factory.mktemp("inception") / "random.h5"
    keras.utils.set_random_seed(0)
    save_as_keras_does(keras.applications.InceptionV3(include_top=False, weights=None), path)
    return path


@pytest.mark.slow
def test_distances_are_those_of_the_extractor_of_the_settings(finished, inception, tmp_path):
    setting = ("--set", f"evaluate.inception={inception}")
    refused = finished.command("evaluate", *setting)
    assert refused.exit_code == 1
    assert (
        "evaluate/cyclegan was made with inception = absent (now random.h5 (sha" in refused.output
    )
    shutil.copytree(finished.root, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "evaluate" / "cyclegan")
    again = finished.command("evaluate", *setting, "--run", tmp_path / "run")
    assert again.exit_code == 0, again.output
    before, after = (
        files.read_json(root / "evaluate" / "cyclegan.json")
        for root in (finished.root, tmp_path / "run")
    )
    assert before["features"] == "the bottom of the segmenter source_only, mean over the image"
    assert after["frechet_distance"] != before["frechet_distance"]
    assert after["drift"] == before["drift"]  # Which is the segmenter's matter.
    extract, label = load_inception(str(inception))
    a, b = (
        distribution.extract_features(extract, finished.records(f"prepare/{domain}-train"), 1)
        for domain in ("source", "target")
    )
    assert after["features"] == label
    assert after["frechet_distance"]["source"] == pytest.approx(
        distribution.frechet_distance(a, b), rel=1e-3
    )


@pytest.mark.parametrize("command", ["run"])
def test_missing_weights_are_missed_before_anything_is_done(finished, tmp_path, command):
    setting = ("--set", f"evaluate.inception={tmp_path / 'gone.h5'}")
    refused = finished.command(command, *setting, "--run", tmp_path / "run")
    assert refused.exit_code == 1
    assert re.search(r"gone.h5 is not there; give an .h5 file of weights", refused.output)
    assert not (tmp_path / "run" / "prepare").exists()
