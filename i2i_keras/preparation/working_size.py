"""One record: examined, and written at the working size."""

import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record
from i2i_keras.preparation import comparison
from i2i_keras.preparation.examine import examine, name_of
from i2i_keras.run_folder import files

ImageResize = Literal["area", "bilinear", "nearest"]
_RESAMPLING = {"area": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR}


class Work(NamedTuple):
    """How the records of a table are converted; picklable.

    Attributes:
        table: its name.
        root: of the raw files, for their names.
        reader: of their labels; None = no labels.
        size: (height, width) to be written.
        image_resize: how images come to it. Labels always take the nearest.
        measured_classes: number of classes whose pixels are counted; 0 =
            labels are not measured.
    """

    table: str
    root: Path
    reader: LabelReader | None
    size: tuple[int, int]
    image_resize: ImageResize
    measured_classes: int


class Conversion(NamedTuple):
    """A raw record to be made a prepared one.

    Attributes:
        key: hash of all that the result depends on.
        raw: what is read.
        done: what is written.
        native: where the label is written at its own size as well, or None.
    """

    key: str
    raw: Record
    done: Record
    native: Path | None = None

    def is_missing(self) -> bool:
        """Whether one of its files is not there."""
        paths = (self.done.image, self.done.label, self.native)
        return not all(path.is_file() for path in paths if path)


def write_record(work: Work, conversion: Conversion) -> dict[str, Any]:
    """Examines one image and its label and writes them at the working size.

    Returns:
        As JSON can hold it: `key`, `name`, `image` (how the file is named),
        `findings`, `digest`, `numbers` (see `examine.Examined`) and, where the
        image can be read, its `size` (height, width) and `measures` (see
        `comparison.measure`); of a label whether it `counts`, that is, has a
        pixel that is not ignored.
    """
    seen = examine(work.table, conversion.raw, work.reader, work.root)
    row: dict[str, Any] = {
        "key": conversion.key,
        "name": conversion.raw.name,
        "image": name_of(conversion.raw.image, work.root),
        "findings": seen.findings,
        "digest": seen.digest,
        "numbers": seen.numbers,
    }
    label = None
    if seen.label is not None and conversion.done.label:
        row["counts"] = bool((seen.label != IGNORE).any())
        label = _nearest(Image.fromarray(seen.label), work.size)
        _write_png(label, conversion.done.label)
        if conversion.native:
            _write_png(Image.fromarray(seen.label), conversion.native)
    if seen.image is not None:
        row["size"] = seen.image.size[::-1]
        image = _resize(seen.image, work)
        _write_png(image, conversion.done.image)
        truth = np.asarray(label) if label and work.measured_classes else None
        row["measures"] = comparison.measure(np.asarray(image), truth, work.measured_classes)
    return row


def _resize(image: Image.Image, work: Work) -> Image.Image:
    if work.image_resize == "nearest":
        return _nearest(image, work.size)
    return image.resize(work.size[::-1], _RESAMPLING[work.image_resize])


def _nearest(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Takes the nearest pixels, exactly those that `tf.image.resize` takes.

    Pillow adds up its steps in floating point: from Cityscapes' 2048 x 1024 to
    the usual 560 x 280 its sum falls short of some whole numbers.
    """
    pixels = np.asarray(image)
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for old, new in zip(pixels.shape[:2], size, strict=True)
    )
    return Image.fromarray(pixels[np.ix_(rows, columns)])


def _write_png(image: Image.Image, path: Path) -> None:
    with files.replacing(path) as draft:
        # Run lengths: a quarter faster and smaller than what Pillow takes else.
        image.save(draft, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
