"""Random numbers that are the same with XLA and without.

TensorFlow's and XLA's own make the same integers of a seed, but not the same
real numbers.
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf

from i2i_keras.models import replicas

Shape: TypeAlias = Sequence[int | tf.Tensor] | tf.Tensor


def uniform(shape: Shape, seed: tf.Tensor) -> tf.Tensor:
    """Real numbers in [0, 1), those of `tf.random.stateless_uniform` on a CPU.

    Args:
        shape: of the result.
        seed: two integers.
    """
    bits = tf.random.stateless_uniform(shape, seed, None, None, tf.int32, alg="philox")
    return tf.cast(tf.bitwise.bitwise_and(bits, 2**23 - 1), tf.float32) * 2.0**-23


def uniform_rows(shape: Shape, seed: tf.Tensor, axis: int = 0) -> tf.Tensor:
    """`uniform` for each example: on several devices a share of the numbers.

    Args:
        shape: of the result, on this device.
        seed: two integers, the same on all devices.
        axis: of the batch.
    """
    if not replicas.several():
        return uniform(shape, seed)
    along = tf.one_hot(axis, tf.size(shape), replicas.count(), 1, dtype=tf.int32)
    return replicas.own_rows(uniform(shape * along, seed), axis)


def normal_rows(shape: Shape, seed: tf.Tensor) -> tf.Tensor:
    """Real numbers of mean 0 and deviation 1, by Box and Muller's transform.

    Args:
        shape: of the result, on this device; the batch's axis is the first.
        seed: two integers, the same on all devices.
    """
    lengths, angles = tf.unstack(uniform_rows(tf.concat([[2], shape], 0), seed, axis=1))
    return tf.sqrt(-2.0 * tf.math.log(1.0 - lengths)) * tf.cos(2.0 * math.pi * angles)


def integers(shape: Sequence[int | tf.Tensor], seed: tf.Tensor, end: int) -> tf.Tensor:
    """Whole numbers from 0 up to, but not including, `end`, int32."""
    return tf.random.stateless_uniform(shape, seed, 0, end, tf.int32, alg="philox")


def split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    """Seeds for several purposes."""
    return tf.unstack(tf.random.split(seed, count, alg="philox"))


def fold(seed: tf.Tensor, salt: int) -> tf.Tensor:
    """A seed for one purpose, which a number tells from others."""
    return tf.random.fold_in(seed, salt, alg="philox")
