"""Confusion matrix of 500 predictions of 256x256 pixels and 34 classes.

    python benchmarks/metrics.py

Ours (one `bincount` an image) beside `keras.metrics.MeanIoU` and beside a
loop over the classes, in turn. The loop counts no more than an IoU needs: hits,
true and predicted pixels.
"""

import functools
import json

import keras
import numpy as np
from side_by_side import asks_for_smoke, clock, in_turn, speedups, table

from i2i_keras.evaluation.confusion import confusion_matrix

IMAGES, SIDE, CLASSES, REPEATS = 500, 256, 34, 3
SMOKE = 3, 16


def ours(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Sums one confusion matrix an image."""
    return sum(confusion_matrix(t, p, CLASSES) for t, p in zip(truth, predicted, strict=True))


def keras_mean_iou(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Updates the metric with one image after the other, as in `evaluate`."""
    metric = keras.metrics.MeanIoU(CLASSES)
    for t, p in zip(truth, predicted, strict=True):
        metric.update_state(t, p)
    return metric.total_cm.numpy()


def class_loops(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Compares with one class after the other; `(3, classes)` counts."""
    counts = np.zeros((3, CLASSES), np.int64)
    for t, p in zip(truth, predicted, strict=True):
        for label in range(CLASSES):
            there, seen = t == label, p == label
            counts[:, label] += [(there & seen).sum(), there.sum(), seen.sum()]
    return counts


def main() -> None:
    """Prints a table and a line of JSON."""
    images, side = SMOKE if asks_for_smoke(__doc__) else (IMAGES, SIDE)
    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, CLASSES, (2, images, side, side), np.uint8)
    matrix = ours(truth, predicted)
    np.testing.assert_array_equal(matrix, keras_mean_iou(truth, predicted))
    sums = [np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)]
    np.testing.assert_array_equal(sums, class_loops(truth, predicted))

    runs = {
        function.__name__: functools.partial(clock, function, truth, predicted)
        for function in (ours, keras_mean_iou, class_loops)
    }
    found = in_turn(runs, REPEATS)
    print(table(found, "images", images))
    print(json.dumps(speedups(found)))


if __name__ == "__main__":
    main()
