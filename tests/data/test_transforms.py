import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from i2i_keras.data import transforms

HEIGHT, WIDTH = 12, 20
SEEDS = st.tuples(*[st.integers(-(2**31), 2**31 - 1)] * 2)


def coordinates():
    """An image and a label that say at each pixel where it is."""
    rows, columns = np.indices((HEIGHT, WIDTH), np.uint8)
    image = np.stack([rows, columns, rows], axis=-1)
    return image, (rows * WIDTH + columns)[..., None]


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, height=st.integers(1, HEIGHT), width=st.integers(1, WIDTH))
def test_crop_and_flip_keep_image_and_label_together(seed, height, width):
    image, label = transforms.random_crop(*coordinates(), (height, width), seed)
    image, label = transforms.random_flip(image, label, seed)
    assert image.shape == (height, width, 3)
    assert image.dtype == label.dtype == tf.uint8
    place = image[..., :1] * WIDTH + image[..., 1:2]
    np.testing.assert_array_equal(place, label)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_crop_is_one_window_of_the_image(seed):
    whole, label = coordinates()
    cut, _ = transforms.random_crop(whole, label, (5, 7), seed)
    row, column = cut[0, 0, :2].numpy()
    np.testing.assert_array_equal(cut, whole[row : row + 5, column : column + 7])


def test_crops_reach_every_place_that_they_can():
    corners = set()
    for number in range(300):
        cut, _ = transforms.random_crop(*coordinates(), (10, 17), (number, 0))
        corners.add(tuple(cut[0, 0, :2].numpy().tolist()))
    assert corners == {(row, column) for row in range(3) for column in range(4)}


def test_a_flip_mirrors_left_to_right_half_of_the_time():
    image, label = coordinates()
    flipped = 0
    for number in range(200):
        turned, _ = transforms.random_flip(image, label, (number, 1))
        if not np.array_equal(turned, image):
            np.testing.assert_array_equal(turned, image[:, ::-1])
            flipped += 1
    assert 70 < flipped < 130  # Four standard deviations of a fair coin.


def test_a_seed_always_does_the_same():
    for transform in (
        lambda *pair: transforms.random_crop(*pair, (5, 7), (3, 4)),
        lambda *pair: transforms.random_flip(*pair, (3, 4)),
    ):
        for one, two in zip(transform(*coordinates()), transform(*coordinates()), strict=True):
            np.testing.assert_array_equal(one, two)


def test_normalize_reaches_both_ends_of_its_range():
    image = transforms.normalize(np.array([0, 255], np.uint8))
    assert image.dtype == tf.float32
    np.testing.assert_array_equal(image, [-1.0, 1.0])


def test_denormalize_gives_every_value_back():
    values = np.arange(256, dtype=np.uint8)
    back = transforms.denormalize(transforms.normalize(values))
    assert back.dtype == tf.uint8
    np.testing.assert_array_equal(back, values)


def test_denormalize_rounds_to_the_nearest_and_clips():
    image = np.array([-1.5, -1.0, 0.4 / 127.5 - 1.0, 0.6 / 127.5 - 1.0, 1.0, 7.0], np.float32)
    np.testing.assert_array_equal(transforms.denormalize(image), [0, 0, 0, 1, 255, 255])


@pytest.mark.parametrize("multiple", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("size", [(16, 32), (17, 31), (19, 20)])
def test_padding_reaches_the_next_multiple_and_keeps_the_image(size, multiple):
    image = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
    padded = transforms.pad_to_multiple(image, multiple)
    for side, old in zip(padded.shape[1:3], size, strict=True):
        assert side % multiple == 0
        assert old <= side < old + multiple
    np.testing.assert_array_equal(padded[:, : size[0], : size[1]], image)


def test_padding_mirrors_the_border():
    image = np.arange(3, dtype=np.float32).reshape(1, 1, 3, 1)
    np.testing.assert_array_equal(
        transforms.pad_to_multiple(np.repeat(image, 2, axis=1), 2)[0, :, :, 0], [[0, 1, 2, 2]] * 2
    )
