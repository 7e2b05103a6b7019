import inspect
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.order import Order
from i2i_keras.data.records import Record
from i2i_keras.errors import DataError, FileError, SettingsError
from i2i_keras.models.networks import SEGMENTERS
from i2i_keras.run_folder import files
from i2i_keras.segmenters.losses import accuracy, cross_entropy, dice_loss
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.segmenter_training import Examples, fit
from i2i_keras.segmenters.trained import load

RNG = np.random.default_rng(0)
IMAGES = tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32)
LABELS = tf.constant(RNG.choice([0, 1, 2, IGNORE], (2, 16, 16)), tf.int32)
RATE = 1e-2


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
    with pytest.raises(SettingsError, match=r"'network': there is no 'fcn'; it is one of unet"):
        config.build(SegmenterConfig, {"network": "fcn"})


def test_a_training_does_not_depend_on_the_settings_of_other_networks():
    facts = SegmenterConfig().facts()
    assert facts["network"] == "unet" and facts["unet"]["filters"] == 64
    assert not {*SEGMENTERS} - {"unet"} & {*facts}


# --- A step ------------------------------------------------------------------


@pytest.fixture(scope="module")
def build(tiny):
    """A compiled model, always with the same weights."""

    def make(class_weights=None, **changes):
        tf.keras.utils.set_random_seed(3)
        model = SegmenterModel(tiny(learning_rate=RATE, **changes), 3, class_weights)
        model.compile(steps=10)
        return model

    return make


def step(model, images=IMAGES, labels=LABELS):
    """Losses of one update, and each variable before and after it."""
    before = [variable.numpy() for variable in model.network.trainable_variables]
    losses = {name: float(value) for name, value in model.train_step((images, labels)).items()}
    after = [variable.numpy() for variable in model.network.trainable_variables]
    return losses, before, after


def pairs(model, one, other):
    """Weights, but for biases before a batch norm, which takes them away.

    Their gradient is rounding error, of which Adam makes whole steps.
    """
    names = [variable.name for variable in model.network.trainable_variables]
    rows = zip(names, one, other, strict=True)
    return [(a, b) for name, a, b in rows if "bias" not in name or "logits" in name]


def test_every_variable_moves(build):
    model = build()
    _, before, after = step(model)
    for variable, old, new in zip(model.network.trainable_variables, before, after, strict=True):
        assert not np.array_equal(old, new), variable.name


