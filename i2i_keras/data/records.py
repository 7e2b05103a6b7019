"""Records: the one form in which images and labels travel between stages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i_keras import runs
from i2i_keras.errors import DataError

SPLITS = ("train", "val", "test")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


class Record(NamedTuple):
    """An image and, where there is one, its label.

    Attributes:
        name: unique within its split.
        image: RGB file.
        label: file of class numbers, or None.
    """

    name: str
    image: Path
    label: Path | None


Splits = dict[str, list[Record]]


class Dataset(NamedTuple):
    """What the pipeline needs to know of one raw layout.

    Attributes:
        splits: ways to split it, by name, each from the root folder to records
            by `SPLITS`; the first one is the default.
        read_label: from a label file to `(height, width)` uint8 raw ids as in
            `labels.CLASSES`.
    """

    splits: Mapping[str, Callable[[Path], Splits]]
    read_label: Callable[[Path], NDArray[np.uint8]]


def read_records(root: Path, table: Path) -> list[Record]:
    """Reads a CSV of records, whose paths are relative to the run's `root`.

    Raises:
        DataError: there is no such table, or one of its images is gone.
    """
    if not table.is_file():
        raise DataError(f"{table} is missing; run the stage that makes it first.")
    records = [
        Record(row["name"], root / row["image"], root / row["label"] if row["label"] else None)
        for row in runs.read_table(table)
    ]
    for record in records:
        if not record.image.is_file():
            raise DataError(
                f"{record.image} is missing; delete {table.parent} and run its stage again."
            )
    return records


def write_records(root: Path, table: Path, records: Sequence[Record]) -> None:
    """Writes records as CSV, with paths relative to the run's `root`."""
    rows = [
        {
            "name": record.name,
            "image": record.image.relative_to(root).as_posix(),
            "label": record.label.relative_to(root).as_posix() if record.label else "",
        }
        for record in records
    ]
    runs.write_table(table, rows, columns=Record._fields)


def images_in(folder: Path) -> list[Path]:
    """The images directly in a folder, by name; hidden files left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )


def pair(
    images: Iterable[Path], name: Callable[[Path], str], label: Callable[[Path], Path]
) -> list[Record]:
    """Joins images with their labels.

    Args:
        images: the images of one split.
        name: from an image to the name of its record.
        label: from an image to the place where its label should be.

    Returns:
        Records in the order of the images. If not one label is there, the set
        is an unlabelled one.

    Raises:
        DataError: some images have a label and one has none.
    """
    found = [Record(name(path), path, label(path)) for path in images]
    lacking = [r for r in found if not (r.label and r.label.is_file())]
    if len(lacking) == len(found):
        return [record._replace(label=None) for record in found]
    if lacking:
        first = lacking[0]
        raise DataError(f"{first.image} has no label; {first.label} should be there.")
    return found


def read_ids(path: Path) -> NDArray[np.uint8]:
    """Reads a label file by its numbers, never by its colors.

    In a palette PNG, as GTA5's are, the number of a pixel is its palette
    index; TensorFlow and OpenCV would give its gray value instead.

    Returns:
        `(height, width)` uint8.

    Raises:
        DataError: it cannot be read, or holds colors and not class numbers.
    """
    with open_image(path) as image:
        if image.mode not in ("L", "P"):
            raise DataError(
                f"{path} holds {image.mode} pixels, not class numbers;"
                " give the file with one 8-bit class id a pixel."
            )
        return np.asarray(image)


def read_image(path: Path) -> Image.Image:
    """Reads any image file as RGB.

    Raises:
        DataError: it cannot be read.
    """
    with open_image(path) as image:
        return image.convert("RGB")


def open_image(path: Path) -> Image.Image:
    """Opens and decodes an image file.

    Raises:
        DataError: it is missing, not an image, or broken.
    """
    try:
        image = Image.open(path)
        try:
            image.load()
        except BaseException:
            image.close()  # Pillow leaves the file open.
            raise
    except FileNotFoundError:
        raise DataError(f"{path} is missing; put it there or prepare the data anew.") from None
    except Exception as error:  # Pillow stumbles over broken files in many ways.
        raise DataError(f"{path} cannot be read as an image ({error}); replace it.") from None
    return image
