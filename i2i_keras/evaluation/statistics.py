"""How far the scores would move with other test images."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_keras.evaluation.segmentation import mean_iou

Interval = tuple[float, float]


class Bootstrap(NamedTuple):
    """Mean IoU of every arm on the same resampled test sets.

    Attributes:
        mean_iou: by arm, `(samples,)`.
    """

    mean_iou: dict[str, NDArray[np.float64]]

    def interval(self, arm: str) -> Interval:
        """95 % interval of an arm's mean IoU."""
        return _interval(self.mean_iou[arm])

    def gain_interval(self, arm: str, baseline: str) -> Interval:
        """95 % interval of what an arm has over another, paired by image."""
        return _interval(self.mean_iou[arm] - self.mean_iou[baseline])


def bootstrap(confusions: dict[str, NDArray[np.int64]], samples: int, seed: int) -> Bootstrap:
    """Draws test sets with replacement, the same ones for every arm.

    Args:
        confusions: by arm, `(images, classes, classes)`, the images in one
            order.
        samples: number of test sets drawn.
        seed: of the draws.

    Reference:
        Efron and Tibshirani, 1993, chapter 13 (percentile intervals).
    """
    images = len(next(iter(confusions.values())))
    draws = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), samples)
    return Bootstrap({arm: _resampled(matrices, draws) for arm, matrices in confusions.items()})


def gap_closed(source_only: float, adapted: float, oracle: float) -> float | None:
    """Share of the gap between source-only and oracle that an arm closes.

    Returns:
        1 = as good as the oracle; None where the oracle is not above
        source-only, so that there is no gap.
    """
    gap = oracle - source_only
    return (adapted - source_only) / gap if gap > 0 else None


def _resampled(matrices: NDArray[np.int64], draws: NDArray[np.int64]) -> NDArray[np.float64]:
    images, classes, _ = matrices.shape
    # In float: integer matrix products have no BLAS. Exact below 2^53 pixels.
    flat = matrices.reshape(images, -1).astype(np.float64)
    parts = [
        mean_iou((part.astype(np.float64) @ flat).reshape(-1, classes, classes))
        for part in np.array_split(draws, max(1, len(draws) * classes**2 // 2**22))
    ]
    return np.concatenate(parts)


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
