import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import stats

from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record
from i2i_keras.segmenters.losses import (
    accuracy,
    class_shares,
    cross_entropy,
    dice_loss,
    entropy,
    inverse_log,
    mean_entropy,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)
LABEL = RNG.choice([0, 1, 2, IGNORE], (2, 5, 6)).astype(np.int32)
COUNTED = LABEL != IGNORE


def test_the_loss_is_the_mean_over_the_pixels_that_count():
    values = LOGITS.astype(np.float64)
    log_sum = np.log(np.exp(values).sum(axis=-1))
    expected = (log_sum[COUNTED] - values[COUNTED, LABEL[COUNTED]]).mean()
    np.testing.assert_allclose(cross_entropy(LABEL, LOGITS), expected, rtol=1e-5)


def test_the_loss_is_that_of_keras():
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE)
    np.testing.assert_allclose(cross_entropy(LABEL, LOGITS), theirs(LABEL, LOGITS), rtol=1e-5)


def test_the_gradient_is_the_probability_less_the_truth():
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = cross_entropy(LABEL, logits)
    powers = np.exp(LOGITS.astype(np.float64))
    truth = np.eye(3)[np.where(COUNTED, LABEL, 0)]
    expected = (powers / powers.sum(axis=-1, keepdims=True) - truth) / COUNTED.sum()
    expected[~COUNTED] = 0.0
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-7)


@pytest.mark.parametrize(
    "loss_of",
    [
        cross_entropy,
        lambda label, logits: cross_entropy(label, logits, 0.1, [1.0, 2.0, 3.0]),
        dice_loss,
    ],
    ids=["cross entropy", "smoothed and weighted", "dice"],
)
def test_ignored_pixels_get_no_gradient(loss_of):
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = loss_of(LABEL, logits)
    gradient = np.abs(tape.gradient(loss, logits)).max(axis=-1)
    np.testing.assert_array_equal(gradient > 0, COUNTED)


def test_a_pixels_weight_scales_its_loss_and_not_the_number_of_pixels():
    weights = RNG.uniform(size=LABEL.shape).astype(np.float32)
    values = LOGITS.astype(np.float64)
    losses = np.log(np.exp(values).sum(axis=-1))[COUNTED] - values[COUNTED, LABEL[COUNTED]]
    expected = (weights[COUNTED] * losses).mean()
    found = cross_entropy(LABEL, LOGITS, pixel_weights=weights)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_without_knowledge_the_loss_is_log_of_the_number_of_classes():
    np.testing.assert_allclose(cross_entropy(LABEL, 0 * LOGITS), math.log(3), rtol=1e-6)


@pytest.mark.parametrize("score", [cross_entropy, accuracy, dice_loss])
def test_where_all_is_ignored_there_is_nothing_to_lose(score):
    assert score(np.full_like(LABEL, IGNORE), LOGITS) == 0.0


def test_the_loss_of_huge_logits_is_finite():
    logits = tf.one_hot(LABEL, 3, on_value=-1e4, off_value=1e4)
    assert np.isfinite(cross_entropy(LABEL, logits))


def test_accuracy_is_the_share_of_right_ones_among_those_that_count():
    expected = (LOGITS.argmax(-1) == LABEL)[COUNTED].mean()
    np.testing.assert_allclose(accuracy(LABEL, LOGITS), expected, rtol=1e-6)


def log_shares():
    values = LOGITS.astype(np.float64)
    return values - np.log(np.exp(values).sum(axis=-1, keepdims=True))


def test_smoothing_gives_all_classes_a_share_of_the_truth():
    truth = 0.7 * np.eye(3)[LABEL[COUNTED]] + 0.3 / 3
    expected = -(truth * log_shares()[COUNTED]).sum(-1).mean()
    np.testing.assert_allclose(cross_entropy(LABEL, LOGITS, 0.3), expected, rtol=1e-5)


def test_smoothing_is_that_of_keras():
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3)
    truth = np.eye(3, dtype=np.float32)[LABEL[COUNTED]]
    expected = theirs(truth, LOGITS[COUNTED])
    np.testing.assert_allclose(cross_entropy(LABEL, LOGITS, 0.3), expected, rtol=1e-5)


