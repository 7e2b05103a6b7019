import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.models.layers import (
    BilinearUpsampling,
    Dropout,
    LeakyReLU,
    ReflectionPadding2D,
    UnitLength,
    convolution,
    gaussian,
)
from i2i_keras.models.norms import InstanceNormalization

RNG = np.random.default_rng(0)
IMAGES = (3 + 2 * RNG.normal(size=(2, 5, 7, 3))).astype(np.float32)


@pytest.mark.parametrize("padding", [1, 3])
def test_reflection_padding_equals_numpys(padding):
    sides = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    expected = np.pad(IMAGES, sides, mode="reflect")
    np.testing.assert_array_equal(ReflectionPadding2D(padding)(IMAGES), expected)


@pytest.mark.parametrize(
    ("size", "padding"), [((5, 7), 1), ((5, 7), 2), ((5, 7), 4), ((4, 4), 1), ((8, 9), 3)]
)
def test_the_gradient_of_reflection_padding_goes_where_the_pixels_came_from(size, padding):
    places = np.arange(np.prod(size)).reshape(size)
    came_from = np.pad(places, padding, mode="reflect").ravel()
    incoming = RNG.normal(size=(2, size[0] + 2 * padding, size[1] + 2 * padding, 3))
    expected = np.zeros((2, places.size, 3))
    np.add.at(expected, (slice(None), came_from), incoming.reshape(2, -1, 3))

    images = tf.zeros((2, *size, 3))
    with tf.GradientTape() as tape:
        tape.watch(images)
        padded = ReflectionPadding2D(padding)(images)
    found = tape.gradient(padded, images, tf.constant(incoming, tf.float32))
    np.testing.assert_allclose(found, expected.reshape(images.shape), atol=1e-5)


def test_images_of_any_size_are_padded_in_one_graph():
    layer = ReflectionPadding2D(3)
    pad = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 3))])
    for height, width in ((4, 5), (9, 6)):
        images = RNG.normal(size=(1, height, width, 3)).astype(np.float32)
        expected = np.pad(images, [(0, 0), (3, 3), (3, 3), (0, 0)], mode="reflect")
        np.testing.assert_array_equal(pad(images), expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_leaky_relu_and_its_gradient_equal_their_formula(precision):
    values = tf.cast([-3.0, -0.5, 0.0, 0.5, 3.0], precision)
    incoming = tf.cast([1.0, -2.0, 3.0, -4.0, 5.0], precision)
    layer = LeakyReLU(0.25, dtype=precision)  # Exact in all of them.
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = layer(values)
    gradient = tape.gradient(outputs, values, incoming)
    assert outputs.dtype == gradient.dtype == precision
    np.testing.assert_array_equal(tf.cast(outputs, tf.float32), [-0.75, -0.125, 0.0, 0.5, 3.0])
    np.testing.assert_array_equal(tf.cast(gradient, tf.float32), [0.25, -0.5, 0.75, -4.0, 5.0])


def test_a_leaky_relu_has_a_second_gradient():
    values, weights = tf.constant([-3.0, 2.0]), tf.constant([5.0, 7.0])
    with tf.GradientTape() as outer:
        outer.watch(weights)
        with tf.GradientTape() as inner:
            inner.watch(values)
            outputs = tf.reduce_sum(weights * LeakyReLU(0.2)(values))
        gradient = inner.gradient(outputs, values)
    found = outer.gradient(gradient, weights)
    np.testing.assert_allclose(found, [0.2, 1.0], rtol=1e-6)


@pytest.mark.parametrize(
    "layer", [ReflectionPadding2D(2, name="pad"), InstanceNormalization(1e-3, name="norm")]
)
def test_a_layer_comes_back_from_its_settings(layer):
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_kernels_are_drawn_from_the_papers_gaussian():
    kernel = gaussian()((3, 3, 64, 64)).numpy()
    assert abs(kernel.mean()) < 4 * 0.02 / np.sqrt(kernel.size)
    np.testing.assert_allclose(kernel.std(), 0.02, rtol=0.02)


@pytest.mark.parametrize("padding", ["reflect", "zero"])
@pytest.mark.parametrize(("size", "strides"), [(1, 1), (3, 1), (7, 1), (3, 2)])
def test_a_convolution_keeps_the_size_over_its_stride(padding, size, strides):
    y = convolution(tf.zeros((1, 8, 12, 3)), 5, size, padding, "c", strides=strides)
    assert y.shape == (1, 8 // strides, 12 // strides, 5)


def test_upsampling_doubles_by_half_pixels():
    ramp = tf.constant(np.arange(4, dtype=np.float32)[None, None, :, None])
    expected = [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]  # As pixels are areas.
    found = BilinearUpsampling()(ramp)
    assert found.shape == (1, 2, 8, 1)
    np.testing.assert_allclose(found[0, 0, :, 0], expected, atol=1e-6)
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, BilinearUpsampling()(inputs))
    np.testing.assert_array_equal(model(ramp), found)


HALVES = {"mixed_float16": tf.float16, "mixed_bfloat16": tf.bfloat16}


@pytest.mark.parametrize("precision", HALVES)
def test_dropout_in_half_precision_scales_what_it_keeps(precision):
    ones = tf.ones((4, 8, 8, 3), HALVES[precision])
    y = Dropout(0.5, dtype=precision)(ones, training=True)
    assert y.dtype == HALVES[precision]
    assert {*np.unique(tf.cast(y, tf.float32))} == {0.0, 2.0}


def test_vectors_get_unit_length_and_those_of_no_length_a_gradient_of_a_million_at_most():
    vectors = np.array([[3.0, -4.0], [1e-3, 0.0], [1e-8, 0.0], [0.0, 0.0]], np.float32)
    with tf.GradientTape() as tape:
        inputs = tf.constant(vectors)
        tape.watch(inputs)
        outputs = UnitLength()(inputs)
    expected = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(outputs, inputs)[2:], 1e6, rtol=1e-6)
