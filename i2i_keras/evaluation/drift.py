"""What translation does to the meaning of images, as a segmenter sees it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.data.pipeline import evaluation_batches
from i2i_keras.data.records import Record
from i2i_keras.evaluation.segmentation import confusion_matrix

_NOTABLE = 0.05  # Share of a class that became another.


def transitions(
    segment: Callable[[tf.Tensor], tf.Tensor],
    before: Sequence[Record],
    after: Sequence[Record],
    num_classes: int,
    multiple: int,
) -> NDArray[np.int64]:
    """Counts what a frozen segmenter sees in images and in their translations.

    Args:
        segment: from images in [-1, 1] to logits.
        before: images.
        after: their translations, in the same order and of the same size.
        num_classes: of the segmenter.
        multiple: what the sides of an image have to be a multiple of.

    Returns:
        `(classes, classes)` pixels; the class seen in the image by row, the
        one seen at the same place of its translation by column.
    """
    counts = np.zeros((num_classes, num_classes), np.int64)
    pairs = zip(
        evaluation_batches(before, 1, multiple), evaluation_batches(after, 1, multiple), strict=True
    )
    for (image, _), (translated, _) in pairs:
        seen, now = (tf.argmax(segment(i), -1).numpy() for i in (image, translated))
        counts += confusion_matrix(seen, now, num_classes)
    return counts


def summarize(counts: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """The drift as shares and as sentences.

    Args:
        counts: what `transitions` gives.
        names: of the classes.

    Returns:
        `drifted`: share of all pixels that became another class; `kept`: by
        class the share that stayed, None for one that was not seen;
        `sentences`: the largest changes of a class into another; `transitions`:
        the counts.
    """
    seen = counts.sum(axis=1)
    shares = np.divide(counts, seen[:, None], out=np.zeros(counts.shape), where=seen[:, None] > 0)
    changes = shares - np.diag(np.diag(shares))
    told = []
    for flat in np.argsort(-(changes * seen[:, None]), axis=None)[:5]:
        row, column = np.unravel_index(flat, counts.shape)
        if changes[row, column] >= _NOTABLE:
            share = f"{100 * changes[row, column]:.0f}%"
            told.append(f"{names[row]} became {names[column]} in {share} of its pixels.")
    return {
        "drifted": float(1.0 - np.trace(counts) / max(1, counts.sum())),
        "kept": {name: float(shares[i, i]) if seen[i] else None for i, name in enumerate(names)},
        "sentences": told,
        "transitions": counts.tolist(),
    }
