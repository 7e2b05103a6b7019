import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.models.layers import gaussian
from i2i_keras.models.norms import (
    BatchNormalization,
    InstanceNormalization,
    normalization,
    spectral_normalization,
)

RNG = np.random.default_rng(0)
IMAGES = (3 + 2 * RNG.normal(size=(2, 5, 7, 3))).astype(np.float32)
WEIGHTS = RNG.normal(size=IMAGES.shape).astype(np.float32)
GAMMA, BETA = np.array([0.5, 1.0, -2.0], np.float32), np.array([1.0, 0.0, 3.0], np.float32)


@pytest.fixture(scope="module")
def tfa():
    """tensorflow-addons, which ends with Python 3.11."""
    return pytest.importorskip("tensorflow_addons")


def scaled(layer):
    layer.build(IMAGES.shape)
    layer.gamma.assign(GAMMA)
    layer.beta.assign(BETA)
    return layer


@pytest.fixture(scope="module")
def norm():
    return scaled(InstanceNormalization())


@pytest.fixture(scope="module")
def norms(norm, tfa):
    """Ours and tensorflow-addons', with the same scale and offset."""
    return norm, scaled(tfa.layers.InstanceNormalization(epsilon=1e-5))


def first_and_second_order(layer):
    """Gradients of a loss, and those of their squared length."""
    x = tf.constant(IMAGES)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(tf.tanh(layer(x)) * WEIGHTS)
        first = inner.gradient(loss, [x, layer.gamma, layer.beta])
        penalty = tf.reduce_sum(first[0] ** 2)
    return first, outer.gradient(penalty, [x, layer.gamma, layer.beta])


def assert_close(ours, theirs):
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-4)


def test_instance_norm_equals_its_formula_in_float64(norm):
    x = IMAGES.astype(np.float64)
    mean, variance = (f(x, axis=(1, 2), keepdims=True) for f in (np.mean, np.var))
    expected = (x - mean) / np.sqrt(variance + 1e-5) * GAMMA + BETA
    np.testing.assert_allclose(norm(IMAGES), expected, atol=1e-5)


def test_instance_norm_equals_tensorflow_addons(norms):
    ours, theirs = norms
    np.testing.assert_allclose(ours(IMAGES), theirs(IMAGES), atol=1e-5)


def test_gradients_of_instance_norm_equal_tensorflow_addons(norms):
    ours, theirs = (first_and_second_order(layer)[0] for layer in norms)
    assert_close(ours, theirs)


def test_second_gradients_of_instance_norm_equal_tensorflow_addons(norms):
    ours, theirs = (first_and_second_order(layer)[1] for layer in norms)
    assert_close(ours, theirs)


def test_gradients_of_instance_norm_are_the_same_inside_a_graph(norm):
    eager = first_and_second_order(norm)
    graph = tf.function(lambda: first_and_second_order(norm))()
    for one, two in zip(eager, graph, strict=True):
        assert_close(one, two)


