import inspect
import math
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config, runs
from i2i_keras.data.labels import IGNORE
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.training.segmenter import SegmenterConfig, accuracy, cross_entropy, fit, load

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)
LABEL = RNG.choice([0, 1, 2, IGNORE], (2, 5, 6)).astype(np.int32)
COUNTED = LABEL != IGNORE


# --- Loss and accuracy ------------------------------------------------------


def test_the_loss_is_the_mean_over_the_pixels_that_count():
    values = LOGITS.astype(np.float64)
    log_sum = np.log(np.exp(values).sum(axis=-1))
    expected = (log_sum[COUNTED] - values[COUNTED, LABEL[COUNTED]]).mean()
    np.testing.assert_allclose(cross_entropy(LABEL, LOGITS), expected, rtol=1e-5)


def test_the_loss_is_that_of_keras():
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE)
    np.testing.assert_allclose(cross_entropy(LABEL, LOGITS), theirs(LABEL, LOGITS), rtol=1e-5)


def test_ignored_pixels_get_no_gradient():
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = cross_entropy(LABEL, logits)
    gradient = np.abs(tape.gradient(loss, logits)).max(axis=-1)
    np.testing.assert_array_equal(gradient > 0, COUNTED)


def test_without_knowledge_the_loss_is_log_of_the_number_of_classes():
    np.testing.assert_allclose(cross_entropy(LABEL, 0 * LOGITS), math.log(3), rtol=1e-6)


@pytest.mark.parametrize("score", [cross_entropy, accuracy])
def test_where_all_is_ignored_there_is_nothing_to_lose(score):
    assert score(np.full_like(LABEL, IGNORE), LOGITS) == 0.0


def test_the_loss_of_huge_logits_is_finite():
    logits = tf.one_hot(LABEL, 3, on_value=-1e4, off_value=1e4)
    assert np.isfinite(cross_entropy(LABEL, logits))


def test_accuracy_is_the_share_of_right_ones_among_those_that_count():
    expected = (LOGITS.argmax(-1) == LABEL)[COUNTED].mean()
    np.testing.assert_allclose(accuracy(LABEL, LOGITS), expected, rtol=1e-6)


# --- Training ---------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny, records):
    folder = tmp_path_factory.mktemp("whole")
    facts = fit(tiny(schedule="cosine"), records, records[:1], 3, folder, 5)
    return folder, facts


@pytest.fixture(scope="module")
def overfitted(tmp_path_factory, tiny, records):
    """A segmenter that saw the same two images again and again."""
    folder = tmp_path_factory.mktemp("overfitted")
    config = tiny(steps=150, checkpoint_every=150, learning_rate=0.01)
    fit(config, records, [], 3, folder, 0)
    return folder


def weights(folder):
    return load(folder).get_weights()


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


def read(record):
    with Image.open(record.image) as image, Image.open(record.label) as label:
        return np.asarray(image)[np.newaxis] / 127.5 - 1.0, np.asarray(label)[np.newaxis]


def test_two_images_can_be_learned_by_heart(overfitted, records):
    model = load(overfitted)
    for record in records:
        image, label = read(record)
        logits = model(np.pad(image, [(0, 0), (0, 0), (0, 1), (0, 0)], "symmetric"))[:, :, :25]
        assert accuracy(label, logits) > 0.95


def test_the_history_says_how_it_went(whole):
    rows = runs.read_table(whole[0] / "history.csv")
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
    rates = [float(row["learning_rate"]) for row in runs.read_table(whole[0] / "history.csv")]
    # Of the second and the fourth step, after a quarter and three quarters.
    expected = 1e-3 * (1 + np.cos(np.pi * np.array([0.25, 0.75]))) / 2
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_constant_keeps_the_rate_and_without_val_there_is_no_validation(overfitted):
    [row] = runs.read_table(overfitted / "history.csv")
    assert float(row["learning_rate"]) == pytest.approx(0.01)
    assert not any(column.startswith("val_") for column in row)


def test_the_facts_are_steps_and_size(whole):
    folder, facts = whole
    trainable = sum(int(np.prod(v.shape)) for v in load(folder).trainable_variables)
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
    fit(tiny(schedule="cosine"), records, [], 3, tmp_path, 5)
    assert_equal(weights(whole[0]), weights(tmp_path))


def test_a_loaded_segmenter_needs_nothing_but_its_folder(whole, tmp_path):
    for name in ("config.json", "unet.weights.h5"):
        shutil.copy(whole[0] / name, tmp_path)
    assert_equal(weights(whole[0]), weights(tmp_path))


def test_a_record_without_label_is_refused_before_anything_is_built(tiny, records, tmp_path):
    unlabelled = records[1]._replace(label=None)
    with pytest.raises(DataError, match=r"1.png has no label; this arm cannot be trained"):
        fit(tiny(), [records[0], unlabelled], [], 3, tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_segmenter_is_told_nothing_of_its_arm():
    # Source-only, adapted and oracle are one function of three lists.
    names = list(inspect.signature(fit).parameters)
    assert names == ["config", "train", "val", "num_classes", "folder", "seed"]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_almost_as_float32(whole, tiny, records, tmp_path, precision):
    fit(tiny(schedule="cosine", precision=precision), records, records[:1], 3, tmp_path, 5)
    one, two = (runs.read_table(folder / "history.csv") for folder in (whole[0], tmp_path))
    for name in ("loss", "val_loss", "learning_rate"):
        values = [[float(row[name]) for row in rows] for rows in (one, two)]
        np.testing.assert_allclose(*values, rtol=0.03)
    assert load(tmp_path)(np.zeros((1, 16, 16, 3))).dtype == tf.float32
    state = tf.train.load_checkpoint(str(tmp_path / "checkpoints" / "ckpt-4"))
    scales = [name for name in state.get_variable_to_shape_map() if "loss_scale" in name]
    assert bool(scales) == (precision == "mixed_float16")


# --- Settings ---------------------------------------------------------------


def test_the_defaults_are_those_of_the_report():
    report = SegmenterConfig()
    assert (report.pipeline.batch_size, report.pipeline.crop) == (32, (256, 256))
    assert (report.epochs, report.network.l2, report.network.stride) == (15.0, 0.01, 16)


def test_a_crop_has_to_fit_the_networks_stride():
    with pytest.raises(SettingsError, match=r"pipeline.crop has to be a multiple of 16"):
        config.build(SegmenterConfig, {"pipeline": {"crop": [40, 48]}})
