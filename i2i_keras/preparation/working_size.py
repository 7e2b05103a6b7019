"""One record: examined, and written at the working size."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.png import write_png
from i2i_keras.data.records import Record
from i2i_keras.data.resizing import Fit, Resize, cropped, nearest, resize
from i2i_keras.preparation import comparison
from i2i_keras.preparation.examine import Reading, examine, name_of


class Work(NamedTuple):
    """How the records of a table are converted; picklable.

    Attributes:
        table: its name.
        root: of the raw files, for their names.
        reader: of their labels; None = no labels.
        size: (height, width) to be written.
        image_resize: how images come to it. Labels always take the nearest.
        fit: whether they are stretched to its shape, or cropped to it before.
        measured_classes: number of classes whose pixels are counted; 0 =
            labels are not measured.
        reading: how the images are read.
        compress: whether the written PNGs are compressed.
    """

    table: str
    root: Path
    reader: LabelReader | None
    size: tuple[int, int]
    image_resize: Resize
    fit: Fit
    measured_classes: int
    reading: Reading = Reading()
    compress: bool = True


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

    def sizes(self) -> list[int]:
        """Bytes of those of its files that are there."""
        paths = filter(None, (self.done.image, self.done.label, self.native))
        return [path.stat().st_size for path in paths if path.is_file()]


def write_record(work: Work, conversion: Conversion) -> dict[str, Any]:
    """Examines one image and its label and writes them at the working size.

    Returns:
        As JSON can hold it: `key`, `name`, `image` (how the file is named),
        `bytes` (sizes of the files that were written), `findings`, `digest`,
        `numbers` (see `examine.Examined`) and, where the image can be read, its
        `size` (height, width) and `measures` (see `comparison.measure`); of a
        label whether it `counts`, that is, has a pixel that is not ignored.
    """
    seen = examine(work.table, conversion.raw, work.reader, work.root, work.reading)
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
        native = _fitted(Image.fromarray(seen.label), work)
        label = nearest(native, work.size)
        write_png(np.asarray(label), conversion.done.label, work.compress)
        if conversion.native:
            write_png(np.asarray(native), conversion.native)
    if seen.image is not None:
        row["size"] = seen.image.size[::-1]
        image = resize(_fitted(seen.image, work), work.size, work.image_resize)
        pixels = np.asarray(image)
        write_png(pixels, conversion.done.image, work.compress)
        truth = np.asarray(label) if label and work.measured_classes else None
        row["measures"] = comparison.measure(pixels, truth, work.measured_classes)
    row["bytes"] = conversion.sizes()
    return row


def _fitted(image: Image.Image, work: Work) -> Image.Image:
    return cropped(image, work.size) if work.fit == "crop" else image
