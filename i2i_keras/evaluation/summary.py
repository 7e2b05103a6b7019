"""What the confusion matrices of all arms say, as plain numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.spaces import SUBSETS
from i2i_keras.evaluation import segmentation, statistics
from i2i_keras.evaluation.statistics import Drawn

FLOOR, CEILING = "source_only", "oracle"


def compare(drawn: dict[str, Drawn]) -> dict[str, dict[str, Any]]:
    """Compares all arms with source_only, where that is one of them.

    Args:
        drawn: by arm its mean IoU, from `statistics.bootstrap`.

    Returns:
        By arm `mean_iou` and `ci95`; for all but source_only `gain` and
        `gain_ci95`; for all but the oracle as well `gap_closed` and
        `gap_closed_ci95`, None without an oracle or a gap. Of several trainings
        these are means, and there is besides `seeds`, the mean IoU of each;
        `std`, their standard deviation; and `gain_p`, see `Drawn.p_value`.
    """
    results: dict[str, dict[str, Any]] = {}
    floor, ceiling = drawn.get(FLOOR), drawn.get(CEILING)
    for arm, found in drawn.items():
        several = len(found.points) > 1
        facts: dict[str, Any] = {"mean_iou": found.mean, "ci95": found.interval()}
        if several:
            facts |= {"seeds": found.points.tolist(), "std": found.spread}
        if floor is not None and arm != FLOOR:
            gain = found.minus(floor)
            facts |= {"gain": gain.mean, "gain_ci95": gain.interval()}
            if several:
                facts["gain_p"] = gain.p_value()
            if arm != CEILING:
                closed = statistics.gap_closed(floor, found, ceiling) if ceiling else None
                facts["gap_closed"], facts["gap_closed_ci95"] = closed or (None, None)
        results[arm] = facts
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
