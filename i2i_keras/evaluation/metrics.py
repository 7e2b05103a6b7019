"""Scores of a segmenter, all of them from its confusion matrix.

A new one is a function and a row in `METRICS`: that puts it into the files of
scores and the report's table.

A class that neither occurs nor is predicted has no score (NaN) and is left out
of means; one that is predicted and does not occur has 0, which counts. So does
cityscapesScripts, for the classes that it evaluates.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.labels import CATEGORIES
from i2i_keras.datasets.spaces import LabelSpace, categories_of, evaluated_in

# Whole numbers, but as float64 where a resampling has multiplied them.
Counts = NDArray[np.int64] | NDArray[np.float64]
# Of the classes `(classes,)`, see `spaces.evaluated_in`; None = all are.
Evaluated = NDArray[np.bool_] | None


def iou_per_class(confusion: Counts, evaluated: Evaluated = None) -> NDArray[np.float64]:
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


def iou_parts(confusion: Counts, evaluated: Evaluated = None) -> Parts:
    """Intersection and union of each class; see `iou_per_class`."""
    if evaluated is not None:
        confusion = confusion * evaluated[:, np.newaxis]
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    union = confusion.sum(axis=-2) + confusion.sum(axis=-1) - hits
    return Parts(hits, union if evaluated is None else union * evaluated)


def iou_of(parts: Parts) -> NDArray[np.float64]:
    """The ratio, `(..., rows)` in [0, 1]; NaN where there is no union."""
    out = np.full_like(parts.hits, np.nan)
    return np.divide(parts.hits, parts.union, out=out, where=parts.union > 0)


def mean_iou(confusion: Counts, evaluated: Evaluated = None) -> NDArray[np.float64]:
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


def pixel_accuracy(confusion: Counts, evaluated: Evaluated = None) -> float:
    """Share of the pixels that are right."""
    occurring = _occurring(confusion, evaluated)
    return _share(occurring.hits.sum(), occurring.pixels.sum())


def mean_accuracy(confusion: Counts, evaluated: Evaluated = None) -> float:
    """Mean share of right pixels over the classes that occur."""
    occurring = _occurring(confusion, evaluated)
    return _share((occurring.hits / occurring.pixels).sum(), len(occurring.hits))


def frequency_weighted_iou(confusion: Counts, evaluated: Evaluated = None) -> float:
    """Mean of `iou_per_class`, weighted by the share of each class."""
    occurring = _occurring(confusion, evaluated)
    iou = iou_per_class(confusion, evaluated)[occurring.there]
    return _share((iou * occurring.pixels).sum(), occurring.pixels.sum())


def _share(part: float, whole: float) -> float:
    """NaN of nothing, which is no 0."""
    return float(part / whole) if whole else float("nan")


class Metric(NamedTuple):
    """A score that is one number.

    Attributes:
        name: its key in evaluate/ARM.json.
        title: of its column in the report.
        score: from a confusion matrix `(classes, classes)` and the classes that
            are evaluated to [0, 1]; None = it cannot be had from a matrix, and
            `prediction.predict` gives it.
        factor: by which it is multiplied to be shown.
        digits: behind the point, as it is shown.
        compared: whether to find which arm is the best at it, see `best`.
    """

    name: str
    title: str
    score: Callable[[Counts, Evaluated], float | NDArray[np.float64]] | None = None
    factor: float = 100.0
    digits: int = 1
    compared: bool = False


# What arms are ranked by.
MEAN_IOU = Metric("mean_iou", "Mean IoU %", mean_iou, compared=True)

# In the order of the columns. Reference: Long et al., 2015,
# https://arxiv.org/abs/1411.4038, section 5.
METRICS = (
    MEAN_IOU,
    Metric("pixel_accuracy", "Pixel accuracy %", pixel_accuracy),
    Metric("mean_accuracy", "Mean accuracy %", mean_accuracy),
    Metric("frequency_weighted_iou", "Frequency-weighted IoU %", frequency_weighted_iou),
    Metric("calibration_error", "Calibration error %"),
    Metric("loss", "Loss", factor=1.0, digits=3),
)


def score(confusion: Counts, evaluated: Evaluated = None) -> dict[str, float]:
    """All of `METRICS` that one summed confusion matrix gives.

    Args:
        confusion: `(classes, classes)`.
        evaluated: see `iou_per_class`.

    Returns:
        By name, in [0, 1], or NaN if no pixel counts.
    """
    return {m.name: score_by(m, confusion, evaluated) for m in METRICS if m.score}


def score_by(metric: Metric, confusion: Counts, evaluated: Evaluated = None) -> float:
    """One score of one confusion matrix; NaN if no pixel counts."""
    if metric.score is None or not _occurring(confusion, evaluated).there.any():
        return float("nan")
    return float(metric.score(confusion, evaluated))


class _Occurring(NamedTuple):
    """Classes of which the truth has pixels, and are evaluated.

    Attributes:
        there: `(classes,)`, which these are.
        pixels: of each of them.
        hits: those that are right.
    """

    there: NDArray[np.bool_]
    pixels: Counts
    hits: Counts


def _occurring(confusion: Counts, evaluated: Evaluated) -> _Occurring:
    pixels = confusion.sum(axis=1)
    if evaluated is not None:
        pixels = pixels * evaluated
    there = pixels > 0
    return _Occurring(there, pixels[there], np.diag(confusion)[there])
