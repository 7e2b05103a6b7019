"""Applies a translator to images on disk; labels are kept, not copied."""

from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from i2i_keras import runs
from i2i_keras.data import transforms
from i2i_keras.data.records import Record, read_image

Translate = Callable[[tf.Tensor], tf.Tensor]


def translate_records(
    translate: Translate,
    records: Sequence[Record],
    folder: Path,
    description: str,
    *,
    keep: bool = True,
) -> list[Record]:
    """Translates the images of records; each may have its own size.

    Args:
        translate: from images in [-1, 1] to images of the same shape.
        records: what to translate.
        folder: gets `NAME.png` of every record.
        description: what the progress bar says.
        keep: whether images that an earlier, interrupted call wrote are kept.

    Returns:
        Records of the translated images, with the same names and labels.
    """
    translated = []
    for record in tqdm(records, desc=description, unit="image", mininterval=1.0):
        path = folder / f"{record.name}.png"
        if not (keep and path.exists()):
            image = transforms.normalize(tf.constant(read_image(record.image)))
            fake = transforms.denormalize(translate(image[tf.newaxis]))[0]
            with runs.replacing(path) as draft:
                Image.fromarray(fake.numpy()).save(draft, "PNG", compress_level=1)
        translated.append(record._replace(image=path))
    return translated
