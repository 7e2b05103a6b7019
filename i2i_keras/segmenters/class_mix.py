"""Class-mix: the classes of one image pasted over another."""

from typing import NamedTuple

import tensorflow as tf

from i2i_keras.models import draws


class Mixed(NamedTuple):
    """A batch of mixed images.

    Attributes:
        images: float32 `(batch, height, width, 3)` in [-1, 1].
        labels: int32 `(batch, height, width)`, each pixel's own.
        weights: float32 `(batch, height, width)` in [0, 1], of its loss.
    """

    images: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor


def class_mix(source: Mixed, target: Mixed, pasted: tf.Tensor) -> Mixed:
    """Pastes pixels of source images, and all that is theirs, over others.

    Args:
        source: what is pasted.
        target: over which it is, pair by pair.
        pasted: bool `(batch, height, width)`, which pixels.

    Reference:
        Olsson et al., 2021, https://arxiv.org/abs/2007.07936; across domains
        Tranheden et al., 2021, https://arxiv.org/abs/2007.08702.
    """
    return Mixed(
        tf.where(pasted[..., tf.newaxis], source.images, target.images),
        tf.where(pasted, source.labels, target.labels),
        tf.where(pasted, source.weights, target.weights),
    )


def half_of_classes(labels: tf.Tensor, num_classes: int, seed: tf.Tensor) -> tf.Tensor:
    """Which pixels are of a random half of the classes that their label has.

    Args:
        labels: int32 `(batch, height, width)`; 255 is no class.
        num_classes: size of the label space.
        seed: two integers.

    Returns:
        bool `(batch, height, width)`; of an odd number of classes the larger
        half.
    """
    of_class = labels[..., tf.newaxis] == tf.range(num_classes, dtype=labels.dtype)
    there = tf.reduce_any(of_class, axis=(1, 2))
    # Those that are not there come last; of equal draws the lower class first.
    drawn = tf.where(there, draws.uniform_rows(tf.shape(there), seed), 1.0)
    places = tf.argsort(tf.argsort(drawn, stable=True))
    half = (tf.reduce_sum(tf.cast(there, tf.int32), axis=1, keepdims=True) + 1) // 2
    chosen = places < half
    return tf.reduce_any(of_class & chosen[:, tf.newaxis, tf.newaxis], axis=-1)


def confident_share(probabilities: tf.Tensor, threshold: float) -> tf.Tensor:
    """Share of each image's pixels that a network is sure of.

    Args:
        probabilities: `(batch, height, width, classes)`.
        threshold: what the largest one has to be at least.

    Returns:
        `(batch,)` in [0, 1].
    """
    sure = tf.reduce_max(probabilities, axis=-1) >= threshold
    return tf.reduce_mean(tf.cast(sure, tf.float32), axis=(1, 2))
