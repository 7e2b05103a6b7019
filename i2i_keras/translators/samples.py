"""Sample pictures: images and their translations, side by side."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from i2i_keras.data import transforms
from i2i_keras.data.pipeline import evaluation_batches
from i2i_keras.data.records import Record, spread
from i2i_keras.run_folder import writing
from i2i_keras.training import finite

Load = Callable[[Path, str], Callable[[tf.Tensor], tf.Tensor]]


def write_samples(
    load: Load, folder: Path, images_x: Sequence[Path], images_y: Sequence[Path], count: int
) -> None:
    """Draws x, fake y, cycled x, y, fake x, cycled y; a row of them each.

    Args:
        load: from folder and direction to a function of images.
        folder: of the translator; gets `samples/translated.png`.
        images_x: of the source, all of one size.
        images_y: of the target, of the same size.
        count: rows, at most; from all over both domains.
    """
    xy, yx = load(folder, "xy"), load(folder, "yx")
    rows = min(count, len(images_x), len(images_y))
    columns: list[tf.Tensor] = []
    for paths, there, back in ((images_x, xy, yx), (images_y, yx, xy)):
        images = read_samples(paths, rows)
        fakes = there(images)
        columns += [images, fakes, back(fakes)]
    write_strip(columns, folder / "samples" / "translated.png")


def read_samples(paths: Sequence[Path], count: int) -> tf.Tensor:
    """So many images from all over a domain, as networks take them."""
    records = spread([Record(path.stem, path, None) for path in paths], count)
    return tf.concat([image for image, _ in evaluation_batches(records, 1)], axis=0)


def write_strip(columns: Sequence[tf.Tensor], path: Path) -> None:
    """Draws a row for each image, as many as the shortest column has.

    Args:
        columns: images `(count, height, width, 3)` in [-1, 1] each.
        path: of the PNG.
    """
    rows = min(len(column) for column in columns)
    strips = tf.concat([column[:rows] for column in columns], axis=2)
    finite.check_result(strips, "Sample pictures")
    pixels = np.concatenate(transforms.denormalize(strips).numpy(), axis=0)
    with writing.replacing(path) as draft:
        Image.fromarray(pixels).save(draft, "PNG")
