"""How each arm differs from each other, corrected for the number of pairs."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from i2i_keras.evaluation.intervals import Drawn
from i2i_keras.evaluation.summary import Pair


def compare_pairs(drawn: Mapping[str, Drawn]) -> list[Pair]:
    """The difference of any two arms, paired by image and training.

    Args:
        drawn: by arm its mean IoU, from `intervals.bootstrap`.

    Returns:
        Each pair once, in the order of the arms. Those of which a score or a
        probability does not exist, as of a single image, have None there, and
        do not count for the correction.
    """
    names = list(itertools.combinations(drawn, 2))
    differences = [drawn[arm].minus(drawn[other]) for arm, other in names]
    p_values = [p_value(difference) for difference in differences]
    found = []
    for (arm, other), difference, p, corrected in zip(
        names, differences, p_values, holm(p_values), strict=True
    ):
        ends = difference.interval()
        pair: Pair = {
            "arm": arm,
            "other": other,
            "difference": _known(difference.mean),
            "ci95": None if np.isnan(ends).any() else ends,
            "p": _known(p),
            "p_holm": _known(float(corrected)),
        }
        found.append(pair)
    return found


def p_value(difference: Drawn) -> float:
    """Two-sided probability of such a mean, or a larger one, if it were 0.

    Of several trainings it is `Drawn.p_value`. Of a single one it is that of
    Student's t, the difference by its standard error over drawn test sets, with
    one degree of freedom less than there are images. To count the samples
    beyond 0 instead would tell nothing below 1 / samples, which is too coarse
    once it is multiplied by the number of pairs.

    Returns:
        In [0, 1]; NaN where there are fewer than two images, or no score.

    Reference:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, sections
        6.2 (standard error) and 12.3 (Student's t); n / (n - 1) as in
        `intervals.interval`.
    """
    if len(difference.points) > 1:
        return difference.p_value()
    images = difference.num_images
    if images < 2 or np.isnan(difference.mean):
        return float("nan")
    if difference.mean == 0:
        return 1.0
    variance = float(np.nanvar(difference.samples)) * images / (images - 1)
    with np.errstate(divide="ignore"):
        t = np.float64(abs(difference.mean)) / np.sqrt(variance)
    return float(2 * stats.t.sf(t, images - 1))


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Holm's correction: the smallest by their number, the next by one less.

    What is below 0.05 after it is so in all pairs at once: that one of them is
    called different and is not has a probability of 5 % at most, however they
    depend on each other.

    Args:
        p_values: in [0, 1]; NaN = left out.

    Returns:
        In the same order, in [0, 1]; NaN where it was.

    Reference:
        Holm, A simple sequentially rejective multiple test procedure,
        Scandinavian Journal of Statistics 6, 1979.
    """
    given = np.asarray(p_values, np.float64)
    corrected = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    left = len(order) - np.arange(len(order))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(given[order] * left))
    return corrected


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
