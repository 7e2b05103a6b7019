"""Confusion matrix of 500 predictions of 256x256 pixels and 34 classes.

    python benchmarks/metrics.py

Ours (one `bincount` an image) beside `keras.metrics.MeanIoU`, in turn.
"""

import functools
import json

import keras
import numpy as np
from side_by_side import clock, in_turn, speedups, table

from i2i_keras.evaluation.segmentation import confusion_matrix

IMAGES, CLASSES, REPEATS = 500, 34, 3


def ours(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Sums one confusion matrix an image."""
    return sum(confusion_matrix(t, p, CLASSES) for t, p in zip(truth, predicted, strict=True))


def keras_mean_iou(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Updates the metric with one image after the other, as in `evaluate`."""
    metric = keras.metrics.MeanIoU(CLASSES)
    for t, p in zip(truth, predicted, strict=True):
        metric.update_state(t, p)
    return metric.total_cm.numpy()


def main() -> None:
    """Prints a table and a line of JSON."""
    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, CLASSES, (2, IMAGES, 256, 256), np.uint8)
    np.testing.assert_array_equal(ours(truth, predicted), keras_mean_iou(truth, predicted))

    runs = {
        function.__name__: functools.partial(clock, function, truth, predicted)
        for function in (ours, keras_mean_iou)
    }
    medians = in_turn(runs, REPEATS)
    print(table(medians, "images", IMAGES))
    print(json.dumps(speedups(medians)))


if __name__ == "__main__":
    main()
