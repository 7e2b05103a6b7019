"""What the confusion matrices of all arms say, as plain numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.spaces import SUBSETS
from i2i_keras.evaluation import segmentation, statistics
from i2i_keras.evaluation.statistics import Bootstrap

FLOOR, CEILING = "source_only", "oracle"


def compare(
    confusions: dict[str, NDArray[np.int64]], drawn: Bootstrap
) -> dict[str, dict[str, Any]]:
    """Compares all arms with source_only, where that is one of them.

    Args:
        confusions: by arm, `(images, classes, classes)`.
        drawn: the bootstrap over the same images.

    Returns:
        By arm `mean_iou` and `ci95`; for all but source_only `gain` and
        `gain_ci95`; for all but the oracle as well `gap_closed`, None without
        an oracle or a gap.
    """
    points = {a: float(segmentation.mean_iou(c.sum(axis=0))) for a, c in confusions.items()}
    results: dict[str, dict[str, Any]] = {}
    for arm, point in points.items():
        results[arm] = {"mean_iou": point, "ci95": drawn.interval(arm)}
        if arm == FLOOR or FLOOR not in points:
            continue
        results[arm]["gain"] = point - points[FLOOR]
        results[arm]["gain_ci95"] = drawn.gain_interval(arm, FLOOR)
        if arm != CEILING:
            oracle = points.get(CEILING, points[FLOOR])
            results[arm]["gap_closed"] = statistics.gap_closed(points[FLOOR], point, oracle)
    return results


def details(names: tuple[str, ...], confusion: NDArray[np.int64]) -> dict[str, Any]:
    """All scores of one arm, also over subsets of the classes, and by class.

    Returns:
        The keys of `segmentation.scores`; `iou` by class, None = left out; and
        `subsets`, the mean IoU of those of `spaces.SUBSETS` that are smaller
        than the label space and in it.
    """
    iou = segmentation.iou_per_class(confusion)
    by_class = {n: None if np.isnan(v) else float(v) for n, v in zip(names, iou, strict=True)}
    subsets = {
        subset: _mean([by_class[name] for name in classes])
        for subset, classes in SUBSETS.items()
        if {*classes} < {*names}
    }
    return {**segmentation.scores(confusion), "iou": by_class, "subsets": subsets}


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def absent(names: tuple[str, ...], confusion: NDArray[np.int64]) -> list[str]:
    """Classes of which the truth has no pixel."""
    occurring = confusion.sum(axis=1)
    return [name for name, pixels in zip(names, occurring, strict=True) if pixels == 0]
