"""Classes of images of any size, as a trained segmenter sees them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from i2i_keras.data import transforms
from i2i_keras.data.resizing import resize
from i2i_keras.evaluation.whole_images import Segment, Size, enlarged, strips
from i2i_keras.training import finite

Pixels = NDArray[np.uint8]

# Above these pixels an image is seen in windows: 64 filters would take 1 GB a
# layer.
_WHOLE = 2**22
_WINDOW = 1024


class View(NamedTuple):
    """How a segmenter sees images of any size.

    Attributes:
        segment: from images `(1, height, width, 3)` in [-1, 1] to logits.
        multiple: what the sides of an image have to be a multiple of.
        height: to which images are resized before, their width in proportion,
            and the logits back afterwards; None = they are seen as they are.
        window: (height, width) of windows in which they are seen; None = whole,
            up to 4 megapixels.
    """

    segment: Segment
    multiple: int
    height: int | None = None
    window: Size | None = None

    def classes(self, pixels: Pixels) -> Pixels:
        """The most probable class of each pixel.

        Args:
            pixels: `(height, width, 3)` uint8 RGB.

        Returns:
            `(height, width)` uint8.
        """
        found = (finite.check_result(logits, "Logits") for logits in self._logits(pixels))
        return np.concatenate([_classes(logits).numpy() for logits in found])

    def classes_and_probabilities(self, pixels: Pixels) -> tuple[Pixels, NDArray[np.float16]]:
        """The same, and `(height, width, classes)` float16 in [0, 1]."""
        classes, probabilities = [], []
        for logits in self._logits(pixels):
            finite.check_result(logits, "Logits")
            classes.append(_classes(logits).numpy())
            probabilities.append(tf.cast(tf.nn.softmax(logits), tf.float16).numpy())
        return np.concatenate(classes), np.concatenate(probabilities)

    def _logits(self, pixels: Pixels) -> Iterator[tf.Tensor]:
        """Logits `(rows, width, classes)` from the top, at the image's size."""
        size = seen_size((pixels.shape[0], pixels.shape[1]), self.height)
        if size == pixels.shape[:2]:
            yield from self._of(pixels)
            return
        # As the images of its training were, by default: area.
        seen = resize(Image.fromarray(pixels), size, "area")
        logits = tf.concat([*self._of(np.asarray(seen))], axis=0)
        for _, strip in enlarged(logits, (pixels.shape[0], pixels.shape[1])):
            yield strip

    def _of(self, pixels: Pixels) -> Iterator[tf.Tensor]:
        height, width = pixels.shape[:2]
        image = transforms.normalize(tf.constant(pixels[np.newaxis]))
        # What is mirrored on is no part of the image.
        padded = transforms.mirror_to(image, self.multiple)
        if not self.window and height * width <= _WHOLE:
            yield self.segment(padded)[0, :height, :width]
            return
        side = -(-_WINDOW // self.multiple) * self.multiple
        for rows, logits in strips(self.segment, padded, self.window or (side, side)):
            if rows.start < height:
                yield logits[0, : height - rows.start, :width]


def seen_size(size: Size, height: int | None) -> Size:
    """The size to which an image is resized to be seen.

    Args:
        size: (height, width) of the image.
        height: that it shall have; None = its own.

    Returns:
        (height, width) of its proportions. An image that is so wide that it
        would be enlarged to more than 4 megapixels is enlarged less.
    """
    if height is None:
        return size
    factor = height / size[0]
    if factor > 1:
        factor = max(1.0, min(factor, (_WHOLE / (size[0] * size[1])) ** 0.5))
    rows, columns = (max(1, round(side * factor)) for side in size)
    return rows, columns


@tf.function(autograph=False, reduce_retracing=True)
def _classes(logits: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.argmax(logits, -1), tf.uint8)