def test_without_options_the_loss_is_the_cross_entropy(build):
    model = build()
    expected = cross_entropy(LABELS, model.network(IMAGES, training=True))
    losses, _, _ = step(build())
    assert losses.keys() == {"loss", "accuracy"}
    assert losses["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_dice_is_added_with_its_weight(build):
    logits = build().network(IMAGES, training=True)
    losses, _, _ = step(build(dice=0.25))
    assert losses["cross_entropy"] == pytest.approx(float(cross_entropy(LABELS, logits)), rel=1e-5)
    assert losses["dice"] == pytest.approx(float(dice_loss(LABELS, logits)), rel=1e-5)
    assert losses["loss"] == pytest.approx(losses["cross_entropy"] + 0.25 * losses["dice"])


def test_smoothing_and_class_weights_are_those_of_the_cross_entropy(build):
    logits = build().network(IMAGES, training=True)
    losses, _, _ = step(build([1.0, 2.0, 5.0], label_smoothing=0.2))
    expected = cross_entropy(LABELS, logits, 0.2, [1.0, 2.0, 5.0])
    assert losses["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_l2_is_of_the_squares_of_the_kernels(build):
    model = build(unet={"filters": 4, "depth": 1, "l2": 0.01})
    kernels = [v.numpy() for v in model.network.trainable_variables if "kernel" in v.name]
    losses, _, _ = step(model)
    # A network of depth 1 has eight convolutions: all are first or last ones.
    expected = 0.01 * sum(np.square(kernel, dtype=np.float64).sum() for kernel in kernels)
    assert losses["l2"] == pytest.approx(expected, rel=1e-5)
    assert losses["loss"] == pytest.approx(losses["cross_entropy"] + losses["l2"], rel=1e-5)


def test_weight_decay_shrinks_kernels_and_nothing_else(build):
    model = build(weight_decay=0.1)
    _, before, decayed = step(model)
    _, _, plain = step(build())
    rows = zip(model.network.trainable_variables, before, decayed, plain, strict=True)
    for variable, old, shrunk, new in rows:
        expected = RATE * 0.1 * old if "kernel" in variable.name else np.zeros_like(old)
        np.testing.assert_allclose(new - shrunk, expected, atol=1e-7, err_msg=variable.name)


def test_parts_of_a_batch_give_the_update_of_the_whole(build):
    # Two equal halves: only then does batch norm see the same in both.
    images, labels = (tf.concat([batch[:1], batch[:1]], 0) for batch in (IMAGES, LABELS))
    model = build()
    whole, _, one = step(model, images, labels)
    parts, _, other = step(build(accumulate=2), images, labels)
    assert parts == pytest.approx(whole, rel=1e-5)
    for a, b in pairs(model, one, other):
        np.testing.assert_allclose(a, b, atol=0.02 * RATE)


def test_a_validation_is_of_the_plain_cross_entropy_and_moves_nothing(build):
    model = build([1.0, 2.0, 5.0], label_smoothing=0.2, dice=1.0)
    before = model.get_weights()
    found = model.test_step((IMAGES, LABELS))
    expected = cross_entropy(LABELS, model.network(IMAGES, training=False))
    assert float(found["loss"]) == pytest.approx(float(expected), rel=1e-5)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_logits_and_losses_are_float32(build, precision):
    model = build(precision=precision)
    assert model.network(IMAGES).dtype == tf.float32
    assert model.train_step((IMAGES, LABELS))["loss"].dtype == tf.float32


def test_xla_stays_on_where_operations_are_deterministic(build):
    tf.config.experimental.enable_op_determinism()
    assert build(xla="on").xla
    assert not build(xla="off").xla


@pytest.mark.slow  # XLA needs half a minute to compile even this.
def test_xla_changes_the_speed_and_not_the_step(build):
    steps = {}
    for xla in (False, True):
        model = build(dice=0.5, weight_decay=0.1, accumulate=2)
        compiled = tf.function(model.train_step, jit_compile=xla)
        losses = {name: float(value) for name, value in compiled((IMAGES, LABELS)).items()}
        steps[xla] = losses, [v.numpy() for v in model.network.trainable_variables]
    assert steps[True][0] == pytest.approx(steps[False][0], rel=1e-4)
    for a, b in pairs(model, steps[True][1], steps[False][1]):
        # Adam's first step is the sign of the gradient where that is not tiny.
        assert np.mean(np.abs(a - b) < 0.01 * RATE) > 0.95


# --- A training -------------------------------------------------------------


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


def test_the_history_says_how_it_went(trained):
    rows = files.read_table(trained[0] / "history.csv")
    assert [row["step"] for row in rows] == ["2", "4"]
    assert list(rows[0]) == [
        "step",
        "loss",
        "accuracy",
        "learning_rate",
        "val_loss",
        "val_accuracy",
        "val_class_diversity",
    ]
    assert all(0 <= float(row["val_accuracy"]) <= 1 for row in rows)


def test_cosine_lowers_the_rate_along_a_half_wave(trained):
    rates = [float(row["learning_rate"]) for row in files.read_table(trained[0] / "history.csv")]
    # Of the second and the fourth step, after a quarter and three quarters.
    expected = 1e-3 * (1 + np.cos(np.pi * np.array([0.25, 0.75]))) / 2
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_constant_keeps_the_rate_and_without_val_there_is_no_validation(overfitted):
    [row] = files.read_table(overfitted / "history.csv")
    assert float(row["learning_rate"]) == pytest.approx(0.01)
    assert not any(column.startswith("val_") for column in row)


def test_the_facts_are_steps_and_size(trained):
    folder, facts = trained
    trainable = sum(int(np.prod(v.shape)) for v in load(folder).model.trainable_variables)
    assert facts | {"steps": 4, "trainable_parameters": trainable} == facts


def test_neither_a_kill_nor_a_validation_changes_a_weight(trained, tiny, records, tmp_path):
    shutil.copytree(
        trained[0] / "checkpoints",
        tmp_path / "checkpoints",
        ignore=shutil.ignore_patterns("ckpt-4*"),
    )
    (tmp_path / "checkpoints" / "checkpoint").write_text(
        'model_checkpoint_path: "ckpt-2"\nall_model_checkpoint_paths: "ckpt-2"\n', "utf-8"
    )
    fit(tiny(schedule="cosine"), Examples(records), 3, tmp_path, 5)
    # Operations are not deterministic here: a busy machine rounds otherwise,
    # and of a gradient that is nothing else Adam makes a step.
    for one, other in zip(weights(trained[0]), weights(tmp_path), strict=True):
        apart = np.abs(one - other)
        assert np.median(apart) < 1e-5 and apart.max() < 2e-3


@pytest.mark.parametrize(("changes", "seed"), [({"dice": 0.5}, 5), ({}, 6)])
def test_a_checkpoint_that_another_training_made_is_refused(
    trained, tiny, records, tmp_path, changes, seed
):
    shutil.copytree(trained[0] / "checkpoints", tmp_path / "checkpoints")
    with pytest.raises(DataError, match=r"checkpoints was made with other settings or another se"):
        chosen = tiny(schedule="cosine", **changes)
        fit(chosen, Examples(records, records[:1]), 3, tmp_path, seed)


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
        "order": Order | None,
    }


@pytest.mark.parametrize(
    "precision", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_half_precision_trains_almost_as_float32(trained, tiny, records, tmp_path, precision):
    fit(
        tiny(schedule="cosine", precision=precision), Examples(records, records[:1]), 3, tmp_path, 5
    )
    one, two = (files.read_table(folder / "history.csv") for folder in (trained[0], tmp_path))
    for name in ("loss", "val_loss", "learning_rate"):
        values = [[float(row[name]) for row in rows] for rows in (one, two)]
        np.testing.assert_allclose(*values, rtol=0.03)
    assert load(tmp_path).model(np.zeros((1, 16, 16, 3))).dtype == tf.float32
    reader = tf.train.load_checkpoint(str(tmp_path / "checkpoints" / "ckpt-4"))
    scales = [
        name
        for name in reader.get_variable_to_shape_map()
        if re.search("loss_scale|dynamic_scale", name)
    ]
    assert bool(scales) == (precision == "mixed_float16")


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
    kept = load(folder, facts["kept_step"]).model.get_weights()
    assert_equal(weights(folder), kept)


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


# --- Labels that give nothing to learn ---------------------------------------


@pytest.mark.parametrize(
    ("part", "select", "told"),
    [("train", "last", "2 training labels are ignored"), ("val", "val_loss", "1 validation label")],
)
def test_labels_that_are_all_ignored_are_refused(tmp_path, tiny, records, part, select, told):
    ignored = []
    for record in records:
        label = tmp_path / record.label.name
        Image.fromarray(np.full((20, 25), 255, np.uint8)).save(label)
        ignored.append(record._replace(label=label))
    examples = {"train": records, "val": records[:1]}
    examples[part] = ignored[: len(examples[part])]
    with pytest.raises(DataError, match=f"All pixels of {told}"):
        fit(tiny(select=select), Examples(**examples), 3, tmp_path / "out", 0)
    assert not (tmp_path / "out").exists()


def test_a_label_of_another_size_than_its_image_is_refused(tmp_path, tiny, records):
    label = tmp_path / "label.png"
    Image.fromarray(np.zeros((20, 24), np.uint8)).save(label)
    with pytest.raises(FileError, match=r"label\.png is of 24x20 pixels, its image of 25x20"):
        fit(tiny(), Examples([records[0]._replace(label=label), records[1]]), 3, tmp_path, 0)
