"""The sample picture of a translator that is ready at once."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from i2i_keras.data import transforms
from i2i_keras.data.pipeline import evaluation_batches
from i2i_keras.data.records import Record, spread
from i2i_keras.run_folder import files

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
        records = spread([Record(path.stem, path, None) for path in paths], rows)
        images = tf.concat([image for image, _ in evaluation_batches(records, 1)], axis=0)
        fakes = there(images)
        columns += [images, fakes, back(fakes)]
    strips = transforms.denormalize(tf.concat(columns, axis=2)).numpy()
    with files.replacing(folder / "samples" / "translated.png") as draft:
        Image.fromarray(np.concatenate(strips, axis=0)).save(draft, "PNG")
