"""What translation does to the meaning of images, as a segmenter sees it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.parallel import at_once
from i2i_keras.evaluation.confusion import confusion_matrix
from i2i_keras.segmenters.eye import Eye, Pixels, Seen

_NOTABLE = 0.05  # Share of a class that became another.


def count_transitions(
    before: Iterable[Seen], after: Iterable[Seen], num_classes: int
) -> NDArray[np.int64]:
    """Counts what was seen in images and in their translations.

    Args:
        before: what was seen in images.
        after: what was seen in their translations, in the same order.
        num_classes: of the segmenter.

    Returns:
        `(classes, classes)` pixels; the class seen in the image by row, the
        one seen at the same place of its translation by column.
    """
    counts = np.zeros((num_classes, num_classes), np.int64)
    for old, new in zip(before, after, strict=True):
        counts += confusion_matrix(old.classes, new.classes, num_classes)
    return counts


def measure_drift(counts: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """How much drifted, in all and of each class.

    Args:
        counts: what `count_transitions` gives.
        names: of the classes.

    Returns:
        `drifted`: share of all pixels that became another class, None of no
        pixel; `kept`: by class the share that stayed, None for one that was not
        seen.
    """
    seen, stayed = counts.sum(axis=1), np.diag(counts)
    return {
        "drifted": float((seen - stayed).sum() / seen.sum()) if seen.any() else None,
        "kept": {
            name: float(stayed[i] / seen[i]) if seen[i] else None for i, name in enumerate(names)
        },
    }


def summarize(counts: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """The drift as shares and as sentences.

    Args:
        counts: what `count_transitions` gives.
        names: of the classes.

    Returns:
        The keys of `measure_drift`; `sentences`: the largest changes of a class
        into another; `transitions`: the counts.
    """
    seen = counts.sum(axis=1)
    became = np.divide(counts, seen[:, None], out=np.zeros(counts.shape), where=seen[:, None] > 0)
    changed = counts - np.diag(np.diag(counts))
    told = []
    for flat in np.argsort(-changed, axis=None)[:5]:
        row, column = np.unravel_index(flat, counts.shape)
        if row != column and became[row, column] >= _NOTABLE:
            share = f"{100 * became[row, column]:.0f}%"
            told.append(f"{names[row]} became {names[column]} in {share} of its pixels.")
    return {**measure_drift(counts, names), "sentences": told, "transitions": counts.tolist()}


def measure_by_step(
    eye: Eye,
    images: Sequence[Pixels],
    checkpoints: Iterable[tuple[int, Callable[[Pixels], Pixels]]],
    names: Sequence[str],
) -> list[dict[str, Any]]:
    """Drift of several checkpoints of one translator, on the same images.

    Args:
        eye: the segmenter that looks.
        images: `(height, width, 3)` uint8 RGB each.
        checkpoints: step of the training and the translator that it was then.
        names: of the classes.

    Returns:
        For each its `step` and the keys of `measure_drift`.
    """
    before = [*at_once(eye.look, images)]
    rows = []
    for step, translate in checkpoints:
        after = map(eye.look, at_once(translate, images))
        rows.append(
            {"step": step, **measure_drift(count_transitions(before, after, len(names)), names)}
        )
    return rows
