import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.errors import SettingsError
from i2i_keras.evaluation.whole_images import (
    check_window,
    enlarged,
    strips,
    windowed,
    windows_along,
)
from i2i_keras.models.unet import UNetConfig, build_unet


def images(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=(*shape, 3)).astype(np.float32))


# --- Windows ----------------------------------------------------------------


@pytest.fixture(scope="module")
def pointwise():
    """A network of 1x1 convolutions: it knows nothing beyond its pixel."""
    weights = np.random.default_rng(1).normal(size=(1, 1, 3, 5)).astype(np.float32)
    return lambda pixels: tf.nn.relu(tf.nn.conv2d(pixels, weights, 1, "SAME"))


@pytest.mark.parametrize("window", [(8, 8), (6, 10), (8, 64), (64, 8), (2, 2), (64, 64), (1, 1)])
def test_windows_change_nothing_for_a_network_that_sees_one_pixel(pointwise, window):
    whole = images(2, 20, 31)
    found = windowed(pointwise, window)(whole)
    np.testing.assert_allclose(found, pointwise(whole), rtol=1e-5, atol=1e-6)


def test_strips_are_given_as_soon_as_no_window_sees_them(pointwise):
    seen = []

    def watched(pixels):
        seen.append(tuple(pixels.shape[1:3]))
        return pointwise(pixels)

    whole, found = images(2, 30, 8), []
    for number, (rows, strip) in enumerate(strips(watched, whole, (16, 8))):
        assert len(seen) == number + 1
        found.append((rows.start, rows.stop))
        np.testing.assert_allclose(strip, pointwise(whole)[:, rows], rtol=1e-5, atol=1e-6)
    assert found == [(0, 8), (8, 14), (14, 30)]


@pytest.mark.parametrize("window", range(1, 12))
def test_every_pixel_is_covered_and_no_window_leaves_the_image(window):
    for side in range(1, 30):
        places = windows_along(side, window)
        covered = np.zeros(side, int)
        for place in places:
            assert 0 <= place.start < place.stop <= side
            assert place.stop - place.start == min(side, window)
            covered[place] += 1
        assert covered.min() >= 1
        assert len({place.start for place in places}) == len(places)


def test_windows_lie_half_over_each_other():
    assert windows_along(32, 16) == [slice(0, 16), slice(8, 24), slice(16, 32)]
    assert windows_along(30, 16) == [slice(0, 16), slice(8, 24), slice(14, 30)]


def test_an_image_that_is_smaller_is_seen_whole(pointwise):
    seen = []

    def watched(pixels):
        seen.append(tuple(pixels.shape[1:3]))
        return pointwise(pixels)

    windowed(watched, (32, 8))(images(1, 20, 12))
    windowed(watched, (32, 16))(images(1, 20, 12))
    assert seen == [(20, 8), (20, 8), (20, 12)]


def test_logits_are_means_where_windows_overlap():
    # Each window says how far the pixel is from its left border.
    def place(pixels):
        columns = tf.range(pixels.shape[2], dtype=tf.float32)[None, None, :, None]
        return tf.ones_like(pixels[..., :1]) * columns

    found = windowed(place, (4, 4))(images(1, 4, 8))[0, 0, :, 0]
    np.testing.assert_allclose(found, [0, 1, (2 + 0) / 2, (3 + 1) / 2, 1, 2, 2, 3])


def test_windows_change_what_a_network_with_a_wider_view_says():
    model = build_unet(UNetConfig(filters=2, depth=2), 4)
    whole = images(1, 16, 32)
    found = windowed(lambda pixels: model(pixels, training=False), (8, 8))(whole)
    assert found.shape == (1, 16, 32, 4)
    assert not np.allclose(found, model(whole, training=False))


@pytest.mark.parametrize("window", [(24, 16), (16, 24)])
def test_a_window_that_is_no_multiple_of_the_stride_is_refused(window):
    with pytest.raises(SettingsError, match=r"evaluate.window is .*, but .* multiples of 16"):
        check_window(window, 16)
    check_window(window, 8)
    check_window(None, 16)


# --- Enlarging --------------------------------------------------------------


def by_hand(logits, size):
    """Bilinear with half-pixel centers, one output pixel after the other."""
    height, width = logits.shape[:2]
    found = np.empty((*size, logits.shape[-1]))
    for row in range(size[0]):
        for column in range(size[1]):
            y = min(max((row + 0.5) * height / size[0] - 0.5, 0), height - 1)
            x = min(max((column + 0.5) * width / size[1] - 0.5, 0), width - 1)
            top, left = int(y), int(x)
            below, right = min(top + 1, height - 1), min(left + 1, width - 1)
            upper = logits[top, left] * (1 - x + left) + logits[top, right] * (x - left)
            lower = logits[below, left] * (1 - x + left) + logits[below, right] * (x - left)
            found[row, column] = upper * (1 - y + top) + lower * (y - top)
    return found


def joined(logits, size):
    strips = [*enlarged(tf.constant(logits), size)]
    rows = [row for place, _ in strips for row in range(size[0])[place]]
    assert rows == [*range(size[0])]
    return np.concatenate([strip.numpy() for _, strip in strips])


@pytest.mark.parametrize("size", [(300, 35), (10, 14), (5, 7), (13, 9), (4, 3), (1, 1)])
def test_logits_are_enlarged_as_by_hand(size):
    logits = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(joined(logits, size), by_hand(logits, size), rtol=1e-4, atol=1e-5)


def test_strips_are_those_of_tensorflows_resize():
    logits = np.random.default_rng(0).normal(size=(28, 56, 4)).astype(np.float32)
    whole = tf.image.resize(logits, (517, 300))
    np.testing.assert_allclose(joined(logits, (517, 300)), whole, rtol=1e-4, atol=1e-5)
