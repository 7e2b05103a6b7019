"""Scores of a segmenter, all of them from its confusion matrix."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from i2i_keras import runs
from i2i_keras.data import pipeline
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record, open_image
from i2i_keras.errors import DataError

# Whole numbers, but as float64 where a resampling has multiplied them.
Counts = NDArray[np.int64] | NDArray[np.float64]


class Prediction(NamedTuple):
    """What a segmenter says of a set of records.

    Attributes:
        confusions: `(images, classes, classes)` int64 pixel counts, truth by
            row and prediction by column, ignored pixels left out.
        loss: cross entropy, mean over all pixels that count.
    """

    confusions: NDArray[np.int64]
    loss: float


def confusion_matrix(
    truth: NDArray[Any], predicted: NDArray[Any], num_classes: int
) -> NDArray[np.int64]:
    """Counts pixels by true and predicted class.

    Args:
        truth: class indices, 255 = ignored; any shape.
        predicted: class indices of the same shape.
        num_classes: size of the label space.

    Returns:
        `(classes, classes)`, truth by row and prediction by column.
    """
    counts = truth != IGNORE
    pairs = truth[counts].astype(np.int64) * num_classes + predicted[counts]
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def iou_per_class(confusion: Counts) -> NDArray[np.float64]:
    """Intersection over union of each class.

    Args:
        confusion: `(..., classes, classes)` pixel counts, truth by row and
            prediction by column, ignored pixels left out.

    Returns:
        `(..., classes)` in [0, 1]; NaN for a class that neither occurs nor is
        predicted, so that it is left out of `mean_iou`.

    Reference:
        cityscapesScripts, `evalPixelLevelSemanticLabeling.py`.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    union = confusion.sum(axis=-2) + confusion.sum(axis=-1) - hits
    return np.divide(hits, union, out=np.full_like(hits, np.nan), where=union > 0)


def mean_iou(confusion: Counts) -> NDArray[np.float64]:
    """Mean of `iou_per_class` over the classes that occur or are predicted.

    Args:
        confusion: `(..., classes, classes)`.

    Returns:
        `(...)` in [0, 1]; NaN if no pixel counts.
    """
    iou = iou_per_class(confusion)
    present = ~np.isnan(iou)
    total, number = np.where(present, iou, 0.0).sum(axis=-1), present.sum(axis=-1)
    return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)


def scores(confusion: NDArray[np.int64]) -> dict[str, float]:
    """All scores of one summed confusion matrix.

    Returns:
        `mean_iou`; `pixel_accuracy`; `mean_accuracy`, over the classes that
        occur; `frequency_weighted_iou`, weighted by their share of the pixels.
        All in [0, 1].

    Reference:
        Long et al., 2015, https://arxiv.org/abs/1411.4038, section 5.
    """
    occurring = confusion.sum(axis=1)
    iou, hits = iou_per_class(confusion), np.diag(confusion)
    there = occurring > 0
    return {
        "mean_iou": float(mean_iou(confusion)),
        "pixel_accuracy": float(hits.sum() / occurring.sum()),
        "mean_accuracy": float(np.mean(hits[there] / occurring[there])),
        "frequency_weighted_iou": float(np.average(iou[there], weights=occurring[there])),
    }


def predict(
    segment: Callable[[tf.Tensor], tf.Tensor],
    records: Sequence[Record],
    num_classes: int,
    multiple: int,
    pictures: dict[str, Path],
) -> Prediction:
    """Runs a segmenter over labelled records, whole images in order.

    Args:
        segment: from images in [-1, 1] to logits; both `(batch, height, width,
            channels)`.
        records: with labels.
        num_classes: size of the label space.
        multiple: what the sides of an image have to be a multiple of.
        pictures: by name of a record, the PNG to which its predicted label is
            written.

    Raises:
        DataError: there are no records, one of them has no label, or all of
            their pixels are ignored.
    """
    if not records:
        raise DataError("There are no test images to score; check the split and the root.")
    for record in records:
        if record.label is None or not record.label.is_file():
            raise DataError(f"{record.image} has no label and cannot be scored.")
    confusions, losses, counts = [], 0.0, 0
    batches = pipeline.evaluation_batches(records, 1, multiple)
    bar = tqdm(records, desc="evaluate", unit="image", mininterval=1.0)
    for record, (image, label) in zip(bar, batches, strict=True):
        logits = segment(image)
        truth, predicted = label.numpy()[0], tf.argmax(logits, -1).numpy()[0]
        confusions.append(confusion_matrix(truth, predicted, num_classes))
        counted = truth != IGNORE
        losses += float(_cross_entropy_sum(logits[0], label[0]))
        counts += int(counted.sum())
        if record.name in pictures:
            height, width = open_image(record.image).size[::-1]
            with runs.replacing(pictures[record.name]) as draft:
                Image.fromarray(predicted[:height, :width].astype(np.uint8)).save(draft, "PNG")
    if counts == 0:
        raise DataError(
            f"All pixels of the {len(records)} test labels are ignored;"
            " the official test labels of Cityscapes are withheld, use split = 'val_as_test'."
        )
    return Prediction(np.stack(confusions), losses / counts)


def _cross_entropy_sum(logits: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    counts = label != IGNORE
    return tf.reduce_sum(
        tf.nn.sparse_softmax_cross_entropy_with_logits(label[counts], logits[counts])
    )
