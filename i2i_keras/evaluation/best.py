"""Which arm is the best at what, where that is more than chance."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from i2i_keras.datasets.spaces import SUBSETS, LabelSpace, evaluated_in
from i2i_keras.evaluation import intervals, metrics
from i2i_keras.evaluation.intervals import Drawn, Draws, Trainings, Values
from i2i_keras.evaluation.metrics import MEAN_IOU, Counts, Metric, Parts, mean_of_present
from i2i_keras.evaluation.summary import Best, Lead
from i2i_keras.segmenters.arms import CEILING

# Of fewer images, one of two equal arms is ahead in all of them in more than
# 5 % of the cases: twice 0.5^5 is 0.0625.
_LEAST_IMAGES = 6
_AT_ONCE = 1000  # Images whose matrices are copied.


class _Scores(NamedTuple):
    """Which scores are compared, and where they stand.

    Attributes:
        names: kind and name of each IoU.
        means: by kind and name, the places of the IoUs that it averages.
        metrics: what is no mean of IoUs.
    """

    names: list[tuple[str, str]]
    means: dict[tuple[str, str], list[int]]
    metrics: list[Metric]

    @property
    def all(self) -> list[tuple[str, str]]:
        """Kind and name of all of them, the latter empty where one is alone."""
        return [*self.names, *self.means, *((metric.name, "") for metric in self.metrics)]

    def add_means(self, iou: Values) -> Values:
        """From `(..., names)` to `(..., names + means)`."""
        means = [mean_of_present(iou[..., places]) for places in self.means.values()]
        return np.concatenate([iou, np.stack(means, axis=-1)], axis=-1)

    def measure(self, matrices: Counts) -> Values:
        """The metrics of matrices `(n, classes, classes)`, `(n, metrics)`."""
        values = [[metrics.score_by(one, counts) for one in self.metrics] for counts in matrices]
        return np.array(values, np.float64).reshape(len(matrices), len(self.metrics))


def find_best(
    confusions: Mapping[str, Trainings], space: LabelSpace, samples: int, seed: int
) -> Best:
    """The best arm without target labels at each score, and how sure that is.

    It is compared with the next best on the same drawn test sets and in the
    same trainings, as a gain is. On a test set without a pixel of a class all
    arms count as equal, whether they predict it or not: that leaves nothing
    out, and keeps a class that few images show from being called better. As
    many images as show it count for its interval.

    Args:
        confusions: by arm, as in `intervals.bootstrap`.
        space: whose classes they are.
        samples: number of test sets drawn, the same ones as by `bootstrap`.
        seed: of the draws.

    Returns:
        By the names of `scores.score_confusion`. Scores that fewer than two
        arms without target labels have, and those at which no arm is above
        zero, are left out.
    """
    arms = [arm for arm in confusions if arm != CEILING]
    first = confusions[arms[0]][0] if len(arms) > 1 else np.zeros(0)
    if not first.size:
        return {}
    scores, shown = _scores(space), _num_images(first, space)
    draws = intervals.draw_test_sets(len(first), samples, seed)
    del first  # It may be hundreds of megabytes.
    points, drawn = [], []
    for arm in arms:
        iou, totals = [], []
        drawn.append(np.zeros((samples, len(scores.all))))
        for matrices in confusions[arm]:  # One at a time is in memory.
            parts = _parts(matrices, space)
            iou.append(metrics.iou_of(Parts(parts.hits.sum(axis=0), parts.union.sum(axis=0))))
            totals.append(matrices.sum(axis=0, dtype=np.int64))
            drawn[-1] += _samples(parts, matrices, scores, draws)
        drawn[-1] /= len(iou)
        points.append(
            np.hstack([scores.add_means(np.stack(iou)), scores.measure(np.stack(totals))])
        )
    found: dict[str, Any] = {}
    for place, (kind, name) in enumerate(scores.all):
        of_arms = {
            arm: Drawn(one[:, place], many[np.newaxis, :, place], int(shown[place]))
            for arm, one, many in zip(arms, points, drawn, strict=True)
        }
        if lead := _lead(of_arms):
            found |= {kind: {**found.get(kind, {}), name: lead} if name else lead}
    return cast(Best, found)


def _lead(of_arms: Mapping[str, Drawn]) -> Lead | None:
    ranked = sorted(
        (arm for arm, drawn in of_arms.items() if not np.isnan(drawn.mean)),
        key=lambda arm: -of_arms[arm].mean,
    )
    if len(ranked) < 2 or of_arms[ranked[0]].mean <= 0:
        return None
    best, following = ranked[:2]
    difference = of_arms[best].minus(of_arms[following])
    low, high = difference.interval()
    known = not np.isnan(low)
    return Lead(
        arm=best,
        next=following,
        difference=difference.mean,
        ci95=(low, high) if known else None,
        sure=known and low > 0 and difference.num_images >= _LEAST_IMAGES,
    )


def _scores(space: LabelSpace) -> _Scores:
    """Those of `scores.score_confusion` that are compared."""
    evaluated, kind = evaluated_in(space), "iou"
    names = [("iou", name) for name in space.names]
    if not evaluated.all():
        kind = "evaluated"
        names += [(kind, space.names[place]) for place in np.flatnonzero(evaluated)]
    categories = [("categories", name) for name in metrics.category_classes(space)]
    names += categories
    means = {(MEAN_IOU.name, ""): [*range(len(space.names))]}
    if categories:
        means["mean_category_iou", ""] = [names.index(category) for category in categories]
    for subset, classes in SUBSETS.items():
        if {*classes} < {*space.names}:
            means["subsets", subset] = [names.index((kind, name)) for name in classes]
    others = [metric for metric in metrics.METRICS if metric.compared and metric is not MEAN_IOU]
    return _Scores(names, means, others)


def _parts(matrices: NDArray[Any], space: LabelSpace) -> Parts:
    """Intersections and unions `(images, names)`."""
    chunks = np.array_split(matrices, -(-len(matrices) // _AT_ONCE))
    found = [_parts_of(some, space) for some in chunks]
    return Parts(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _parts_of(confusion: NDArray[Any], space: LabelSpace) -> Parts:
    """The same, with copies of the matrices."""
    evaluated = evaluated_in(space)
    found = [metrics.iou_parts(confusion)]
    if not evaluated.all():
        own = metrics.iou_parts(confusion, evaluated)
        found.append(Parts(own.hits[..., evaluated], own.union[..., evaluated]))
    for inside in metrics.category_classes(space).values():
        one = metrics.category_parts(confusion, inside, evaluated)
        found.append(Parts(one.hits[..., np.newaxis], one.union[..., np.newaxis]))
    return Parts(
        np.concatenate([part.hits for part in found], axis=-1),
        np.concatenate([part.union for part in found], axis=-1),
    )


def _samples(parts: Parts, matrices: NDArray[Any], scores: _Scores, draws: Draws) -> Values:
    """All scores of one training on drawn test sets.

    Args:
        parts: `(images, names)`.
        matrices: what they are made from, `(images, classes, classes)`.
        scores: their names, means and metrics.
        draws: from `intervals.draw_test_sets`.

    Returns:
        `(samples, names + means + metrics)`; 0 for a class of which a test set
        has no pixel, NaN for the mean of one that has none at all.
    """
    found = scores.add_means(intervals.resampled_iou(parts, draws))
    single = found[:, : len(scores.names)]
    # The truth has none of it there, so that no other arm has more.
    single[np.isnan(single)] = 0.0
    if not scores.metrics:
        return found
    return np.hstack([found, scores.measure(intervals.resampled(matrices, draws))])


def _num_images(matrices: NDArray[Any], space: LabelSpace) -> NDArray[np.int64]:
    """How many images show what each of all scores is of."""
    scores, classes = _scores(space), [*space.names]
    categories = metrics.category_classes(space)
    there = matrices.sum(axis=-1) > 0
    columns = [
        there[:, categories[name]].any(axis=1) if kind == "categories"
        else there[:, classes.index(name)]
        for kind, name in scores.names
    ]  # fmt: skip
    columns += [
        np.any([columns[place] for place in places], axis=0) for places in scores.means.values()
    ]
    columns += [there.any(axis=1)] * len(scores.metrics)
    return np.sum(columns, axis=1)
