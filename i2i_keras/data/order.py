"""Which record a training sees at each position, a function of that alone."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

# From the first position to endless pairs of a position, int64, and the index
# of its record, int32.
Order = Callable[[int], tf.data.Dataset]


def shuffled(count: int, seed: int) -> Order:
    """All records in each epoch, and each epoch in an order of its own.

    Args:
        count: of the records.
        seed: of the orders.
    """

    def permutation(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(count), [seed, epoch])
        return tf.data.Dataset.from_tensor_slices(order)

    def start(first: int) -> tf.data.Dataset:
        epochs = tf.data.Dataset.range(first // count, tf.int32.max, output_type=tf.int32)
        return epochs.flat_map(permutation).skip(first % count).enumerate(start=first)

    return start


def by_rare_classes(counts: NDArray[np.int64], temperature: float, seed: int) -> Order:
    """At each position a class, rare ones more often, and a record that has it.

    Args:
        counts: `(records, classes)` pixels; one at least.
        temperature: see `rare_class_probabilities`.
        seed: of what is drawn.

    Reference:
        Hoyer et al., 2022, https://arxiv.org/abs/2111.14887 (rare class
        sampling).
    """
    shares = counts.sum(axis=0) / counts.sum()
    # Of a class that does not occur the bound is that of the one before it.
    bounds = tf.constant(np.cumsum(rare_class_probabilities(shares, temperature)), tf.float32)
    classes, records = np.nonzero(counts.T)
    first = tf.constant(np.searchsorted(classes, np.arange(len(shares))), tf.int32)
    number = tf.constant(np.bincount(classes, minlength=len(shares)), tf.int32)
    having, last = tf.constant(records, tf.int32), int(classes[-1])

    def drawn(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        own = tf.random.stateless_uniform([2], [tf.cast(seed, tf.int64), position])
        of_class, of_record = tf.unstack(own)
        chosen = tf.searchsorted(bounds, of_class[tf.newaxis], side="right")[0]
        chosen = tf.minimum(chosen, last)  # The last bound may be just below 1.
        place = tf.cast(of_record * tf.cast(number[chosen], tf.float32), tf.int32)
        return position, having[first[chosen] + tf.minimum(place, number[chosen] - 1)]

    def start(begin: int) -> tf.data.Dataset:
        return tf.data.Dataset.range(begin, tf.int64.max).map(drawn)

    return start


def rare_class_probabilities(
    shares: NDArray[np.float64], temperature: float
) -> NDArray[np.float64]:
    """How often a class is drawn: `exp((1 - share) / temperature)`, normalized.

    Args:
        shares: `(classes,)` of all pixels; a class without any is not drawn.
        temperature: above 0; the lower, the more often the rarest class alone.

    Reference:
        Hoyer et al., 2022, https://arxiv.org/abs/2111.14887.
    """
    there, weights = shares > 0, np.zeros(len(shares))
    # Of the rarest: it cancels out, and nothing overflows.
    weights[there] = np.exp((shares[there].min() - shares[there]) / temperature)
    normalized: NDArray[np.float64] = weights / weights.sum()
    return normalized
