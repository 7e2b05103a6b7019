"""Scores of a segmenter, all of them from its confusion matrix.

A class that neither occurs nor is predicted has no score (NaN) and is left out
of means; one that is predicted and does not occur has 0, which counts. So does
cityscapesScripts, for the classes that it evaluates.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.labels import CATEGORIES, IGNORE
from i2i_keras.datasets.spaces import LabelSpace, categories_of, evaluated_in

# Whole numbers, but as float64 where a resampling has multiplied them.
Counts = NDArray[np.int64] | NDArray[np.float64]


def confusion_matrix(
    truth: NDArray[Any], predicted: NDArray[Any], num_classes: int
) -> NDArray[np.int64]:
    """Counts pixels by true and predicted class.

    Args:
        truth: class indices, 255 = ignored; any shape, any integers.
        predicted: class indices of the same shape.
        num_classes: size of the label space, at most 254.

    Returns:
        `(classes, classes)`, truth by row and prediction by column.

    Raises:
        ValueError: there is an index that is no class.
    """
    truth, predicted = _bytes(truth), _bytes(predicted)
    if predicted.max(initial=0) >= num_classes:
        raise ValueError(f"{predicted.max()} is predicted and none of {num_classes} classes.")
    # 16 bits hold every pair, and ignored ones fall behind all that count:
    # half of the time of wider keys and of a mask.
    pairs = np.multiply(truth, num_classes, dtype=np.uint16)
    pairs += predicted
    counts = np.bincount(pairs.ravel(), minlength=num_classes * 256)
    if counts[num_classes**2 : num_classes * IGNORE].any():
        raise ValueError(f"The truth holds what is none of {num_classes} classes and not {IGNORE}.")
    return counts[: num_classes**2].reshape(num_classes, num_classes).copy()


def iou_per_class(
    confusion: Counts, evaluated: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Intersection over union of each class.

    Args:
        confusion: `(..., classes, classes)` pixel counts, truth by row and
            prediction by column, ignored pixels left out.
        evaluated: `(classes,)`, see `spaces.evaluated_in`. Pixels of other
            classes do not count at all, and to predict one of these is a miss.
            None = all classes are evaluated.

    Returns:
        `(..., classes)` in [0, 1]; NaN for a class that neither occurs nor is
        predicted, or is not evaluated, so that it is left out of `mean_iou`.

    Reference:
        cityscapesScripts, `evalPixelLevelSemanticLabeling.py`.
    """
    return iou_of(iou_parts(confusion, evaluated))


class Parts(NamedTuple):
    """What an IoU is the ratio of; both add up over images.

    Attributes:
        hits: `(..., rows)` pixels in the intersection.
        union: `(..., rows)` pixels in the union; 0 where there is no IoU.
    """

    hits: NDArray[np.float64]
    union: NDArray[np.float64]


def iou_parts(confusion: Counts, evaluated: NDArray[np.bool_] | None = None) -> Parts:
    """Intersection and union of each class; see `iou_per_class`."""
    if evaluated is not None:
        confusion = confusion * evaluated[:, np.newaxis]
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    union = confusion.sum(axis=-2) + confusion.sum(axis=-1) - hits
    return Parts(hits, union if evaluated is None else union * evaluated)


def iou_of(parts: Parts) -> NDArray[np.float64]:
    """The ratio, `(..., rows)` in [0, 1]; NaN where there is no union."""
    hits, union = parts
    return np.divide(hits, union, out=np.full_like(hits, np.nan), where=union > 0)


def mean_iou(confusion: Counts, evaluated: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Mean of `iou_per_class` over the classes that occur or are predicted.

    Args:
        confusion: `(..., classes, classes)`.
        evaluated: see `iou_per_class`.

    Returns:
        `(...)` in [0, 1]; NaN if no pixel counts.
    """
    return mean_of_present(iou_per_class(confusion, evaluated))


def mean_of_present(iou: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean `(...)` over the rows `(..., rows)` that are not NaN; else NaN."""
    present = ~np.isnan(iou)
    total, number = np.where(present, iou, 0.0).sum(axis=-1), present.sum(axis=-1)
    return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)


def category_iou(confusion: Counts, space: LabelSpace) -> dict[str, float]:
    """Intersection over union of Cityscapes' categories.

    A category is what its evaluated classes are together, so that to take one
    for another of them is no fault. To take one for a class that is not
    evaluated is, even where that is of the same category.

    Args:
        confusion: `(classes, classes)`.
        space: whose classes they are.

    Returns:
        By category in [0, 1]; NaN for one that neither occurs nor is predicted.
        Those that `spaces.categories_of` finds; there may be none.

    Reference:
        cityscapesScripts, `getIouScoreForCategory`.
    """
    evaluated = evaluated_in(space)
    return {
        category: float(iou_of(category_parts(confusion, inside, evaluated)))
        for category, inside in category_classes(space).items()
    }


def category_classes(space: LabelSpace) -> dict[str, NDArray[np.bool_]]:
    """By category `(classes,)`, its evaluated classes; none without any."""
    evaluated, categories = evaluated_in(space), np.array(categories_of(space))
    members = {category: evaluated & (categories == category) for category in CATEGORIES}
    return {category: inside for category, inside in members.items() if inside.any()}


def category_parts(
    confusion: Counts, inside: NDArray[np.bool_], evaluated: NDArray[np.bool_]
) -> Parts:
    """Intersection and union `(...)` of one category; see `category_iou`.

    Args:
        confusion: `(..., classes, classes)`.
        inside: `(classes,)`, those of the category.
        evaluated: `(classes,)`, see `spaces.evaluated_in`.
    """
    truth = confusion[..., inside, :]
    hits = truth[..., inside].sum(axis=(-2, -1)).astype(np.float64)
    taken = confusion[..., evaluated, :][..., inside].sum(axis=(-2, -1))
    return Parts(hits, truth.sum(axis=(-2, -1)) + taken - hits)


def scores(
    confusion: NDArray[np.int64], evaluated: NDArray[np.bool_] | None = None
) -> dict[str, float]:
    """All scores of one summed confusion matrix.

    Args:
        confusion: `(classes, classes)`.
        evaluated: see `iou_per_class`.

    Returns:
        `mean_iou`; `pixel_accuracy`; `mean_accuracy`, over the classes that
        occur; `frequency_weighted_iou`, weighted by their share of the pixels.
        All in [0, 1], or NaN if no pixel counts.

    Reference:
        Long et al., 2015, https://arxiv.org/abs/1411.4038, section 5.
    """
    occurring = confusion.sum(axis=1)
    if evaluated is not None:
        occurring = occurring * evaluated
    there = occurring > 0
    iou, hits = iou_per_class(confusion, evaluated)[there], np.diag(confusion)[there]
    occurring, total = occurring[there], max(1, occurring.sum())
    found = {
        "mean_iou": mean_iou(confusion, evaluated),
        "pixel_accuracy": hits.sum() / total,
        "mean_accuracy": (hits / occurring).sum() / max(1, len(hits)),
        "frequency_weighted_iou": (iou * occurring).sum() / total,
    }
    return {name: float(value) if there.any() else float("nan") for name, value in found.items()}


def _bytes(classes: NDArray[Any]) -> NDArray[np.uint8]:
    if classes.dtype == np.uint8:
        return classes
    if classes.size and not 0 <= classes.min() <= classes.max() <= IGNORE:
        raise ValueError(f"{classes.min()} to {classes.max()} are no classes.")
    return classes.astype(np.uint8)
