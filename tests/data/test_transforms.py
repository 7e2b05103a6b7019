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


# --- Scale and color --------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, factor=st.sampled_from([0.7, 1.0, 1.6, 3.0]))
def test_a_scaled_window_keeps_image_and_label_together(seed, factor):
    rows, columns = np.indices((40, 60))
    image = np.stack([4 * rows, 4 * columns, 0 * rows], -1).astype(np.uint8)
    label = np.stack([rows + 100 * (columns >= 30)], -1).astype(np.uint8)
    image, label = transforms.random_scale_crop(image, label, (16, 24), (factor, factor), seed)
    assert image.shape == (16, 24, 3) and label.shape == (16, 24, 1)
    assert image.dtype == label.dtype == tf.uint8
    # A pixel's place says what its label is, to the half pixel of a nearest.
    row, column = image[..., 0].numpy() / 4.0, image[..., 1].numpy() / 4.0
    np.testing.assert_array_less(np.abs(row - label[..., 0].numpy() % 100), 0.76)
    sure = np.abs(column - 29.5) > 1.0
    np.testing.assert_array_equal((label[..., 0].numpy() >= 100)[sure], (column >= 29.5)[sure])


@pytest.mark.parametrize("factor", [0.8, 1.0, 2.0])
def test_a_factor_enlarges_by_so_much(factor):
    columns = np.broadcast_to(np.arange(60, dtype=np.uint8) * 4, (40, 60))
    image, label = np.stack([columns] * 3, -1), np.zeros((40, 60, 1), np.uint8)
    cut, _ = transforms.random_scale_crop(image, label, (16, 24), (factor, factor), (1, 2))
    slope = np.polyfit(np.arange(22), cut[8, 1:-1, 0].numpy().astype(float), 1)[0]
    assert slope == pytest.approx(4 / factor, rel=0.03)


def test_factors_are_between_their_bounds_and_as_often_below_one_as_above():
    columns = np.broadcast_to(np.arange(120, dtype=np.uint8) * 2, (100, 120))
    image, label = np.stack([columns] * 3, -1), np.zeros((100, 120, 1), np.uint8)
    factors = []

    @tf.function(input_signature=[tf.TensorSpec(2, tf.int32)])  # For speed alone.
    def scaled(seed):
        return transforms.random_scale_crop(image, label, (32, 32), (0.5, 2.0), seed)

    for number in range(200):
        cut, _ = scaled((number, 0))
        factors.append(2 * 29 / (float(cut[0, 30, 0]) - float(cut[0, 1, 0])))
    assert 0.48 < min(factors) < 0.55 and 1.8 < max(factors) < 2.2
    assert 70 < sum(factor < 1 for factor in factors) < 130


def test_a_window_never_reaches_beyond_the_image():
    image, label = coordinates()
    cut, _ = transforms.random_scale_crop(image, label, (10, 10), (0.1, 0.1), (0, 0))
    # The lower side fits exactly: the whole height, and as much of the width.
    assert cut[0, 0, 0] == 0 and cut[-1, 0, 0] == HEIGHT - 1
    assert int(cut[0, -1, 1]) - int(cut[0, 0, 1]) == pytest.approx(HEIGHT - 1, abs=1)


IMAGES = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 6, 8, 3)).astype(np.float32)


def jittered(images, strength, seed):
    factors = transforms.color_factors(len(images), strength, seed)
    return transforms.scale_colors(images, factors)


def test_no_strength_changes_no_color():
    np.testing.assert_allclose(jittered(IMAGES, 0.0, (0, 1)), IMAGES, atol=1e-6)


def test_jitter_scales_brightness_contrast_and_saturation():
    found = jittered(IMAGES, 0.2, (0, 1)).numpy()
    drawn = tf.random.stateless_uniform((3, 3, 1, 1, 1), (0, 1), 0.8, 1.2).numpy()
    for image, result, factors in zip(IMAGES, found, drawn.transpose(1, 0, 2, 3, 4), strict=True):
        brightness, contrast, saturation = factors.ravel().astype(np.float64)
        bright = (image.astype(np.float64) + 1) / 2 * brightness  # In [0, 1].
        contrasted = bright.mean() + (bright - bright.mean()) * contrast
        gray = contrasted @ [0.299, 0.587, 0.114]
        expected = gray[..., None] + (contrasted - gray[..., None]) * saturation
        np.testing.assert_allclose(result, 2 * expected - 1, atol=1e-5)


def test_jitter_is_another_one_for_each_image_and_seed():
    same = np.repeat(IMAGES[:1], 2, axis=0)
    one, two = jittered(same, 0.3, (0, 1)).numpy()
    other, _ = jittered(same, 0.3, (0, 2)).numpy()
    assert not np.allclose(one, two) and not np.allclose(one, other)


def test_jitter_stays_in_the_networks_range():
    found = jittered(2 * IMAGES, 1.0, (3, 4)).numpy()
    assert found.min() == -1.0 and found.max() == 1.0
