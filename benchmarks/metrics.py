"""Confusion matrix of 500 predictions of 256x256 pixels and 34 classes.

    python benchmarks/metrics.py

Ours (one `bincount` an image) beside `keras.metrics.MeanIoU`, in turn.
"""

import json
import statistics
import time

import keras
import numpy as np

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

    seconds: dict[str, list[float]] = {"ours": [], "keras_mean_iou": []}
    for _ in range(REPEATS):
        for function in (ours, keras_mean_iou):
            start = time.perf_counter()
            function(truth, predicted)
            seconds[function.__name__].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name:16} {1000 * median:8.0f} ms")
    ratio = medians["keras_mean_iou"] / medians["ours"]
    print(json.dumps({"speedup_vs_keras_mean_iou": round(ratio, 2)}))


if __name__ == "__main__":
    main()