def test_class_weights_weight_pixels_and_their_mean():
    weights = np.array([0.5, 1.0, 4.0])
    there = weights[LABEL[COUNTED]]
    losses = -log_shares()[COUNTED, LABEL[COUNTED]]
    expected = (there * losses).sum() / there.sum()
    found = cross_entropy(LABEL, LOGITS, class_weights=[*weights])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert not np.isclose(found, cross_entropy(LABEL, LOGITS))


def test_equal_class_weights_change_nothing():
    found = cross_entropy(LABEL, LOGITS, class_weights=[7.0, 7.0, 7.0])
    np.testing.assert_allclose(found, cross_entropy(LABEL, LOGITS), rtol=1e-6)


def test_the_dice_loss_equals_a_loop_over_classes():
    shares, losses = np.exp(log_shares())[COUNTED], []
    for number in range(3):
        truth = LABEL[COUNTED] == number
        overlap = shares[truth, number].sum()
        losses.append(1 - 2 * overlap / (truth.sum() + shares[:, number].sum()))
    np.testing.assert_allclose(dice_loss(LABEL, LOGITS), np.mean(losses), rtol=1e-5)


def test_the_dice_loss_of_the_truth_is_zero_and_of_its_opposite_one():
    label = np.array([[[0, 0, 0, 1, IGNORE]]])
    sure = 50.0 * tf.one_hot([[[0, 0, 0, 1, 2]]], 3)
    assert float(dice_loss(label, sure)) == pytest.approx(0.0, abs=1e-6)
    wrong = 50.0 * tf.one_hot([[[2, 2, 2, 2, 0]]], 3)
    assert float(dice_loss(label, wrong)) == pytest.approx(1.0, abs=1e-6)


def test_in_the_dice_loss_a_rare_class_counts_as_much_as_a_frequent_one():
    label = np.zeros((1, 10, 10), np.int32)
    label[0, 0, 0] = 1
    all_zero = 50.0 * tf.one_hot(np.zeros((1, 10, 10), int), 2)
    # One pixel of 100 is wrong: a class is missed, the other nearly right.
    assert float(dice_loss(label, all_zero)) == pytest.approx((1.0 + 1 / 199) / 2, rel=1e-4)


# --- Weights of classes -----------------------------------------------------


def test_weights_are_those_of_the_paper_up_to_a_factor():
    shares = np.array([0.7, 0.2, 0.1, 0.0])
    weights = inverse_log(shares)
    expected = 1 / np.log(1.02 + shares)
    np.testing.assert_allclose(weights / weights[0], expected / expected[0])


def test_the_mean_weight_of_a_pixel_is_one():
    shares = np.array([0.7, 0.2, 0.1, 0.0])
    assert (shares * inverse_log(shares)).sum() == pytest.approx(1.0)
    np.testing.assert_allclose(inverse_log(np.full(4, 0.25)), 1.0)


def test_shares_are_of_the_pixels_that_count(tmp_path):
    records = []
    for number, label in enumerate(([[0, 0, 1, IGNORE]], [[0, 3, IGNORE, IGNORE]])):
        Image.fromarray(np.array(label, np.uint8)).save(tmp_path / f"{number}.png")
        records.append(Record(str(number), tmp_path / "none.png", tmp_path / f"{number}.png"))
    np.testing.assert_allclose(class_shares(records, 5), [3 / 5, 1 / 5, 0, 1 / 5, 0])


# --- Entropy ----------------------------------------------------------------


def test_the_entropy_is_that_of_the_softmax():
    expected = -(np.exp(log_shares()) * log_shares()).sum(-1).mean() / np.log(3)
    np.testing.assert_allclose(mean_entropy(tf.constant(LOGITS)), expected, rtol=1e-5)


def test_each_pixel_has_an_entropy_of_its_own():
    expected = stats.entropy(np.exp(log_shares()), axis=-1, base=3)
    np.testing.assert_allclose(entropy(tf.constant(LOGITS)), expected, rtol=1e-5)


def test_the_entropy_is_one_without_knowledge_and_zero_when_sure():
    assert float(mean_entropy(tf.zeros((1, 2, 2, 7)))) == pytest.approx(1.0)
    assert float(mean_entropy(100.0 * tf.one_hot([[[1, 2]]], 7))) == pytest.approx(0.0, abs=1e-6)
