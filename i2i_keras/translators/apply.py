"""Applies a translator to images on disk; labels are kept, not copied."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.data import each_image, transforms
from i2i_keras.data.records import Record
from i2i_keras.training import finite

Translate = Callable[[tf.Tensor], tf.Tensor]


def translate_records(
    translate: Translate,
    records: Sequence[Record],
    folder: Path,
    description: str,
    translator: str,
    compress: bool = True,
) -> list[Record]:
    """Translates the images of records, see `each_image.make_of_each`.

    Args:
        translate: from images in [-1, 1] to images of the same shape; it is
            given one at a time.
        records: what to translate.
        folder: gets `NAME.png` of every record.
        description: what the progress bar says.
        translator: fingerprint of all that `translate` depends on.
        compress: whether the PNGs are compressed, see `plain_png`.

    Returns:
        Records of the translated images, with the same names and labels.
    """
    maker = build_maker(translate, folder, translator)._replace(compress=compress)
    each_image.make_of_each(records, maker, description)
    return [record._replace(image=folder / f"{record.name}.png") for record in records]


def translate_pixels(translate: Translate, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Translates an image `(height, width, 3)`, as it would be written."""
    image = transforms.normalize(tf.constant(pixels))
    made = finite.check_result(translate(image[tf.newaxis]), "Translated images")
    return transforms.denormalize(made)[0].numpy()


def unfinished(records: Sequence[Record], folder: Path, translator: str) -> list[Record]:
    """Records whose image is not in the folder, or was made from others."""
    return each_image.unfinished(records, build_maker(tf.identity, folder, translator))


def build_maker(translate: Translate, folder: Path, translator: str) -> each_image.Maker:
    """What makes translations of images; see `translate_records`."""
    return each_image.Maker(
        lambda pixels: [translate_pixels(translate, pixels)],
        lambda name: [folder / f"{name}.png"],
        translator,
    )
