import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from i2i_keras.data.labels import IGNORE
from i2i_keras.datasets.spaces import LABEL_SPACES, SpaceClass, build_space
from i2i_keras.evaluation.confusion import confusion_matrix
from i2i_keras.evaluation.metrics import category_iou, iou_per_class, mean_iou, score

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


@pytest.mark.parametrize("num_classes", [2, 34, 254])
@pytest.mark.parametrize("types", [("uint8", "uint8"), ("int64", "int32"), ("uint16", "int8")])
def test_any_integers_are_counted_alike(num_classes, types):
    num_classes = min(num_classes, 127) if "int8" in types else num_classes
    random = np.random.default_rng(num_classes)
    truth = random.choice([*range(num_classes), IGNORE], 5000)
    predicted = random.integers(0, num_classes, 5000)
    expected = np.zeros((num_classes, num_classes), int)
    np.add.at(expected, (truth[truth != IGNORE], predicted[truth != IGNORE]), 1)
    found = confusion_matrix(truth.astype(types[0]), predicted.astype(types[1]), num_classes)
    np.testing.assert_array_equal(found, expected)


def test_no_pixels_make_an_empty_matrix():
    nothing = np.zeros((0, 5), np.uint8)
    np.testing.assert_array_equal(confusion_matrix(nothing, nothing, 2), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("truth", "predicted", "said"),
    [
        (4, 0, "The truth holds what is none of 4 classes and not 255"),
        (254, 3, "The truth holds what is none of 4 classes and not 255"),
        (256, 0, "256 to 256 are no classes"),
        (0, 4, "4 is predicted and none of 4 classes"),
        (0, -1, "-1 to -1 are no classes"),
    ],
)
def test_what_is_no_class_is_refused_and_not_counted_as_another(truth, predicted, said):
    with pytest.raises(ValueError, match=said):
        confusion_matrix(np.array([truth]), np.array([predicted]), CLASSES)


def test_iou_is_the_overlap_in_parts_of_the_union():
    np.testing.assert_allclose(iou_per_class(HAND), [3 / 5, 4 / 6, 0.0, np.nan])


def test_a_class_that_is_nowhere_is_left_out_of_the_mean():
    assert mean_iou(HAND) == pytest.approx((3 / 5 + 4 / 6 + 0) / 3)


def test_two_classes_of_three_hits_each_and_a_miss():
    # Hits 3 and 3, one pixel of class 0 taken for class 1.
    assert score(np.array([[3, 1], [0, 3]])) == {
        "mean_iou": pytest.approx(3 / 4),
        "pixel_accuracy": pytest.approx(6 / 7),
        "mean_accuracy": pytest.approx((3 / 4 + 1) / 2),
        "frequency_weighted_iou": pytest.approx(4 / 7 * 3 / 4 + 3 / 7 * 3 / 4),
    }


def test_accuracies_are_over_the_classes_that_occur():
    assert score(HAND) == {
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
    assert all(np.isnan(value) for value in score(np.zeros((3, 3), int)).values())


def test_truth_that_is_not_evaluated_does_not_count_and_its_prediction_is_a_miss():
    matrix = np.array([[6, 1, 3], [0, 8, 2], [5, 5, 40]])
    evaluated = np.array([True, True, False])
    np.testing.assert_allclose(iou_per_class(matrix, evaluated), [6 / 10, 8 / 11, np.nan])
    assert score(matrix, evaluated) == {
        "mean_iou": pytest.approx((6 / 10 + 8 / 11) / 2),
        "pixel_accuracy": pytest.approx(14 / 20),
        "mean_accuracy": pytest.approx((6 / 10 + 8 / 10) / 2),
        "frequency_weighted_iou": pytest.approx((6 / 10 + 8 / 11) / 2),
    }


def test_within_a_category_classes_may_be_taken_for_each_other():
    space = LABEL_SPACES["idd7"]
    matrix = np.zeros((7, 7), int)
    matrix[0, :3] = 60, 30, 10  # Drivable is all of flat, the only one so.
    matrix[2, 2] = 5
    matrix[5, 0] = 20  # Far objects are of no category, but they count.
    assert category_iou(matrix, space) == {
        "flat": pytest.approx(60 / 120),
        "sky": pytest.approx(np.nan, nan_ok=True),
        "human": pytest.approx(5 / 15),
        "vehicle": pytest.approx(np.nan, nan_ok=True),
    }


def test_a_space_without_cityscapes_classes_has_no_categories():
    rows = [SpaceClass(name=n, color=(0, 0, 0), camvid=(n,)) for n in ("sky", "tree")]
    assert category_iou(np.ones((2, 2), int), build_space("own", rows)) == {}


def test_shares_of_nothing_are_absent_and_not_0():
    empty = np.zeros((3, 3), np.int64)
    found = score(empty)
    assert found and all(np.isnan(value) for value in found.values()), found
