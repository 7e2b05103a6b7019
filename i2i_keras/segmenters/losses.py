"""Losses and measures of a segmenter; ignored pixels enter none of them.

On several devices the mean of what each returns is that of the whole batch.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record, read_label
from i2i_keras.models import replicas


def cross_entropy(
    label: tf.Tensor,
    logits: tf.Tensor,
    smoothing: float = 0.0,
    class_weights: Sequence[float] | None = None,
    pixel_weights: tf.Tensor | None = None,
) -> tf.Tensor:
    """Mean over the pixels that are not ignored; 0 where all are.

    Args:
        label: `(batch, height, width)` int, 255 = ignored.
        logits: `(batch, height, width, classes)` float32.
        smoothing: share of the target's probability that all classes get alike,
            in [0, 1); the rest is the true one's.
        class_weights: of a pixel by its true class; the mean is weighted.
        pixel_weights: `(batch, height, width)`, what a pixel's loss is taken
            times. The mean is over all pixels as if these were 1: where they
            are small, so is the loss.

    Reference:
        Szegedy et al., 2016, https://arxiv.org/abs/1512.00567, section 7
        (smoothing).
    """
    label = tf.cast(label, tf.int32)
    counted = label != IGNORE
    label = tf.where(counted, label, 0)
    losses = _minus_log_probability(label, logits)
    if smoothing:
        # The mean of -log p over all classes.
        uniform = tf.reduce_logsumexp(logits, -1) - tf.reduce_mean(logits, -1)
        losses = (1.0 - smoothing) * losses + smoothing * uniform
    weights = tf.cast(counted, tf.float32)
    if class_weights is not None:
        weights *= tf.gather(tf.constant(class_weights, tf.float32), label)
    if pixel_weights is not None:
        losses *= pixel_weights
    # Not a product: an ignored pixel's loss may be infinite.
    total = tf.reduce_sum(tf.where(counted, losses * weights, 0.0))
    return tf.math.divide_no_nan(total, replicas.mean(tf.reduce_sum(weights)))


def _minus_log_probability(label: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Of each pixel's class: on CPUs in half of the time of TensorFlow's own.

    Args:
        label: `(batch, height, width)` int32 in [0, classes).
        logits: `(batch, height, width, classes)` float32.

    Returns:
        `(batch, height, width)`.
    """

    @tf.custom_gradient
    def of_pixels(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        top = tf.reduce_max(x, -1, keepdims=True)  # Or the powers might overflow.
        powers = tf.exp(x - top)
        total = tf.reduce_sum(powers, -1, keepdims=True)
        true = tf.gather(x, label, axis=-1, batch_dims=label.shape.rank)

        def gradient(dy: tf.Tensor) -> tf.Tensor:
            return (powers / total - tf.one_hot(label, x.shape[-1])) * dy[..., tf.newaxis]

        return tf.math.log(total[..., 0]) - (true - top[..., 0]), gradient

    return of_pixels(logits)


def dice_loss(label: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """One minus the soft Dice score, mean over the batch's true classes.

    Args:
        label: `(batch, height, width)` int, 255 = ignored.
        logits: `(batch, height, width, classes)` float32.

    Returns:
        In [0, 1]; every class counts alike, however few its pixels. 0 where all
        pixels are ignored.

    Reference:
        Milletari et al., 2016, https://arxiv.org/abs/1606.04797, section 3,
        with the sum of probabilities instead of that of their squares below
        the line (Drozdzal et al., 2016, https://arxiv.org/abs/1608.04117).
    """
    counted = tf.cast(tf.cast(label, tf.int32) != IGNORE, tf.float32)[..., tf.newaxis]
    truth = tf.one_hot(label, logits.shape[-1])  # 255 has no row.
    found = tf.nn.softmax(logits) * counted
    pixels = (0, 1, 2)
    number, shared, guessed = replicas.mean(
        [tf.reduce_sum(part, pixels) for part in (truth, truth * found, found)]
    )
    dice = tf.math.divide_no_nan(2.0 * shared, number + guessed)
    there = tf.cast(number > 0, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(there * (1.0 - dice)), tf.reduce_sum(there))


def accuracy(label: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Share of right ones among the pixels that are not ignored."""
    counted = tf.cast(label, tf.int32) != IGNORE
    right = tf.argmax(logits, -1, tf.int32) == tf.cast(label, tf.int32)
    return tf.math.divide_no_nan(
        tf.reduce_sum(tf.cast(right & counted, tf.float32)),
        replicas.mean(tf.reduce_sum(tf.cast(counted, tf.float32))),
    )


def entropy(logits: tf.Tensor) -> tf.Tensor:
    """How undecided each pixel is, no label needed.

    Args:
        logits: `(..., classes)` float32.

    Returns:
        `(...)` in [0, 1]: in parts of the entropy of a uniform distribution.

    Reference:
        Vu et al., 2019, https://arxiv.org/abs/1811.12833, equation 1.
    """
    log = tf.nn.log_softmax(logits)
    return -tf.reduce_sum(tf.exp(log) * log, -1) / tf.math.log(float(logits.shape[-1]))


def mean_entropy(logits: tf.Tensor) -> tf.Tensor:
    """Mean of `entropy` over all pixels."""
    return tf.reduce_mean(entropy(logits))


def inverse_log(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of rare classes above those of frequent ones, but not by far.

    Args:
        shares: `(classes,)` of all pixels, in [0, 1].

    Returns:
        `(classes,)`; the mean over pixels is 1. A class that does not occur
        gets the weight of one that hardly does.

    Reference:
        Paszke et al., 2016, https://arxiv.org/abs/1606.02147, section 5.2
        (1 / ln(1.02 + p)).
    """
    weights: NDArray[np.float64] = 1.0 / np.log(1.02 + shares)
    return weights / np.sum(shares * weights)


# How classes are weighted, from their shares of the pixels to weights.
CLASS_WEIGHTING: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]] | None] = {
    "none": None,
    "inverse_log": inverse_log,
}


def count_classes(records: Sequence[Record], num_classes: int) -> NDArray[np.int64]:
    """Pixels `(records, classes)` of each class in each record's label."""
    counts = np.zeros((len(records), num_classes), np.int64)
    for row, record in zip(counts, records, strict=True):
        if record.label is not None:
            found = np.bincount(read_label(record.label).ravel(), minlength=256)
            row += found[:num_classes]
    return counts


def class_shares(records: Sequence[Record], num_classes: int) -> NDArray[np.float64]:
    """Share of each class in the counted pixels of labelled records."""
    counted = count_classes(records, num_classes).sum(axis=0)
    return counted / max(1, counted.sum())
