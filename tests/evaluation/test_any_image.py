import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.evaluation import any_image
from i2i_keras.evaluation.any_image import View, seen_size
from i2i_keras.models.unet import UNetConfig, build_unet

RNG = np.random.default_rng(0)


def picture(height, width):
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def network():
    model = build_unet(UNetConfig(filters=4, depth=2, l2=0.0), 5)
    for number, weight in enumerate(model.trainable_weights):
        weight.assign_add(0.3 * tf.random.stateless_normal(weight.shape, (number, 0)))
    return tf.function(lambda images: model(images, training=False), reduce_retracing=True)


@pytest.fixture(scope="module")
def pointwise():
    """A network of one 1x1 convolution: it knows nothing beyond its pixel."""
    weights = RNG.normal(size=(1, 1, 3, 5)).astype(np.float32)
    return lambda pixels: tf.nn.conv2d(pixels, weights, 1, "SAME")


def oracle(network, pixels, size):
    """By numpy and TensorFlow's own resize, the whole at once."""
    seen = np.rint(tf.image.resize(pixels, size, "area"))
    below, right = (-side % 4 for side in size)
    padded = np.pad(seen, ((0, below), (0, right), (0, 0)), mode="symmetric")
    logits = network(padded[np.newaxis].astype(np.float32) / 127.5 - 1.0)
    logits = logits[:, : size[0], : size[1]]
    return tf.image.resize(logits, pixels.shape[:2])[0].numpy()


# --- The working scale ------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "seen"), [((60, 90), (24, 36)), ((17, 23), (24, 32)), ((24, 31), (24, 31))]
)
def test_an_image_is_seen_at_the_working_height_and_classified_at_its_own(network, own, seen):
    pixels = picture(*own)
    logits = oracle(network, pixels, seen)
    classes, found = View(network, 4, 24).classes_and_probabilities(pixels)
    assert (classes.dtype, found.dtype) == (np.uint8, np.float16)
    assert (classes != logits.argmax(-1)).mean() <= 1e-3  # Equal to rounding.
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    np.testing.assert_allclose(found, odds / odds.sum(-1, keepdims=True), atol=2e-3)
    np.testing.assert_array_equal(View(network, 4, 24).classes(pixels), classes)


def test_the_native_scale_is_another_one(network):
    pixels = picture(60, 90)
    native = View(network, 4).classes(pixels)
    np.testing.assert_array_equal(native, oracle(network, pixels, (60, 90)).argmax(-1))
    assert (native != View(network, 4, 24).classes(pixels)).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 200)])
@pytest.mark.parametrize("height", [None, 24])
def test_the_smallest_images_have_classes(network, size, height):
    assert View(network, 4, height).classes(picture(*size)).shape == size


@pytest.mark.parametrize(
    ("size", "height", "seen"),
    [
        ((1024, 2048), 280, (280, 560)),
        ((100, 333), 50, (50, 166)),
        ((5000, 1), 280, (280, 1)),
        ((10, 20), None, (10, 20)),
        ((1, 4000), 280, (32, 129527)),  # 4 megapixels, not 280 x 1120000.
        ((1, 2**23), 280, (1, 2**23)),
    ],
)
def test_proportions_are_kept_and_no_image_is_enlarged_beyond_memory(size, height, seen):
    assert seen_size(size, height) == seen


# --- Windows ----------------------------------------------------------------


@pytest.mark.parametrize("height", [None, 40])
def test_windows_change_nothing_for_a_network_that_sees_one_pixel(pointwise, height):
    pixels = picture(57, 43)
    whole = View(pointwise, 4, height).classes(pixels)
    np.testing.assert_array_equal(View(pointwise, 4, height, (16, 8)).classes(pixels), whole)


def test_large_images_are_seen_in_windows_and_small_ones_whole(pointwise, monkeypatch):
    monkeypatch.setattr(any_image, "_WHOLE", 30 * 50)
    monkeypatch.setattr(any_image, "_WINDOW", 15)
    seen = []

    def watched(images):
        seen.append(tuple(images.shape[1:3]))
        return pointwise(images)

    view, small, large = View(watched, 4), picture(30, 50), picture(31, 50)
    view.classes(small)
    assert seen == [(32, 52)]
    seen.clear()
    classes = view.classes(large)
    assert set(seen) == {(16, 16)}
    logits = pointwise(large[np.newaxis].astype(np.float32) / 127.5 - 1.0)
    np.testing.assert_array_equal(classes, logits[0].numpy().argmax(-1))
