"""Writes a generator in formats that run without this package.

What is written takes uint8 images and gives uint8 images of the same size:
normalization, padding to a size that the network can take and cropping are
within.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.data import transforms
from i2i_keras.errors import DataError
from i2i_keras.models import formats
from i2i_keras.translators import inference

# Gray levels of 255 by which other kernels may differ in rounding.
BOUND = 2


def export_generator(generator: keras.Model, kind: str, out: Path, picture: formats.Images) -> int:
    """Writes a network, unless it comes out different.

    Args:
        generator: from images in [-1, 1] to images of the same size, computing
            in float32.
        kind: a key of `formats.FORMATS`.
        out: file or folder that is made, whole or not at all.
        picture: `(height, width, 3)`, which the network itself and what was
            written are compared on, whole and cut to odd sides.

    Returns:
        The largest difference between the two, in gray levels of 255.

    Raises:
        SettingsError: there is no such format, or it needs an extra that is
            not installed.
        DataError: `out` exists, or the difference is above `BOUND`.
    """
    run, ours = inference.portable(generator), inference.any_size(generator)
    function = formats.Function(
        lambda image: transforms.denormalize(run(transforms.normalize(image))),
        "translated",
        stack.variables_of(generator.variables),
    )

    def check(theirs: formats.Written) -> int:
        worst = 0
        for pixels in (picture, odd_part(picture)):
            images = pixels[np.newaxis]
            wanted = transforms.denormalize(ours(transforms.normalize(tf.constant(images))))
            difference = np.abs(theirs(images).astype(int) - wanted.numpy())
            worst = max(worst, int(difference.max()))
        if worst > BOUND:
            raise DataError(
                f"{kind} gives up to {worst} of 255 other than the network itself, above the bound"
                f" of {BOUND}; {out} is not written, try another format."
            )
        return worst

    return formats.write(function, kind, out, check)


def odd_part(picture: formats.Images) -> formats.Images:
    """Cuts an image to three quarters, of odd height and width."""
    height, width = (side * 3 // 4 | 1 for side in picture.shape[:2])
    return picture[:height, :width]
