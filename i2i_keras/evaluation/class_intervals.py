"""How far the IoU of each class would move with other images and trainings."""

from collections.abc import Sequence

import numpy as np

from i2i_keras.evaluation import intervals
from i2i_keras.evaluation.intervals import Drawn, Interval, Trainings
from i2i_keras.evaluation.metrics import Parts, iou_of, iou_parts


def class_intervals(
    trainings: Trainings, names: Sequence[str], samples: int, seed: int
) -> dict[str, Interval | None]:
    """95 % interval of each class' IoU of one arm, see `intervals.interval`.

    As many images as show a class count for it.

    Args:
        trainings: the arm's confusion matrices, as in `intervals.bootstrap`.
        names: of the classes.
        samples: number of test sets drawn, the same ones as by `bootstrap`.
        seed: of the draws.

    Returns:
        By class, in [0, 1]; None where there is none, as of a class that fewer
        than two images show.
    """
    shown = (trainings[0].sum(axis=-1) > 0).sum(axis=0)
    draws = intervals.draw_test_sets(len(trainings[0]), samples, seed)
    points, drawn = [], []
    for matrices in trainings:  # One at a time is in memory.
        parts = iou_parts(matrices)
        points.append(iou_of(Parts(parts.hits.sum(axis=0), parts.union.sum(axis=0))))
        drawn.append(intervals.resampled_iou(parts, draws))
    all_points, all_drawn = np.stack(points), np.stack(drawn)
    found: dict[str, Interval | None] = {}
    for place, name in enumerate(names):
        one = Drawn(all_points[:, place], all_drawn[:, :, place], int(shown[place]))
        ends = one.interval()
        found[name] = None if np.isnan(ends).any() else ends
    return found
