"""What the confusion matrices of all arms say, as plain numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.datasets.spaces import SUBSETS, LabelSpace, evaluated_in
from i2i_keras.evaluation import intervals, metrics
from i2i_keras.evaluation.intervals import Drawn, Interval
from i2i_keras.evaluation.summary import ArmScores
from i2i_keras.segmenters.arms import CEILING, FLOOR


def compare(drawn: Mapping[str, Drawn]) -> dict[str, ArmScores]:
    """Compares all arms with source_only, where that is one of them.

    Args:
        drawn: by arm its mean IoU, from `intervals.bootstrap`.

    Returns:
        By arm, gains for all but source_only, closed gaps for all but the
        oracle as well. Of several trainings these are means. What does not
        exist, such as the interval of one image, is None.
    """
    results: dict[str, ArmScores] = {}
    floor, ceiling = drawn.get(FLOOR), drawn.get(CEILING)
    for arm, found in drawn.items():
        several = len(found.points) > 1
        facts: ArmScores = {"mean_iou": found.mean, "ci95": _ends(found.interval())}
        if several:
            facts |= {"seeds": found.points.tolist(), "std": found.spread}
        if floor is not None and arm != FLOOR:
            gain = found.minus(floor)
            facts |= {"gain": gain.mean, "gain_ci95": _ends(gain.interval())}
            if several:
                facts["gain_p"] = _known({"p": gain.p_value()})["p"]
            if arm != CEILING:
                closed = intervals.gap_closed(floor, found, ceiling) if ceiling else None
                facts["gap_closed"] = closed.share if closed else None
                facts["gap_closed_ci95"] = _ends(closed.interval) if closed else None
        results[arm] = facts
    return results


def score_confusion(space: LabelSpace, confusion: NDArray[np.int64]) -> dict[str, Any]:
    """All scores of one arm, also over subsets and categories, and by class.

    Args:
        space: whose classes they are.
        confusion: `(classes, classes)` pixels, summed over images.

    Returns:
        The keys of `metrics.score`; `iou` by class; `subsets`, the mean
        IoU of those of `spaces.SUBSETS` that are smaller than the space and in
        it; `categories`, see `metrics.category_iou`, and their mean,
        `mean_category_iou`. Where a space has classes that Cityscapes does not
        evaluate, `evaluated` holds `iou` and scores of those that it does, by
        its rules, and subsets are means of these IoUs. None = left out.
    """
    evaluated = evaluated_in(space)
    iou = _by_name(space, metrics.iou_per_class(confusion, evaluated))
    categories = _known(metrics.category_iou(confusion, space))
    facts = {
        **_known(metrics.score(confusion)),
        "iou": _by_name(space, metrics.iou_per_class(confusion)),
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
    scores = _known(metrics.score(confusion, evaluated))
    return facts | {"evaluated": {**scores, "iou": {name: iou[name] for name in names}}}


def average(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of each number in equal tables, however deep; else the first.

    Numbers that are None in all of them stay so.
    """
    mean: dict[str, Any] = {}
    for key, first in facts[0].items():
        values = [table.get(key) for table in facts]
        if all(value == first for value in values):
            mean[key] = first  # Counts stay whole.
        elif isinstance(first, Mapping):
            mean[key] = average([value for value in values if value is not None])
        elif all(value is None or type(value) in (int, float) for value in values):
            mean[key] = _mean(values)
        else:
            mean[key] = first
    return mean


def _ends(interval: Interval) -> Interval | None:
    return None if np.isnan(interval).any() else interval


def _by_name(space: LabelSpace, values: NDArray[np.float64]) -> dict[str, float | None]:
    return _known(dict(zip(space.names, map(float, values), strict=True)))


def _known(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in values.items()}


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None
