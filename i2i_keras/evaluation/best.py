"""Which arm is the best at what, where that is more than chance."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from i2i_keras.datasets.spaces import SUBSETS, LabelSpace, evaluated_in
from i2i_keras.evaluation import intervals, metrics
from i2i_keras.evaluation.intervals import Drawn, Interval, Values
from i2i_keras.evaluation.metrics import Parts, mean_of_present
from i2i_keras.segmenters.arms import CEILING

# Of fewer images, one of two equal arms is ahead in all of them in more than
# 5 % of the cases: twice 0.5^5 is 0.0625.
_LEAST_IMAGES = 6


class Lead(TypedDict):
    """How far the best arm without target labels is ahead of the next one.

    Attributes:
        arm: the best one.
        next: the next best.
        difference: of their scores, in [0, 1].
        ci95: its interval, paired by image and training; None where there is
            none, as of a class that fewer than two images show.
        sure: whether the interval excludes zero, and at least six images show
            what the score is of. Only then may a table mark it.
    """

    arm: str
    next: str
    difference: float
    ci95: Interval | None
    sure: bool


class _Scores(NamedTuple):
    """Which scores are compared, and where they stand.

    Attributes:
        names: kind and name of each IoU.
        means: by kind and name, the places of the IoUs that it averages.
    """

    names: list[tuple[str, str]]
    means: dict[tuple[str, str], list[int]]

    def add_means(self, iou: Values) -> Values:
        """From `(..., names)` to `(..., names + means)`."""
        means = [mean_of_present(iou[..., places]) for places in self.means.values()]
        return np.concatenate([iou, np.stack(means, axis=-1)], axis=-1)


def find_best(
    confusions: Mapping[str, NDArray[np.int64]], space: LabelSpace, samples: int, seed: int
) -> dict[str, Any]:
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
        `mean_iou` and `mean_category_iou`, each a `Lead`; `iou`, `evaluated`,
        `categories` and `subsets`, a `Lead` by name, as in `summary.details`.
        Scores that fewer than two arms without target labels have, and those
        at which no arm is above zero, are left out.
    """
    arms = [arm for arm in confusions if arm != CEILING]
    if len(arms) < 2 or not confusions[arms[0]].size:
        return {}
    scores, shown = _scores(space), _num_images(confusions[arms[0]][0], space)
    draws = intervals.draw_test_sets(confusions[arms[0]].shape[1], samples, seed)
    points, drawn = [], []
    for arm in arms:
        parts = _parts(confusions[arm], space)
        whole = Parts(parts.hits.sum(axis=1), parts.union.sum(axis=1))
        points.append(scores.add_means(metrics.iou_of(whole)))
        drawn.append(_samples(parts, scores, draws))
    found: dict[str, Any] = {}
    for place, (kind, name) in enumerate([*scores.names, *scores.means]):
        of_arms = {
            arm: Drawn(one[:, place], many[np.newaxis, :, place], int(shown[place]))
            for arm, one, many in zip(arms, points, drawn, strict=True)
        }
        if lead := _lead(of_arms):
            found |= {kind: {**found.get(kind, {}), name: lead} if name else lead}
    return found


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
    """Those of `summary.details`."""
    evaluated, kind = evaluated_in(space), "iou"
    names = [("iou", name) for name in space.names]
    if not evaluated.all():
        kind = "evaluated"
        names += [(kind, space.names[place]) for place in np.flatnonzero(evaluated)]
    categories = [("categories", name) for name in metrics.category_classes(space)]
    names += categories
    means = {("mean_iou", ""): [*range(len(space.names))]}
    if categories:
        means["mean_category_iou", ""] = [names.index(category) for category in categories]
    for subset, classes in SUBSETS.items():
        if {*classes} < {*space.names}:
            means["subsets", subset] = [names.index((kind, name)) for name in classes]
    return _Scores(names, means)


def _parts(confusion: NDArray[np.int64], space: LabelSpace) -> Parts:
    """Intersections and unions `(..., names)` of matrices `(..., c, c)`."""
    evaluated = evaluated_in(space)
    found = [metrics.iou_parts(confusion)]
    if not evaluated.all():
        own = metrics.iou_parts(confusion, evaluated)
        found.append(Parts(own.hits[..., evaluated], own.union[..., evaluated]))
    for inside in metrics.category_classes(space).values():
        hits, union = metrics.category_parts(confusion, inside, evaluated)
        found.append(Parts(hits[..., np.newaxis], union[..., np.newaxis]))
    hits, union = (np.concatenate(part, axis=-1) for part in zip(*found, strict=True))
    return Parts(hits, union)


def _samples(parts: Parts, scores: _Scores, draws: Values) -> Values:
    """All scores on drawn test sets, the mean over the trainings.

    Args:
        parts: `(seeds, images, names)`.
        scores: their names and means.
        draws: from `intervals.draw_test_sets`.

    Returns:
        `(samples, names + means)`; 0 for a class of which a test set has no
        pixel, NaN for the mean of one that has none at all.
    """
    total = np.zeros((len(draws), len(scores.names) + len(scores.means)))
    for hits, union in zip(*parts, strict=True):
        found = scores.add_means(intervals.resampled_iou(Parts(hits, union), draws))
        single = found[:, : len(scores.names)]
        # The truth has none of it there, so that no other arm has more.
        single[np.isnan(single)] = 0.0
        total += found
    return total / len(parts.hits)


def _num_images(matrices: NDArray[np.int64], space: LabelSpace) -> NDArray[np.int64]:
    """How many images show what a score is of, `(names + means,)`."""
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
    return np.sum(columns, axis=1)
