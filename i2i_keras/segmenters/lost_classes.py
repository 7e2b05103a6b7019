"""Classes that a network no longer sees in images without labels.

A network that learns from its own labels confirms itself: what it overlooks
today it is taught to overlook tomorrow. Its labels then have a class far more
seldom than labelled images have it, which is seen without a label.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.training.history import Row, Warning

# A class counts from this share of the labels on: of fewer, chance decides.
_COUNTS = 0.005
_LOST = 0.2  # Of its share in the labels.
_ROWS = 2  # In so many it has to hold, one after the other.
SHARE, CLASS = "least_seen", "least_seen_class"


def predicted_shares(
    network: Callable[[tf.Tensor], tf.Tensor], images: Sequence[tf.Tensor]
) -> NDArray[np.float64]:
    """How often a network predicts each class.

    Args:
        network: from images `(1, height, width, 3)` to logits `(..., classes)`.
        images: float32 in [-1, 1]; at least one.

    Returns:
        `(classes,)`, shares of all pixels.
    """
    counts = []
    for image in images:
        logits = np.asarray(network(image))
        number = logits.shape[-1]
        counts.append(np.bincount(logits.argmax(axis=-1).ravel(), minlength=number))
    total = np.sum(counts, axis=0)
    return total / total.sum()


def least_seen(predicted: NDArray[np.float64], labelled: NDArray[np.float64]) -> Row:
    """The class that is predicted most seldom for what the labels have of it.

    Args:
        predicted: `(classes,)` shares of the pixels.
        labelled: the same of labels; a class below 0.5 % is left out.

    Returns:
        `least_seen`, its share in the predictions by that in the labels, 1 at
        most, and `least_seen_class`, its number; nothing without any class.
    """
    counted = np.flatnonzero(labelled >= _COUNTS)
    if not len(counted):
        return {}
    ratios = predicted[counted] / labelled[counted]
    least = int(np.argmin(ratios))
    return {SHARE: min(1.0, float(ratios[least])), CLASS: float(counted[least])}


def diagnose(rows: Sequence[Row], names: Sequence[str]) -> list[Warning]:
    """Warns of a class that is lost.

    Args:
        rows: of the history so far.
        names: of the classes.
    """
    last = rows[-_ROWS:]
    if len(last) < _ROWS or any(row.get(SHARE, 1.0) >= _LOST for row in last):
        return []
    name, share = names[int(last[-1][CLASS])], last[-1][SHARE]
    text = (
        f"In the target's images {name} is predicted {share:.0%} as often as the labels have it: it"
        " is overlooked, and self-training confirms that. Compare its IoU with that of the same arm"
        " without self-training, and lower self_training.weight or masked_weight."
    )
    return [Warning(f"lost {name}", text)]
