import inspect
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config
from i2i_keras.data.records import Record
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.models.networks import SEGMENTERS
from i2i_keras.run_folder import files
from i2i_keras.segmenters.losses import accuracy
from i2i_keras.segmenters.segmenter import Examples, fit, load
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.training import checkpoints

# --- Training ---------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny, records):
    folder = tmp_path_factory.mktemp("whole")
    facts = fit(tiny(schedule="cosine"), Examples(records, records[:1]), 3, folder, 5)
    return folder, facts


@pytest.fixture(scope="module")
def overfitted(tmp_path_factory, tiny, records):
    """A segmenter that saw the same two images again and again."""
    folder = tmp_path_factory.mktemp("overfitted")
    config = tiny(steps=150, checkpoint_every=150, learning_rate=0.01)
    fit(config, Examples(records), 3, folder, 0)
    return folder


def weights(folder):
    return load(folder).model.get_weights()


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


def read(record):
    with Image.open(record.image) as image, Image.open(record.label) as label:
        return np.asarray(image)[np.newaxis] / 127.5 - 1.0, np.asarray(label)[np.newaxis]


def test_two_images_can_be_learned_by_heart(overfitted, records):
    model = load(overfitted).model
    for record in records:
        image, label = read(record)
        logits = model(np.pad(image, [(0, 0), (0, 0), (0, 1), (0, 0)], "symmetric"))[:, :, :25]
        assert accuracy(label, logits) > 0.95


def test_the_history_says_how_it_went(whole):
    rows = files.read_table(whole[0] / "history.csv")
    assert [row["step"] for row in rows] == ["2", "4"]
    assert list(rows[0]) == [
        "step",
        "loss",
        "accuracy",
        "learning_rate",
        "val_loss",
        "val_accuracy",
    ]
    assert all(0 <= float(row["val_accuracy"]) <= 1 for row in rows)


def test_cosine_lowers_the_rate_along_a_half_wave(whole):
    rates = [float(row["learning_rate"]) for row in files.read_table(whole[0] / "history.csv")]
    # Of the second and the fourth step, after a quarter and three quarters.
    expected = 1e-3 * (1 + np.cos(np.pi * np.array([0.25, 0.75]))) / 2
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_constant_keeps_the_rate_and_without_val_there_is_no_validation(overfitted):
    [row] = files.read_table(overfitted / "history.csv")
    assert float(row["learning_rate"]) == pytest.approx(0.01)
    assert not any(column.startswith("val_") for column in row)


def test_the_facts_are_steps_and_size(whole):
    folder, facts = whole
    trainable = sum(int(np.prod(v.shape)) for v in load(folder).model.trainable_variables)
    assert facts | {"steps": 4, "trainable_parameters": trainable} == facts


def test_neither_a_kill_nor_a_validation_changes_a_weight(whole, tiny, records, tmp_path):
    shutil.copytree(
        whole[0] / "checkpoints",
        tmp_path / "checkpoints",
        ignore=shutil.ignore_patterns("ckpt-4*"),
    )
    (tmp_path / "checkpoints" / "checkpoint").write_text(
        'model_checkpoint_path: "ckpt-2"\nall_model_checkpoint_paths: "ckpt-2"\n', "utf-8"
    )
    fit(tiny(schedule="cosine"), Examples(records), 3, tmp_path, 5)
    assert_equal(weights(whole[0]), weights(tmp_path))


@pytest.mark.parametrize(("changes", "seed"), [({"dice": 0.5}, 5), ({}, 6)])
def test_a_state_that_another_training_made_is_refused(
    whole, tiny, records, tmp_path, changes, seed
):
    shutil.copytree(whole[0] / "checkpoints", tmp_path / "checkpoints")
    with pytest.raises(DataError, match=r"checkpoints was made with other settings or another se"):
        chosen = tiny(schedule="cosine", **changes)
        fit(chosen, Examples(records, records[:1]), 3, tmp_path, seed)


def test_a_loaded_segmenter_needs_nothing_but_its_folder(whole, tmp_path):
    for name in ("config.json", "unet.weights.h5"):
        shutil.copy(whole[0] / name, tmp_path)
    assert_equal(weights(whole[0]), weights(tmp_path))


