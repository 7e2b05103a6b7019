"""A frozen segmenter, and what it sees in an image."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.data import transforms
from i2i_keras.data.records import Record, read_image
from i2i_keras.segmenters.losses import entropy
from i2i_keras.training import finite

Pixels = NDArray[np.uint8]


class Seen(NamedTuple):
    """What a segmenter sees in an image.

    Attributes:
        classes: `(height, width)`, the most probable class of each pixel.
        confidence: `(height, width)` in [0, 1], its probability.
        entropy: `(height, width)` in [0, 1], how undecided it is; see
            `losses.entropy`.
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
        logits = finite.check_result(logits[0, :height, :width], "Logits")
        confidence = tf.reduce_max(tf.nn.softmax(logits), -1).numpy()
        return Seen(tf.argmax(logits, -1).numpy(), confidence, entropy(logits).numpy())

    def look_at(self, record: Record) -> Seen:
        """Looks at the image of a record."""
        return self.look(read_pixels(record))


def read_pixels(record: Record) -> Pixels:
    """The image of a record, `(height, width, 3)` uint8 RGB."""
    return np.asarray(read_image(record.image))
