"""How far the scores would move with other test images and other trainings."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from i2i_keras.evaluation.metrics import Parts, iou_of, iou_parts, mean_iou, mean_of_present

Interval = tuple[float, float]
Values = NDArray[np.float64]
Draws = NDArray[np.uint16]

_AT_ONCE = 2_000_000  # Numbers of drawn test sets.


class Share(NamedTuple):
    """A ratio of two differences.

    Attributes:
        share: of the means.
        interval: its 95 % interval.
    """

    share: float
    interval: Interval


class Drawn(NamedTuple):
    """A score, and what it is on resampled test sets.

    Attributes:
        points: `(seeds,)`, of each training on all test images.
        samples: `(seeds, samples)`, the same test sets for all.
        num_images: of a test set.
    """

    points: Values
    samples: Values
    num_images: int

    def minus(self, other: "Drawn") -> "Drawn":
        """The difference of two scores, paired by image and seed."""
        points, samples = self.points - other.points, self.samples - other.samples
        return Drawn(points, samples, self.num_images)

    @property
    def mean(self) -> float:
        """Mean over the trainings."""
        return float(self.points.mean())

    @property
    def spread(self) -> float:
        """Standard deviation over the trainings; NaN of a single one."""
        return float(self.points.std(ddof=1)) if len(self.points) > 1 else float("nan")

    def interval(self) -> Interval:
        """95 % interval of the mean; see `interval`."""
        return interval(self.mean, self.points, self.samples.mean(axis=0), self.num_images)

    def p_value(self) -> float:
        """Two-sided probability of such a mean, or a larger one, if it were 0.

        Below 0.05 where the interval excludes 0, for it is the level at which
        the interval ends there. NaN of a single training, whose interval knows
        no distribution but the samples, and of a single image.
        """
        if len(self.points) < 2 or self.num_images < 2 or np.isnan(self.mean):
            return float("nan")
        drawn = self.samples.mean(axis=0)

        def beyond(level: float) -> float:
            return _half_width(self.points, drawn, self.num_images, level) - abs(self.mean)

        if beyond(1.0) >= 0:  # The interval of no width.
            return 1.0
        least = 1e-12
        return float(optimize.brentq(beyond, least, 1.0)) if beyond(least) > 0 else least


# Confusion matrices `(images, classes, classes)` of each training of an arm: an
# array, or what reads one after the other.
Trainings = Sequence[NDArray[Any]] | NDArray[Any]


def bootstrap(confusions: Mapping[str, Trainings], samples: int, seed: int) -> dict[str, Drawn]:
    """Mean IoU of arms on test sets drawn with replacement.

    Args:
        confusions: by arm, those of its trainings; all arms have the same seeds
            and images, in one order.
        samples: number of test sets drawn, the same ones for every arm.
        seed: of the draws.

    Reference:
        Efron and Tibshirani, 1993, chapter 13.
    """
    images = len(next(iter(confusions.values()))[0])
    draws = draw_test_sets(images, samples, seed)
    return {arm: _of_arm(trainings, draws) for arm, trainings in confusions.items()}


def _of_arm(trainings: Trainings, draws: Draws) -> Drawn:
    points, drawn = [], []
    for matrices in trainings:  # One at a time is in memory.
        points.append(mean_iou(matrices.sum(axis=0, dtype=np.int64)))
        drawn.append(mean_of_present(resampled_iou(iou_parts(matrices), draws)))
    return Drawn(np.array(points), np.stack(drawn), draws.shape[1])


def draw_test_sets(images: int, samples: int, seed: int) -> Draws:
    """Test sets drawn with replacement, the same ones for the same arguments.

    Returns:
        `(samples, images)`, how often each image is in each of them.
    """
    rng, shares = np.random.default_rng(seed), np.full(images, 1 / images)
    draws = np.empty((samples, images), np.uint16)
    for some in _chunks(draws):  # Numbers of 8 bytes each.
        some[:] = rng.multinomial(images, shares, len(some))
    return draws


def resampled(counts: NDArray[Any], draws: Draws) -> Values:
    """Sums over drawn test sets.

    Args:
        counts: `(images, ...)`.
        draws: from `draw_test_sets`.

    Returns:
        `(samples, ...)`, exact below 2^53.
    """
    # In float: integer matrix products have no BLAS.
    rows = counts.reshape(len(counts), -1).astype(np.float64)
    sums = np.concatenate([some.astype(np.float64) @ rows for some in _chunks(draws)])
    return sums.reshape(len(draws), *counts.shape[1:])


def _chunks(draws: Draws) -> list[Draws]:
    """Rows of test sets, so many at a time that they are some MB as float64."""
    return np.array_split(draws, max(1, draws.size // _AT_ONCE))


def resampled_iou(parts: Parts, draws: Draws) -> Values:
    """IoU of one training on drawn test sets.

    Args:
        parts: `(images, rows)` each.
        draws: from `draw_test_sets`.

    Returns:
        `(samples, rows)` in [0, 1]; NaN where a test set has no union.
    """
    return iou_of(Parts(resampled(parts.hits, draws), resampled(parts.union, draws)))


def gap_closed(floor: Drawn, arm: Drawn, ceiling: Drawn) -> Share | None:
    """Share of the gap between source-only and oracle that an arm closes.

    Returns:
        1 = as good as the oracle; None where that is not above source-only, so
        that there is no gap.
    """
    gain, gap = arm.minus(floor), ceiling.minus(floor)
    if gap.mean <= 0:
        return None
    share = gain.mean / gap.mean
    part, whole = gain.samples.mean(axis=0), gap.samples.mean(axis=0)
    drawn = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole != 0)
    # By linear approximation: the ratios of single trainings may be wild.
    points = share + (gain.points - share * gap.points) / gap.mean
    return Share(share, interval(share, points, drawn, gain.num_images))


def interval(mean: float, points: Values, drawn: Values, num_images: int) -> Interval:
    """95 % interval for the mean of a score over all trainings and images.

    Of one training: percentiles of the samples, a little further apart than
    2.5 % and 97.5 %, since a sample of few images varies less than the world
    (Hesterberg, 2015, https://doi.org/10.1080/00031305.2015.1089789, section
    5.2). It says nothing of other trainings.

    Of several: Student's intervals for the chance of images and for that of
    trainings are joined by the squares of their widths (Zou and Donner, 2008,
    https://doi.org/10.1002/sim.3095). It holds for the mean of all trainings,
    seen or not, and is rather too wide than too narrow.

    Args:
        mean: of the score.
        points: `(seeds,)`, of each training.
        drawn: `(samples,)`, the mean over the trainings on resampled images.
        num_images: of a test set.

    Returns:
        Lower and upper end; NaN where the score does not exist, and where there
        is but one image: nobody knows how far another one would be from it.
    """
    if np.isnan(drawn).all() or num_images < 2:
        return float("nan"), float("nan")
    if len(points) > 1:
        half = _half_width(points, drawn, num_images, 0.05)
        return mean - half, mean + half
    quantile = stats.t.ppf(0.025, num_images - 1)
    tail = 100.0 * float(stats.norm.cdf(quantile * np.sqrt(num_images / (num_images - 1))))
    low, high = np.nanpercentile(drawn, [tail, 100.0 - tail])
    return float(low), float(high)


def _half_width(points: Values, drawn: Values, num_images: int, level: float) -> float:
    """Half of the width of the interval of several trainings."""
    trainings = points.var(ddof=1) / len(points)
    images = np.nanvar(drawn) * num_images / (num_images - 1)
    of_trainings = stats.t.isf(level / 2, len(points) - 1) ** 2 * trainings
    of_images = stats.t.isf(level / 2, num_images - 1) ** 2 * images
    return float(np.sqrt(of_trainings + of_images))
