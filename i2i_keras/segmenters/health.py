"""Signs of a segmenter's health in the rows of its history."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.data.labels import IGNORE
from i2i_keras.errors import DivergedError
from i2i_keras.training.history import Row, Warning

_ROWS = 3  # In so many a sign has to hold, one after the other.
# The loss against that of the first row, where it has diverged, or stays.
_DIVERGED, _STAYS = 2.0, 0.98
_LOW = 0.5  # Accuracy below which a loss that stays has not simply arrived.
# Diversity: 0.02 where one class gets 99.5 % of the pixels, of five alike.
_CONSTANT = 0.03

DIVERSITY = "val_class_diversity"


def predicted_pixels(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """How often each class is predicted, and how often it is true.

    Args:
        labels: `(batch, height, width)` int32, 255 = ignored.
        logits: `(batch, height, width, classes)`.

    Returns:
        `(2, classes)` float32, ignored pixels left out.
    """
    counted = labels != IGNORE
    number = logits.shape[-1]
    return tf.stack(
        [
            tf.math.bincount(classes[counted], minlength=number, maxlength=number, dtype=tf.float32)
            for classes in (tf.argmax(logits, -1, tf.int32), tf.cast(labels, tf.int32))
        ]
    )


def validate(
    test: Callable[[tuple[tf.Tensor, tf.Tensor]], Mapping[str, tf.Tensor]],
    batches: Iterable[tuple[tf.Tensor, tf.Tensor]],
) -> dict[str, float]:
    """Means over validation images; nothing where no pixel counts.

    Args:
        test: from images and labels to losses, and to `predicted`, what
            `predicted_pixels` gives.
        batches: images and labels.

    Returns:
        Each loss as `val_NAME`, and `val_class_diversity`: the entropy of what
        is predicted, in parts of that of the truth; 0 = one class everywhere.

    Raises:
        DataError: a loss is no number.
    """
    losses, images, pixels = list[dict[str, float]](), list[int](), list[NDArray[np.float64]]()
    for batch in batches:
        found = dict(test(batch))
        predicted = np.asarray(found.pop("predicted"), np.float64)
        if predicted[1].any():  # A mean over ignored pixels alone is none.
            losses.append({name: float(value) for name, value in found.items()})
            images.append(len(batch[1]))
            pixels.append(predicted)
    if not losses:
        return {}
    row = {
        f"val_{name}": float(np.average([loss[name] for loss in losses], weights=images))
        for name in losses[0]
    }
    refuse_not_finite(row, "validation images")
    seen, true = map(_entropy, np.sum(pixels, axis=0))
    return row | {DIVERSITY: seen / true if true else 1.0}


def _entropy(counts: NDArray[np.float64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def refuse_not_finite(row: Mapping[str, float], what: str) -> None:
    """Refuses to go on from what a network makes of images.

    Raises:
        DivergedError: a value is no number.
    """
    for name, value in row.items():
        if not math.isfinite(value):
            raise DivergedError(
                f"{name} of the {what} is {value}: the training has diverged. Its last checkpoint"
                " is from before; lower segmenter.learning_rate, delete the stage's folder and"
                " run it again."
            )


def diagnose(rows: Sequence[Row]) -> list[Warning]:
    """What is wrong with the last rows of a history, and what may help.

    Args:
        rows: of the history so far; signals that are missing or NaN say
            nothing.
    """
    found = [*_all_ignored(rows), *_constant(rows)]
    return found or [*_loss(rows)]


def _all_ignored(rows: Sequence[Row]) -> Iterator[Warning]:
    last = rows[-_ROWS:]
    if len(last) == _ROWS and all(row.get("loss") == 0 == row.get("accuracy") for row in last):
        yield Warning(
            "all ignored",
            "No pixel of the labels counts: all are ignored (255), so that nothing is learned."
            " Check the labels' encoding by `i2i-keras audit`, or raise pipeline.crop.",
        )


def _constant(rows: Sequence[Row]) -> Iterator[Warning]:
    last = rows[-_ROWS:]
    if len(last) == _ROWS and all(row.get(DIVERSITY, math.nan) <= _CONSTANT for row in last):
        yield Warning(
            "constant class",
            "The segmenter predicts one class nearly everywhere in the validation images. Lower"
            " learning_rate, or set class_weighting = 'inverse_log'.",
        )


def _loss(rows: Sequence[Row]) -> Iterator[Warning]:
    losses = [row.get("loss", math.nan) for row in rows]
    if len(rows) < 2 * _ROWS or not losses[0] > 0:
        return
    now, accuracy = sum(losses[-_ROWS:]) / _ROWS, rows[-1].get("accuracy", math.nan)
    if now >= _DIVERGED * losses[0]:
        yield Warning(
            "diverged",
            f"The loss of the segmenter rises ({losses[0]:.2g} at first, {now:.2g} now). Lower"
            " learning_rate.",
        )
    elif now >= _STAYS * losses[0] and accuracy < _LOW:
        yield Warning(
            "does not fall",
            f"The loss of the segmenter does not fall ({losses[0]:.2g} at first, {now:.2g} now, at"
            f" {accuracy:.0%} of the pixels right). Change learning_rate, and look whether labels"
            " fit their images by `i2i-keras audit`.",
        )
