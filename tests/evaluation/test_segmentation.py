import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record
from i2i_keras.errors import DataError
from i2i_keras.evaluation.segmentation import (
    confusion_matrix,
    iou_per_class,
    mean_iou,
    predict,
    scores,
)
from i2i_keras.models.unet import UNetConfig, build_unet

CLASSES = 4
LABELS = st.sampled_from([*range(CLASSES), IGNORE])
MAPS = arrays.arrays(np.uint8, (4, 5), elements=LABELS)
PREDICTIONS = arrays.arrays(np.int64, (4, 5), elements=st.integers(0, CLASSES - 1))

# Class 2 is predicted twice and never there; class 3 is neither.
HAND = np.array([[3, 1, 1, 0], [0, 4, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


# --- From confusion matrix to scores ----------------------------------------


@given(MAPS, PREDICTIONS)
def test_the_confusion_matrix_equals_a_double_loop(truth, predicted):
    expected = np.zeros((CLASSES, CLASSES), int)
    for row in range(4):
        for column in range(5):
            if truth[row, column] != IGNORE:
                expected[truth[row, column], predicted[row, column]] += 1
    np.testing.assert_array_equal(confusion_matrix(truth, predicted, CLASSES), expected)


@given(MAPS, PREDICTIONS)
def test_every_pixel_that_is_not_ignored_is_counted_once(truth, predicted):
    assert confusion_matrix(truth, predicted, CLASSES).sum() == (truth != IGNORE).sum()


@given(MAPS, PREDICTIONS, st.permutations(range(CLASSES)))
def test_renaming_the_classes_changes_no_mean(truth, predicted, order):
    names = np.array([*order, *[IGNORE] * 252])
    one = confusion_matrix(truth, predicted, CLASSES)
    other = confusion_matrix(names[truth], names[predicted], CLASSES)
    np.testing.assert_allclose(mean_iou(one), mean_iou(other))


@given(MAPS)
def test_the_truth_itself_scores_one(truth):
    matrix = confusion_matrix(truth, np.where(truth == IGNORE, 0, truth), CLASSES)
    iou = iou_per_class(matrix)
    np.testing.assert_array_equal(iou[~np.isnan(iou)], 1.0)


def test_iou_is_the_overlap_in_parts_of_the_union():
    np.testing.assert_allclose(iou_per_class(HAND), [3 / 5, 4 / 6, 0.0, np.nan])


def test_a_class_that_is_nowhere_is_left_out_of_the_mean():
    assert mean_iou(HAND) == pytest.approx((3 / 5 + 4 / 6 + 0) / 3)


def test_two_classes_of_three_hits_each_and_a_miss():
    # Hits 3 and 3, one pixel of class 0 taken for class 1.
    assert scores(np.array([[3, 1], [0, 3]])) == {
        "mean_iou": pytest.approx(3 / 4),
        "pixel_accuracy": pytest.approx(6 / 7),
        "mean_accuracy": pytest.approx((3 / 4 + 1) / 2),
        "frequency_weighted_iou": pytest.approx(4 / 7 * 3 / 4 + 3 / 7 * 3 / 4),
    }


def test_accuracies_are_over_the_classes_that_occur():
    assert scores(HAND) == {
        "mean_iou": pytest.approx((3 / 5 + 4 / 6 + 0) / 3),
        "pixel_accuracy": pytest.approx(7 / 10),
        "mean_accuracy": pytest.approx((3 / 5 + 4 / 5) / 2),
        "frequency_weighted_iou": pytest.approx((3 / 5 + 4 / 6) / 2),
    }


def test_scores_of_many_matrices_are_those_of_each():
    stack = np.stack([HAND, HAND.T, 2 * HAND])
    np.testing.assert_array_equal(mean_iou(stack), [mean_iou(matrix) for matrix in stack])


def test_no_pixels_have_no_score():
    assert np.isnan(mean_iou(np.zeros((3, 3), int)))


# --- Prediction -------------------------------------------------------------

SIZE = (13, 18)  # Multiples of 4 are 16 and 20.


@pytest.fixture(scope="module")
def unet():
    """With offsets of its own: at zero, dead features would tie all classes."""
    model, rng = build_unet(UNetConfig(filters=2, depth=2), CLASSES), np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0.0, 0.3, variable.shape))
    return model


@pytest.fixture(scope="module")
def segment(unet):
    return tf.function(lambda images: unet(images, training=False), reduce_retracing=True)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("records"), np.random.default_rng(0)
    found = []
    for name in "abc":
        record = Record(name, folder / f"{name}.png", folder / f"{name}-label.png")
        Image.fromarray(rng.integers(0, 256, (*SIZE, 3), np.uint8)).save(record.image)
        truth = rng.choice([*range(CLASSES), IGNORE], SIZE).astype(np.uint8)
        Image.fromarray(truth).save(record.label)
        found.append(record)
    return found


@pytest.fixture(scope="module")
def prediction(segment, records, tmp_path_factory):
    """What the U-Net says, and the picture of record b."""
    picture = tmp_path_factory.mktemp("pictures") / "b.png"
    return predict(segment, records, CLASSES, 4, {"b": picture}), picture


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def logits(unet, record):
    """By hand: mirrored to a multiple of 4, and cut back."""
    image = pixels(record.image) / 127.5 - 1.0
    padded = np.pad(image, [(0, 3), (0, 2), (0, 0)], "symmetric").astype(np.float32)
    return unet(padded[np.newaxis], training=False).numpy()[0, : SIZE[0], : SIZE[1]]


def test_there_is_a_matrix_an_image_over_its_own_pixels(prediction, unet, records):
    matrices = prediction[0].confusions
    assert matrices.shape == (3, CLASSES, CLASSES)
    for matrix, record in zip(matrices, records, strict=True):
        truth = pixels(record.label)
        expected = confusion_matrix(truth, logits(unet, record).argmax(-1), CLASSES)
        np.testing.assert_array_equal(matrix, expected)
        assert matrix.sum() == (truth != IGNORE).sum()


def test_the_loss_is_the_mean_over_all_pixels_that_count(prediction, unet, records):
    losses = []
    for record in records:
        values, truth = logits(unet, record).astype(np.float64), pixels(record.label)
        there = truth != IGNORE
        log_sum = np.log(np.exp(values).sum(axis=-1))
        losses.append(log_sum[there] - values[there, truth[there]])
    np.testing.assert_allclose(prediction[0].loss, np.concatenate(losses).mean(), rtol=1e-5)


def test_the_picture_is_the_prediction_at_the_images_size(prediction, unet, records):
    written = pixels(prediction[1])
    assert written.shape == SIZE
    np.testing.assert_array_equal(written, logits(unet, records[1]).argmax(-1))


def test_images_may_have_different_sizes(segment, records, tmp_path):
    small = records[0]._replace(image=tmp_path / "small.png", label=tmp_path / "label.png")
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(small.image)
    Image.fromarray(np.ones((8, 9), np.uint8)).save(small.label)
    found = predict(segment, [small, records[1]], CLASSES, 4, {})
    assert found.confusions[0].sum() == 8 * 9


def test_labels_that_say_nothing_are_refused(segment, records, tmp_path):
    blank = records[0]._replace(label=tmp_path / "blank.png")
    Image.fromarray(np.full(SIZE, IGNORE, np.uint8)).save(blank.label)
    with pytest.raises(DataError, match=r"All pixels of the 1 test labels are ignored; .*withheld"):
        predict(segment, [blank], CLASSES, 4, {})


def test_an_image_of_ignored_pixels_among_others_counts_nothing(segment, records, tmp_path):
    blank = records[0]._replace(label=tmp_path / "blank.png")
    Image.fromarray(np.full(SIZE, IGNORE, np.uint8)).save(blank.label)
    alone = predict(segment, [records[1]], CLASSES, 4, {})
    both = predict(segment, [blank, records[1]], CLASSES, 4, {})
    assert both.loss == alone.loss
    np.testing.assert_array_equal(both.confusions, [np.zeros((4, 4)), alone.confusions[0]])


def test_no_records_are_refused(segment):
    with pytest.raises(DataError, match=r"no test images to score; check the split"):
        predict(segment, [], CLASSES, 4, {})


def test_a_record_without_label_is_refused(segment, records):
    unlabelled = records[2]._replace(label=None)
    with pytest.raises(DataError, match=r"c.png has no label and cannot be scored"):
        predict(segment, [records[0], unlabelled], CLASSES, 4, {})
