"""What translation does to the meaning of images, as a segmenter sees it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.data import transforms
from i2i_keras.data.records import Record, read_image
from i2i_keras.evaluation.segmentation import confusion_matrix
from i2i_keras.training.segmentation_losses import entropy

_NOTABLE = 0.05  # Share of a class that became another.

Pixels = NDArray[np.uint8]


class Seen(NamedTuple):
    """What a segmenter sees in an image.

    Attributes:
        classes: `(height, width)`, the most probable class of each pixel.
        confidence: `(height, width)` in [0, 1], its probability.
        entropy: `(height, width)` in [0, 1], how undecided it is; see
            `segmentation_losses.entropy`.
    """

    classes: NDArray[np.int64]
    confidence: NDArray[np.float32]
    entropy: NDArray[np.float32]


class Eye(NamedTuple):
    """A frozen segmenter.

    Attributes:
        segment: from images `(1, height, width, 3)` in [-1, 1] to logits.
        multiple: what the sides of an image have to be a multiple of.
    """

    segment: Callable[[tf.Tensor], tf.Tensor]
    multiple: int

    def look(self, pixels: Pixels) -> Seen:
        """Looks at an image `(height, width, 3)`, uint8 RGB."""
        height, width, _ = pixels.shape
        image = transforms.normalize(tf.constant(pixels[np.newaxis]))
        logits = self.segment(transforms.pad_to_multiple(image, self.multiple))
        # What was padded is no part of the image.
        logits = logits[0, :height, :width]
        confidence = tf.reduce_max(tf.nn.softmax(logits), -1).numpy()
        return Seen(tf.argmax(logits, -1).numpy(), confidence, entropy(logits).numpy())

    def look_at(self, record: Record) -> Seen:
        """Looks at the image of a record."""
        return self.look(read_pixels(record))


def read_pixels(record: Record) -> Pixels:
    """The image of a record, `(height, width, 3)` uint8 RGB."""
    return np.asarray(read_image(record.image))


def transitions(
    before: Iterable[Seen], after: Iterable[Seen], num_classes: int
) -> NDArray[np.int64]:
    """Counts what was seen in images and in their translations.

    Args:
        before: what was seen in images.
        after: what was seen in their translations, in the same order.
        num_classes: of the segmenter.

    Returns:
        `(classes, classes)` pixels; the class seen in the image by row, the
        one seen at the same place of its translation by column.
    """
    counts = np.zeros((num_classes, num_classes), np.int64)
    for old, new in zip(before, after, strict=True):
        counts += confusion_matrix(old.classes, new.classes, num_classes)
    return counts


def shares(counts: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """How much drifted, in all and of each class.

    Args:
        counts: what `transitions` gives.
        names: of the classes.

    Returns:
        `drifted`: share of all pixels that became another class; `kept`: by
        class the share that stayed, None for one that was not seen.
    """
    seen, stayed = counts.sum(axis=1), np.diag(counts)
    return {
        "drifted": float((seen - stayed).sum() / max(1, seen.sum())),
        "kept": {
            name: float(stayed[i] / seen[i]) if seen[i] else None for i, name in enumerate(names)
        },
    }


def summarize(counts: NDArray[np.int64], names: Sequence[str]) -> dict[str, Any]:
    """The drift as shares and as sentences.

    Args:
        counts: what `transitions` gives.
        names: of the classes.

    Returns:
        The keys of `shares`; `sentences`: the largest changes of a class into
        another; `transitions`: the counts.
    """
    seen = counts.sum(axis=1)
    became = np.divide(counts, seen[:, None], out=np.zeros(counts.shape), where=seen[:, None] > 0)
    changed = counts - np.diag(np.diag(counts))
    told = []
    for flat in np.argsort(-changed, axis=None)[:5]:
        row, column = np.unravel_index(flat, counts.shape)
        if row != column and became[row, column] >= _NOTABLE:
            share = f"{100 * became[row, column]:.0f}%"
            told.append(f"{names[row]} became {names[column]} in {share} of its pixels.")
    return {**shares(counts, names), "sentences": told, "transitions": counts.tolist()}


def by_step(
    eye: Eye,
    images: Sequence[Pixels],
    states: Iterable[tuple[int, Callable[[Pixels], Pixels]]],
    names: Sequence[str],
) -> list[dict[str, Any]]:
    """Drift of several states of one translator, on the same images.

    Args:
        eye: the segmenter that looks.
        images: `(height, width, 3)` uint8 RGB each.
        states: step of the training and the translator that it was then.
        names: of the classes.

    Returns:
        For each state its `step` and the keys of `shares`.
    """
    before = [eye.look(image) for image in images]
    rows = []
    for step, translate in states:
        after = (eye.look(translate(image)) for image in images)
        rows.append({"step": step, **shares(transitions(before, after, len(names)), names)})
    return rows
