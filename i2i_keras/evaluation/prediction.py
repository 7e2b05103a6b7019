"""Runs a segmenter over labelled images and counts what it says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from i2i_keras import quiet
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.parallel import at_once
from i2i_keras.data.pipeline import read_example
from i2i_keras.data.records import Record, open_image, read_label
from i2i_keras.data.rows import check_pair
from i2i_keras.errors import DataError, how_many
from i2i_keras.evaluation import calibration
from i2i_keras.evaluation.confusion import confusion_matrix
from i2i_keras.evaluation.whole_images import enlarged
from i2i_keras.run_folder import writing
from i2i_keras.training import finite


class Prediction(NamedTuple):
    """What a segmenter says of a set of records.

    Attributes:
        confusions: `(images, classes, classes)` int32 pixel counts, truth by
            row and prediction by column, ignored pixels left out.
        loss: cross entropy, mean over all pixels that count.
        calibration_error: see `calibration.expected_error`; over the same.
        by_confidence: what that is made from, see `calibration.sum_by_bin`.
        native: the same at the native size of the labels, where they are given.
    """

    confusions: NDArray[np.int32]
    loss: float
    calibration_error: float
    by_confidence: NDArray[np.float64]
    native: "Prediction | None" = None


def predict(
    segment: Callable[[tf.Tensor], tf.Tensor],
    records: Sequence[Record],
    num_classes: int,
    multiple: int,
    pictures: Mapping[str, Path],
    native: Mapping[str, Path] | None = None,
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
        native: by name of every record, its label at its native size, to which
            the logits are enlarged; None = there are none.

    Raises:
        DataError: there are no records, one of them has no label, or all of
            their pixels are ignored.
    """
    _check(records, native)
    working = _Tally(num_classes, len(records))
    full = _Tally(num_classes, len(records) if native is not None else 0)

    def look(record: Record) -> tuple[_Counts, _Counts | None]:
        image, label = read_example(record, multiple)
        logits = segment(image)[0]
        counts = _count([(logits, label.numpy()[0])], num_classes)
        width, height = open_image(record.image).size
        if record.name in pictures:
            with writing.replacing(pictures[record.name]) as draft:
                Image.fromarray(counts.predicted[:height, :width]).save(draft, "PNG")
        if native is None:
            return counts, None
        truth = read_label(native[record.name])
        strips = enlarged(logits[:height, :width], (truth.shape[0], truth.shape[1]))
        return counts, _count(((strip, truth[rows]) for rows, strip in strips), num_classes)

    for counts, of_native in at_once(look, quiet.bar(records, desc="evaluate", unit="image")):
        working.add(counts)
        if of_native is not None:
            full.add(of_native)
    found = working.prediction()
    return found if native is None else found._replace(native=full.prediction())


class _Counts(NamedTuple):
    """What was said of an image.

    Attributes:
        confusion: `(classes, classes)` pixels.
        loss: sum over its pixels.
        sums: see `calibration.sum_by_bin`.
        predicted: `(height, width)` classes.
    """

    confusion: NDArray[np.int32]
    loss: float
    sums: NDArray[np.float64]
    predicted: NDArray[np.uint8]


def _count(parts: Iterable[tuple[tf.Tensor, NDArray[Any]]], num_classes: int) -> _Counts:
    """Counts an image, given as strips of logits and truth from the top."""
    found = []
    for logits, truth in parts:
        counted = truth != IGNORE
        label = np.where(counted, truth, 0).astype(np.int32)
        found_here = _of_pixels(logits, label)
        finite.check_result(found_here[2], "Logits")  # Not a number if a logit is none.
        predicted, loss, confidence = (x.numpy() for x in found_here)
        right = (predicted == truth)[counted]
        found.append(
            _Counts(
                confusion_matrix(truth, predicted, num_classes).astype(np.int32),
                float(loss[counted].sum(dtype=np.float64)),
                calibration.sum_by_bin(confidence[counted], right),
                predicted,
            )
        )
    confusions, losses, sums, predicted = zip(*found, strict=True)
    return _Counts(sum(confusions), sum(losses), sum(sums), np.concatenate(predicted))


class _Tally:
    """What was said of the images so far."""

    def __init__(self, num_classes: int, num_images: int) -> None:
        # An image has less than 2^31 pixels.
        self.confusions = np.zeros((num_images, num_classes, num_classes), np.int32)
        self.loss, self.seen = 0.0, 0
        self.sums = np.zeros((3, calibration.NUM_BINS))

    def add(self, counts: _Counts) -> None:
        self.confusions[self.seen] = counts.confusion
        self.seen += 1
        self.loss += counts.loss
        self.sums += counts.sums

    def prediction(self) -> Prediction:
        pixels = self.sums[0].sum()
        if not pixels:
            raise DataError(
                f"All pixels of {how_many(len(self.confusions), 'test label')} are ignored;"
                " the official test labels of Cityscapes are withheld, use split = 'val_as_test'."
            )
        error = calibration.expected_error(self.sums)
        return Prediction(self.confusions, self.loss / pixels, error, self.sums)


@tf.function(autograph=False, reduce_retracing=True)
def _of_pixels(logits: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Class, cross entropy and largest probability of each pixel.

    By hand: TensorFlow's cross entropy computes a gradient as well, which at
    native size would take most of the time.
    """
    top = tf.reduce_max(logits, -1, keepdims=True)
    spread = tf.math.log(tf.reduce_sum(tf.exp(logits - top), -1))
    loss = spread + top[..., 0] - tf.gather(logits, label, axis=-1, batch_dims=2)
    return tf.cast(tf.argmax(logits, -1), tf.uint8), loss, tf.exp(-spread)


def _check(records: Sequence[Record], native: Mapping[str, Path] | None) -> None:
    if not records:
        raise DataError("There are no test images to score; check the split and the root.")
    for record in records:
        if record.label is None or not record.label.is_file():
            raise DataError(f"{record.image} has no label and cannot be scored.")
        check_pair(record.image, record.label)
        if native is not None and record.name not in native:
            raise DataError(f"{record.image} has no label of its native size; prepare it anew.")
