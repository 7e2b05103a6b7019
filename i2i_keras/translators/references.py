"""What a translator without a training keeps of both domains, and uses.

An image is translated by way of one reference, the statistics of an image of
the other domain or of all of them; both are pixels in [0, 1] here, so that no
mean is negative.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

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

DOMAIN = "domain"  # The reference that is the mean of all.
_FILE = "references.npz"


class Statistics(NamedTuple):
    """What is transferred from one image to another.

    Attributes:
        measure: from an image to its statistics.
        pool: from the statistics of images of one size to that of them all.
        transfer: from an image and the statistics that it should have to the
            new image, which may exceed [0, 1].
    """

    measure: Callable[[Pixels], Reference]
    pool: Callable[[Iterable[Reference]], Reference]
    transfer: Transfer


class ReferenceConfig(Config):
    """What is kept of both domains.

    Attributes:
        num_references: images of each domain, from all over it, that can be the
            reference of an image of the other. Which one it is follows from the
            seed and the image's pixels, so that it is the same each time, in
            any order and in any shard.
        reference: one `image` of the other domain for each image, of
            `num_references`; or that `domain`: all images of it as one.
        num_samples: images from all over each domain in the sample picture.
    """

    num_references: pydantic.PositiveInt = 200
    reference: Literal["image", "domain"] = "image"
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


def measure(config: ReferenceConfig, paths: Sequence[Path], statistics: Statistics) -> Reference:
    """The references of a domain, `(count, ...)`.

    Args:
        config: how many there are.
        paths: of the domain's images, all of one size.
        statistics: what is kept of an image.

    Raises:
        DataError: see `read_pixels`.
    """
    if config.reference == DOMAIN:
        return statistics.pool(map(statistics.measure, read_pixels(paths)))[np.newaxis]
    chosen = read_pixels(paths, config.num_references)
    return np.stack([*map(statistics.measure, chosen)])


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


def load(
    folder: Path, direction: str, statistics: Statistics, reference: str | Path | None = None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes a function of images from one of an image and its reference.

    Args:
        folder: that `save` wrote.
        direction: `xy` or `yx`; the references are the second one's.
        statistics: what is done to an image; clipped afterwards.
        reference: of all images, so that those alike stay alike: `DOMAIN`, the
            mean of those that were kept, or an image; None = to each its own.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1], of any size, to
        translated ones of the same size and range.

    Raises:
        DataError: the references are missing or broken.
        FileError: the reference cannot be read.
    """
    (kept,) = arrays.read(folder / _FILE, [direction[-1]], dimensions=2)
    (number,) = arrays.read(folder / _FILE, ["seed"], dimensions=0)
    seed = int(number.ravel()[0]) % 2**64
    broken = DataError(
        f"{folder / _FILE} holds no references of this method; delete {folder} and"
        f" {how_to_make(folder)}."
    )
    if reference == DOMAIN:
        try:
            kept = statistics.pool(kept)[np.newaxis]
        except (ValueError, LookupError) as error:
            raise broken from error
    elif reference is not None:
        (pixels,) = read_pixels([Path(reference)])
        kept = statistics.measure(pixels)[np.newaxis]

    def translate(images: tf.Tensor) -> tf.Tensor:
        made = []
        for image in np.asarray(images):
            pixels = (image + 1.0) / 2.0
            chosen = kept[choose(pixels, len(kept), seed)]
            try:
                transferred = statistics.transfer(pixels, chosen)
            except (ValueError, LookupError) as error:
                raise broken from error
            made.append(np.clip(2.0 * transferred - 1.0, -1.0, 1.0))
        return tf.constant(np.reshape(made, images.shape), tf.float32)

    return translate


def fingerprint(reference: str | Path) -> str:
    """Of a reference of all images: its name, or what its file holds.

    Raises:
        FileError: it cannot be read.
    """
    if reference == DOMAIN:
        return DOMAIN
    (pixels,) = read_pixels([Path(reference)])
    return hashlib.sha256(to_levels(pixels).tobytes()).hexdigest()


def choose(pixels: Pixels, count: int, seed: int) -> int:
    """Which of `count` references an image gets, all of them equally often."""
    content = to_levels(pixels).tobytes()
    digest = hashlib.blake2b(content, digest_size=8, key=seed.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") % count


def to_levels(pixels: Pixels) -> NDArray[np.uint8]:
    """The nearest of the 256 levels of an image file."""
    return np.rint(255.0 * pixels).astype(np.uint8)
