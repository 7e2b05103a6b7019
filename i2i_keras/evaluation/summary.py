"""What the confusion matrices of all arms say, as plain numbers."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras import runs
from i2i_keras.data.spaces import SUBSETS, LabelSpace, evaluated_in
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


def details(space: LabelSpace, confusion: NDArray[np.int64]) -> dict[str, Any]:
    """All scores of one arm, also over subsets and categories, and by class.

    Args:
        space: whose classes they are.
        confusion: `(classes, classes)` pixels, summed over images.

    Returns:
        The keys of `segmentation.scores`; `iou` by class; `subsets`, the mean
        IoU of those of `spaces.SUBSETS` that are smaller than the space and in
        it; `categories`, see `segmentation.category_iou`, and their mean,
        `mean_category_iou`. Where a space has classes that Cityscapes does not
        evaluate, `evaluated` holds `iou` and scores of those that it does, by
        its rules, and subsets are means of these IoUs. None = left out.
    """
    evaluated = evaluated_in(space)
    iou = _by_name(space, segmentation.iou_per_class(confusion, evaluated))
    categories = _known(segmentation.category_iou(confusion, space))
    facts = {
        **_known(segmentation.scores(confusion)),
        "iou": _by_name(space, segmentation.iou_per_class(confusion)),
        "subsets": {
            subset: _mean([iou[name] for name in classes])
            for subset, classes in SUBSETS.items()
            if {*classes} < {*space.names}
        },
        "categories": categories,
        "mean_category_iou": _mean(categories.values()),
    }
    if evaluated.all():
        return facts
    names = [name for name, counts in zip(space.names, evaluated, strict=True) if counts]
    scores = _known(segmentation.scores(confusion, evaluated))
    return facts | {"evaluated": {**scores, "iou": {name: iou[name] for name in names}}}


def write_confusion(path: Path, names: Sequence[str], confusion: NDArray[np.int64]) -> None:
    """Writes a confusion matrix as CSV, truth by row, prediction by column."""
    rows = [
        {"truth": name, **dict(zip(names, map(int, row), strict=True))}
        for name, row in zip(names, confusion, strict=True)
    ]
    runs.write_table(path, rows, ["truth", *names])


def _by_name(space: LabelSpace, values: NDArray[np.float64]) -> dict[str, float | None]:
    return _known(dict(zip(space.names, map(float, values), strict=True)))


def _known(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in values.items()}


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def absent(names: tuple[str, ...], confusion: NDArray[np.int64]) -> list[str]:
    """Classes of which the truth has no pixel."""
    occurring = confusion.sum(axis=1)
    return [name for name, pixels in zip(names, occurring, strict=True) if pixels == 0]