def test_a_record_without_label_is_refused_before_anything_is_built(tiny, records, tmp_path):
    unlabelled = records[1]._replace(label=None)
    with pytest.raises(DataError, match=r"1.png has no label; give it one, or leave out the arms"):
        fit(tiny(), Examples([records[0], unlabelled]), 3, tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_segmenter_is_told_nothing_of_its_arm():
    # Source-only, adapted and oracle are one function of three lists, and of
    # the target it gets paths of images.
    names = list(inspect.signature(fit).parameters)
    assert names == ["config", "examples", "num_classes", "folder", "seed"]
    assert inspect.get_annotations(Examples) == {
        "train": Sequence[Record],
        "val": Sequence[Record],
        "target": Sequence[Path],
    }


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_almost_as_float32(whole, tiny, records, tmp_path, precision):
    fit(
        tiny(schedule="cosine", precision=precision), Examples(records, records[:1]), 3, tmp_path, 5
    )
    one, two = (files.read_table(folder / "history.csv") for folder in (whole[0], tmp_path))
    for name in ("loss", "val_loss", "learning_rate"):
        values = [[float(row[name]) for row in rows] for rows in (one, two)]
        np.testing.assert_allclose(*values, rtol=0.03)
    assert load(tmp_path).model(np.zeros((1, 16, 16, 3))).dtype == tf.float32
    state = tf.train.load_checkpoint(str(tmp_path / "checkpoints" / "ckpt-4"))
    scales = [name for name in state.get_variable_to_shape_map() if "loss_scale" in name]
    assert bool(scales) == (precision == "mixed_float16")


# --- Settings ---------------------------------------------------------------


def test_the_defaults_are_those_of_the_report():
    report = SegmenterConfig()
    assert (report.pipeline.batch_size, report.pipeline.crop) == (32, (256, 256))
    assert (report.epochs, report.unet.l2, report.built.stride) == (15.0, 0.01, 16)


def test_a_crop_has_to_fit_the_networks_stride():
    with pytest.raises(SettingsError, match=r"pipeline.crop has to be a multiple of 16"):
        config.build(SegmenterConfig, {"pipeline": {"crop": [40, 48]}})


def test_a_batch_has_to_fall_into_equal_parts():
    with pytest.raises(SettingsError, match="batch_size has to be a multiple of accumulate"):
        config.build(SegmenterConfig, {"accumulate": 5})


def test_an_unknown_network_is_named_with_those_that_there_are():
    with pytest.raises(SettingsError, match=r"'network': no network 'fcn'; there are unet"):
        config.build(SegmenterConfig, {"network": "fcn"})


def test_a_training_does_not_depend_on_the_settings_of_other_networks():
    facts = SegmenterConfig().facts()
    assert facts["network"] == "unet" and facts["unet"]["filters"] == 64
    assert not {*SEGMENTERS} - {"unet"} & {*facts}


# --- Which weights are kept -------------------------------------------------


@pytest.fixture(scope="module")
def selected(tmp_path_factory, tiny, records):
    """Trainings that differ in `select` alone; a high rate makes them jump."""
    found = {}
    for select in ("last", "val_loss", "entropy"):
        folder = tmp_path_factory.mktemp(select)
        config = tiny(select=select, learning_rate=0.5, steps=6, keep_checkpoints=9)
        examples = Examples(records, records[1:], [record.image for record in records])
        found[select] = folder, fit(config, examples, 3, folder, 3)
    return found


@pytest.mark.parametrize(
    ("select", "column"), [("val_loss", "val_loss"), ("entropy", "target_entropy")]
)
def test_the_row_with_the_lowest_value_is_kept(selected, select, column):
    folder, facts = selected[select]
    rows = files.read_table(folder / "history.csv")
    best = min(rows, key=lambda row: float(row[column]))
    assert facts["kept_step"] == facts["best_step"] == int(best["step"])
    state = load(folder, facts["kept_step"]).model.get_weights()
    assert_equal(weights(folder), state)


def test_selections_differ_from_the_last_weights(selected):
    steps = {select: facts["kept_step"] for select, (_, facts) in selected.items()}
    assert steps["last"] == 6
    assert steps["val_loss"] < 6 or steps["entropy"] < 6


def test_selection_changes_no_step_of_the_training(selected):
    last, other = (load(selected[s][0], 6).model.get_weights() for s in ("last", "entropy"))
    assert_equal(last, other)


def test_the_entropy_is_that_of_the_targets_pictures(selected, records):
    folder, _ = selected["entropy"]
    row = files.read_table(folder / "history.csv")[0]
    network, values = load(folder, int(row["step"])), []
    for record in records:
        image, _ = read(record)
        logits = network.segment(np.pad(image, [(0, 0), (0, 0), (0, 1), (0, 0)], "symmetric"))
        shares = tf.nn.softmax(logits).numpy().astype(np.float64)
        values.append(-(shares * np.log(shares + 1e-30)).sum(-1).mean() / np.log(3))
    assert float(row["target_entropy"]) == pytest.approx(np.mean(values), rel=1e-3, abs=1e-6)


def test_without_validation_there_is_nothing_to_select_by(tiny, records, tmp_path):
    with pytest.raises(DataError, match=r"no validation records to select by; use .*'last'"):
        fit(tiny(select="val_loss"), Examples(records), 3, tmp_path, 0)


def test_the_kept_states_are_those_of_the_history(selected):
    assert checkpoints.kept_steps(selected["last"][0]) == [2, 4, 6]


def test_a_state_that_is_gone_is_named(selected):
    with pytest.raises(DataError, match=r"ckpt-5 cannot be read as a state of network"):
        load(selected["last"][0], 5)
