"""What a translator without a training keeps of both domains, and uses.

An image is translated by way of one reference, the statistics of an image of
the other domain or of all of them; both are pixels in [0, 1] here, so that no
mean is negative.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.config import Config
from i2i_keras.data.records import Record, read_image, spread
from i2i_keras.errors import DataError
from i2i_keras.run_folder import arrays, files, writing
from i2i_keras.run_folder.places import how_to_make

Pixels = NDArray[np.float32]  # `(height, width, 3)` in [0, 1].
Reference = NDArray[Any]
Transfer = Callable[[Pixels, Reference], NDArray[Any]]

_FILE = "references.npz"


class ReferenceConfig(Config):
    """What is kept of both domains.

    Attributes:
        num_references: images of each domain, from all over it, that can be the
            reference of an image of the other. Which one it is follows from the
            seed and the image's pixels, so that it is the same each time, in
            any order and in any shard.
        num_samples: images from all over each domain in the sample picture.
    """

    num_references: pydantic.PositiveInt = 200
    num_samples: pydantic.PositiveInt = 4


def read_pixels(paths: Sequence[Path], count: int | None = None) -> Iterator[Pixels]:
    """Reads images.

    Args:
        paths: of a domain's images.
        count: how many, from all over them; None = all.

    Raises:
        DataError: there are none, or one cannot be read.
    """
    if not paths:
        raise DataError("There are no images to measure; check the split and the root.")
    records = [Record(path.stem, path, None) for path in paths]
    for record in spread(records, count or len(records)):
        yield np.asarray(read_image(record.image), np.float32) / 255.0


def save(config: ReferenceConfig, folder: Path, kept: Sequence[Reference], seed: int) -> None:
    """Writes what `load` reads.

    Args:
        config: of the method.
        folder: gets `config.json` and `references.npz`.
        kept: references `(count, ...)` of the source, and of the target.
        seed: of the choice among them.
    """
    x, y = kept
    with writing.replacing(folder / _FILE) as draft:
        np.savez(draft, x=x, y=y, seed=np.uint32(seed))
    files.write_json(folder / "config.json", config.model_dump(mode="json"))


def load(folder: Path, direction: str, transfer: Transfer) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes a function of images from one of an image and its reference.

    Args:
        folder: that `save` wrote.
        direction: `xy` or `yx`; the references are the second one's.
        transfer: what is done to an image; clipped afterwards.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1], of any size, to
        translated ones of the same size and range.

    Raises:
        DataError: the references are missing or broken.
    """
    (kept,) = arrays.read(folder / _FILE, [direction[-1]], dimensions=2)
    (number,) = arrays.read(folder / _FILE, ["seed"], dimensions=0)
    seed = int(number.ravel()[0]) % 2**64

    def translate(images: tf.Tensor) -> tf.Tensor:
        made = []
        for image in np.asarray(images):
            pixels = (image + 1.0) / 2.0
            reference = kept[choose(pixels, len(kept), seed)]
            try:
                transferred = transfer(pixels, reference)
            except (ValueError, LookupError) as error:
                raise DataError(
                    f"{folder / _FILE} holds no references of this method; delete {folder} and"
                    f" {how_to_make(folder)}."
                ) from error
            made.append(np.clip(2.0 * transferred - 1.0, -1.0, 1.0))
        return tf.constant(np.reshape(made, images.shape), tf.float32)

    return translate


def choose(pixels: Pixels, count: int, seed: int) -> int:
    """Which of `count` references an image gets, all of them equally often."""
    content = to_levels(pixels).tobytes()
    digest = hashlib.blake2b(content, digest_size=8, key=seed.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") % count


def to_levels(pixels: Pixels) -> NDArray[np.uint8]:
    """The nearest of the 256 levels of an image file."""
    return np.rint(255.0 * pixels).astype(np.uint8)