def test_instance_norm_of_a_constant_image_is_its_offset_and_has_a_finite_gradient():
    layer, x = InstanceNormalization(), tf.fill((1, 4, 4, 2), 7.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    np.testing.assert_array_equal(y, np.zeros((1, 4, 4, 2)))
    assert np.isfinite(tape.gradient(y, x)).all()


def test_instance_norm_treats_each_image_alone(norm):
    alone = np.concatenate([norm(image[None]) for image in IMAGES])
    np.testing.assert_allclose(norm(IMAGES), alone, atol=1e-6)


def test_the_norm_is_the_one_of_the_setting():
    kinds = {kind: type(normalization(kind, "n")) for kind in ("batch", "instance", "none")}
    assert kinds == {
        "batch": BatchNormalization,
        "instance": InstanceNormalization,
        "none": keras.layers.Activation,
    }


def test_no_norm_changes_nothing():
    np.testing.assert_array_equal(normalization("none", "n")(IMAGES), IMAGES)


def spectral_norms(tfa):
    """Ours and tensorflow-addons', around equal convolutions."""
    pair = []
    for wrap in (spectral_normalization, tfa.layers.SpectralNormalization):
        conv = keras.layers.Conv2D(4, 3, kernel_initializer=gaussian(), name="conv")
        pair.append(wrap(conv))
        pair[-1](IMAGES)
    for one, other in zip(*(layer.weights for layer in pair), strict=True):
        other.assign(one)
    return pair


def test_spectral_norm_equals_tensorflow_addons_to_the_bit(tfa):
    pair = spectral_norms(tfa)
    found = []
    for layer in pair:
        gradients = []
        for _ in range(5):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(IMAGES, training=True) ** 2)
            gradients += tape.gradient(loss, layer.trainable_weights)
            layer.layer.kernel.assign_add(0.1 * layer.layer.kernel**2)
        found.append([*gradients, *layer.weights, layer(IMAGES)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_files_of_tensorflow_addons_spectral_norm_are_read(tfa, tmp_path):
    ours, theirs = (
        keras.Sequential([keras.Input((5, 7, 3)), layer]) for layer in spectral_norms(tfa)
    )
    for weight in theirs.weights:
        weight.assign_add(tf.ones_like(weight))
    theirs.save_weights(tmp_path / "a.weights.h5")
    ours.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(ours(IMAGES), theirs(IMAGES))


def test_batch_norm_equals_its_formula_and_its_statistics_those_of_keras_2():
    layer = scaled(stack.BatchNormalization(momentum=0.75))
    y, x = layer(IMAGES, training=True), IMAGES.astype(np.float64)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    expected = (x - mean) / np.sqrt(variance + layer.epsilon) * GAMMA + BETA
    np.testing.assert_allclose(y, expected, atol=1e-5)
    count = IMAGES[..., 0].size
    moving = [0.25 * mean, 0.75 + 0.25 * variance * count / (count - 1)]
    np.testing.assert_allclose(layer.moving_mean, moving[0], rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, moving[1], rtol=1e-5)
    expected = (x - moving[0]) / np.sqrt(moving[1] + layer.epsilon) * GAMMA + BETA
    np.testing.assert_allclose(layer(IMAGES), expected, atol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_batch_norm_in_half_precision_is_that_in_float32_rounded(precision):
    precise = scaled(stack.BatchNormalization())
    layer = scaled(stack.BatchNormalization(dtype=precision))
    images = tf.cast(IMAGES, layer.compute_dtype)
    for training in (True, False):
        y = layer(images, training=training)
        assert y.dtype == layer.compute_dtype
        expected = precise(tf.cast(images, tf.float32), training=training)
        np.testing.assert_allclose(tf.cast(y, tf.float32), expected, rtol=0.01, atol=0.03)
    assert layer.moving_variance.dtype == tf.float32
    np.testing.assert_allclose(layer.moving_variance, precise.moving_variance, rtol=1e-4)


HALVES = {"mixed_float16": tf.float16, "mixed_bfloat16": tf.bfloat16}


def half_norm(precision):
    return scaled(InstanceNormalization(dtype=precision))


def gradients(layer, inputs):
    x = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.cast(layer(x), tf.float32) * WEIGHTS)
    return [tf.cast(g, tf.float32) for g in tape.gradient(loss, [x, layer.gamma, layer.beta])]


@pytest.mark.parametrize("precision", HALVES)
@pytest.mark.parametrize("known", [True, False], ids=["batch_known", "batch_unknown"])
def test_instance_norm_in_half_precision_is_that_in_float32_rounded(norm, precision, known):
    layer, images = half_norm(precision), tf.cast(IMAGES, HALVES[precision])
    signature = tf.TensorSpec((2 if known else None, *IMAGES.shape[1:]), images.dtype)
    y = tf.function(layer, input_signature=[signature])(images)
    assert y.dtype == HALVES[precision]
    assert layer.gamma.dtype == layer.beta.dtype == tf.float32
    precise = norm(tf.cast(images, tf.float32))
    np.testing.assert_allclose(tf.cast(y, tf.float32), precise, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("precision", HALVES)
def test_gradients_of_instance_norm_in_half_precision_are_close(norm, precision):
    images = tf.cast(tf.cast(IMAGES, HALVES[precision]), tf.float32)
    ours, precise = (gradients(layer, images) for layer in (half_norm(precision), norm))
    for one, two in zip(ours, precise, strict=True):
        np.testing.assert_allclose(one, two, atol=0.02 * np.abs(two).max())


@pytest.mark.parametrize("precision", HALVES)
def test_instance_norm_stands_a_variance_that_float16_cannot_hold(precision):
    images = tf.cast(1000.0 * IMAGES, HALVES[precision])  # Its variance is 4e6.
    layer = half_norm(precision)
    expected = (IMAGES - IMAGES.mean((1, 2), keepdims=True)) / IMAGES.std((1, 2), keepdims=True)
    np.testing.assert_allclose(
        tf.cast(layer(images), tf.float32), expected * GAMMA + BETA, rtol=0.02, atol=0.05
    )
    assert all(np.isfinite(g).all() for g in gradients(layer, images))


def test_second_gradients_of_instance_norm_exist_in_bfloat16(norm):
    images = tf.cast(tf.cast(IMAGES, tf.bfloat16), tf.float32)

    def second(layer):
        with tf.GradientTape() as outer:
            x = tf.constant(images)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(tf.tanh(tf.cast(layer(x), tf.float32)) * WEIGHTS)
            penalty = tf.reduce_sum(tf.cast(inner.gradient(loss, x), tf.float32) ** 2)
        return outer.gradient(penalty, layer.gamma)

    ours, precise = second(half_norm("mixed_bfloat16")), second(norm)
    np.testing.assert_allclose(ours, precise, atol=0.05 * np.abs(precise).max())


@pytest.mark.parametrize("precision", HALVES)
def test_spectral_norm_rounds_no_kernel_to_half_precision(precision):
    keras.utils.set_random_seed(0)  # Close values take more steps.
    conv = keras.layers.Conv2D(4, 3, kernel_initializer=gaussian(), dtype=precision)
    layer = spectral_normalization(conv)
    for _ in range(100):
        y = layer(tf.cast(IMAGES, HALVES[precision]), training=True)
    assert y.dtype == HALVES[precision]
    kernel = conv.kernel.numpy()
    largest = np.linalg.svd(kernel.reshape(-1, 4), compute_uv=False)[0]
    np.testing.assert_allclose(largest, 1.0, rtol=1e-4)
    assert not np.array_equal(kernel, tf.cast(tf.cast(kernel, HALVES[precision]), tf.float32))
