"""Whether a segmenter is as often right as it is sure.

Reference:
    Guo et al., 2017, https://arxiv.org/abs/1706.04599, section 2.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NUM_BINS = 15  # Guo et al., section 5.


def sum_by_bin(confidence: NDArray[Any], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sums pixels by their confidence, in bins of equal width.

    Args:
        confidence: `(pixels,)` largest probability of each pixel, in [0, 1].
        right: `(pixels,)` whether that class is the true one.

    Returns:
        `(3, NUM_BINS)`: pixels, right ones and confidence; the upper end of a
        bin belongs to it. To be added up over images.
    """
    places = np.ceil(confidence * NUM_BINS).astype(np.intp) - 1
    np.clip(places, 0, NUM_BINS - 1, out=places)
    # In float64, whatever the weights are: float32 cannot add up megapixels.
    return np.stack(
        [np.bincount(places, weights, NUM_BINS) for weights in (None, right, confidence)]
    ).astype(np.float64)


def expected_error(sums: NDArray[np.float64]) -> float:
    """Expected calibration error.

    Args:
        sums: of `sum_by_bin`, at least one pixel.

    Returns:
        Mean distance of accuracy and confidence over bins, weighted by their
        pixels; in [0, 1].
    """
    pixels, right, confidence = sums
    return float(np.abs(right - confidence).sum() / pixels.sum())
