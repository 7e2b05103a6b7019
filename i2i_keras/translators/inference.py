"""Runs a generator on whole pictures of any size."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from i2i_keras.data.transforms import mirror_to
from i2i_keras.models.layers import InverseTanh
from i2i_keras.models.norms import InstanceNormalization

Tensors = dict[int, Any]  # By the id of a network's symbolic tensor.
# From a layer and its input to its output.
Instead = Mapping[type[layers.Layer], Callable[[Any, tf.Tensor], tf.Tensor]]


def any_size(generator: keras.Model, batch: int | None = 1) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes a function that runs a generator on pictures of any size.

    Args:
        generator: from images to images of the same size.
        batch: pictures at a time; None = any number. One is the fastest.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1] to what the generator
        makes of them.
    """
    multiple = stride(generator)

    @tf.function(input_signature=[tf.TensorSpec((batch, None, None, 3))], autograph=False)
    def translate(images: tf.Tensor) -> tf.Tensor:
        fakes = generator(mirror_to(images, multiple), training=False)
        return fakes[:, : tf.shape(images)[1], : tf.shape(images)[2]]

    return translate


def portable(network: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """As `any_size`, but not compiled, and of operations that all formats have.

    Args:
        network: from images to as many pixels: a generator, or a segmenter.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1] to what the network
        makes of them.
    """
    multiple, parts = stride(network), in_order(network)

    def run(images: tf.Tensor) -> tf.Tensor:
        height, width = tf.shape(images)[1], tf.shape(images)[2]
        values = call(parts, {id(network.input): mirror_to(images, multiple)}, _PLAIN)
        return values[id(network.output)][:, :height, :width]

    return run


def _norm(norm: InstanceNormalization, x: tf.Tensor) -> tf.Tensor:
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, norm.beta, norm.gamma, norm.epsilon)


def _inverse_tanh(layer: InverseTanh, x: tf.Tensor) -> tf.Tensor:
    """As `InverseTanh` has it, which TensorFlow Lite has not."""
    return 0.5 * tf.math.log((1.0 + 0.98 * x) / (1.0 - 0.98 * x))


_PLAIN = {InstanceNormalization: _norm, InverseTanh: _inverse_tanh}


def in_order(generator: keras.Model) -> list[layers.Layer]:
    """A network's layers, each one after those that it reads."""
    return [layer for layer in generator.layers if not isinstance(layer, layers.InputLayer)]


def call(parts: Iterable[layers.Layer], values: Tensors, instead: Instead) -> Tensors:
    """Calls layers of a network, some kinds of them in another way.

    Args:
        parts: in order.
        values: of the tensors that they read.
        instead: what is called for a kind of layer.

    Returns:
        `values`, and what the layers made of them.
    """
    values = dict(values)
    for layer in parts:
        inputs = tf.nest.map_structure(lambda t: values[id(t)], layer.input)
        other = instead.get(type(layer))
        values[id(layer.output)] = other(layer, inputs) if other else layer(inputs)
    return values


def strides(generator: keras.Model) -> dict[int, int]:
    """Pixels of the picture that one of a tensor's spans, by its id."""
    side, found = 128, {}

    def trace(images: tf.Tensor) -> None:
        values = call(in_order(generator), {id(generator.input): images}, {})
        found.update({key: side // value.shape[1] for key, value in values.items()})

    images = tf.TensorSpec((1, side, side, 3))
    tf.function(trace, autograph=False).get_concrete_function(images)
    return found


def stride(generator: keras.Model) -> int:
    """What height and width have to be a multiple of."""
    return max(strides(generator).values())
