import numpy as np
import pytest

from i2i_keras.preparation.wrong_labels import GRAYS, palette_read_as_gray, seem_train_ids

# What `tf.io.decode_png(..., channels=1)` gave for the ids 0 to 34 of a GTA5
# label: probed on TensorFlow 2.15.1, and the same by OpenCV 4.11.
TF_LUMA = (
    *(0, 0, 0, 0, 20, 76, 33, 90, 119, 192, 172, 70, 108, 164, 171, 114, 125, 153),
    *(153, 177, 194, 119, 210, 117, 84, 76, 16, 7, 46, 10, 12, 58, 26, 45, 16),
)


def test_the_gray_values_are_those_that_tensorflow_returns():
    assert GRAYS["GTA5"][0] == frozenset(TF_LUMA)


@pytest.mark.parametrize("seed", range(3))
def test_gta5_labels_read_as_gray_are_told_by_their_values(seed):
    ids = np.random.default_rng(seed).choice(35, size=9, replace=False)
    assert (
        palette_read_as_gray(np.array(TF_LUMA, np.uint8)[np.append(ids, 7)]) == "GTA5"
    )  # Road: 90.


def test_ids_are_not_taken_for_gray_values_or_train_ids():
    for ids in ([0, 7, 33], [*range(34)], [7, 10, 12, 16, 20, 26, 33]):
        numbers = np.array(ids, np.uint8)
        assert not palette_read_as_gray(numbers)
        assert not seem_train_ids(numbers)


def test_train_ids_are_told_by_255():
    assert seem_train_ids(np.array([0, 2, 10, 255], np.uint8))
    assert not seem_train_ids(np.array([0, 2, 10, 23, 255], np.uint8))
