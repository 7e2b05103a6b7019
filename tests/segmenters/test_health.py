import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.errors import DataError
from i2i_keras.segmenters.health import diagnose, predicted_pixels, refuse_not_finite, validate


def kinds(rows):
    return [warning.kind for warning in diagnose(rows)]


def rows(losses, accuracy=0.3, **more):
    return [{"loss": loss, "accuracy": accuracy, **more} for loss in losses]


def test_a_loss_that_rises_has_diverged():
    assert kinds(rows([1.0, 0.9, 2.0, 3.0, 4.0, 5.0])) == ["diverged"]


def test_a_loss_that_does_not_fall_is_told():
    assert kinds(rows([3.0, 3.1, 2.9, 3.0, 3.0, 3.0])) == ["does not fall"]


def test_a_loss_that_has_arrived_is_well():
    assert kinds(rows([0.1] * 6, accuracy=0.97)) == []


def test_a_loss_that_falls_is_well_from_the_first_row_on():
    losses = [3.0, 2.0, 1.5, 1.2, 1.0, 0.9]
    assert not any(kinds(rows(losses[:number])) for number in range(1, 7))


def test_labels_that_are_all_ignored_are_told():
    assert kinds(rows([0.0] * 3, accuracy=0.0)) == ["all ignored"]


@pytest.mark.parametrize(("truth", "told"), [((0, 1, 2), ["constant class"]), ((2, 2, 2), [])])
def test_one_class_everywhere_is_told_unless_it_is_the_truth(truth, told):
    batch = tf.one_hot([[[2, 2, 2]]], 3), tf.constant([[truth]])
    assert kinds(rows([1.0, 0.9, 0.8], **validate(losses_of, [batch]))) == told


def test_predicted_and_true_pixels_are_counted_but_for_ignored_ones():
    labels = tf.constant([[[0, 1, 255, 1]]])
    logits = tf.one_hot([[[0, 0, 1, 1]]], 3)
    np.testing.assert_array_equal(predicted_pixels(labels, logits), [[2, 1, 0], [1, 2, 0]])


def losses_of(batch):
    images, labels = batch
    known = predicted_pixels(labels, images)
    return {"loss": tf.reduce_mean(images), "predicted": known}


def test_a_mean_over_ignored_pixels_alone_is_absent_and_not_0():
    ignored = tf.zeros((1, 1, 1, 2)), tf.constant([[[255]]])
    counted = tf.fill((1, 1, 1, 2), 4.0), tf.constant([[[0]]])
    assert validate(losses_of, [ignored]) == {}
    assert validate(losses_of, [ignored, counted])["val_loss"] == 4.0


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_validation_that_gives_no_number_ends_the_training(number):
    batch = tf.fill((1, 1, 1, 2), number), tf.constant([[[0]]])
    with pytest.raises(
        DataError, match=r"val_loss of the validation images is (nan|inf): the train"
    ):
        validate(losses_of, [batch])
    refuse_not_finite({"a": 1.0}, "images")
