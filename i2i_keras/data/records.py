"""Records: the one form in which images and labels travel between stages."""

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from i2i_keras.data import rows
from i2i_keras.data.image_files import DECODERS, broken_chunk
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.sixteen_bits import is_deep_color, read_deep_color
from i2i_keras.errors import DataError, FileError, refuse_special
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import how_to_make

SPLITS = ("train", "val", "test")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
_MAY_HOLD_EXIF = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")  # Chunks of a PNG.
_BITS_PER_SAMPLE = 258  # TIFF's tag.
KINDS_READ = "PNG, JPEG, BMP, TIFF, WebP or GIF"


class Record(NamedTuple):
    """An image and, where there is one, its label.

    Attributes:
        name: unique within its split. Parts divided by `/` are folders, in
            which all that is made of the record lies, too.
        image: RGB file.
        label: file of class numbers, or None.
    """

    name: str
    image: Path
    label: Path | None


Splits = dict[str, list[Record]]
Item = TypeVar("Item")


def read_records(root: Path, table: Path) -> list[Record]:
    """Reads a CSV of records, whose paths are relative to the run's `root`.

    Raises:
        DataError: there is no such table, it is broken, a name stands in it
            twice, a path leads out of the run, or an image is gone.
    """
    todo = f"delete {table.parent} and {how_to_make(table)}"
    table_rows = files.read_table(table, Record._fields)
    for fault in rows.faults(root, table_rows):
        raise DataError(f"{table} {fault}; {todo}.")
    records = [
        Record(row["name"], root / row["image"], root / row["label"] if row["label"] else None)
        for row in table_rows
    ]
    for record in records:
        if not record.image.is_file():
            raise DataError(f"{record.image} is missing; {todo}.")
    return records


def write_records(root: Path, table: Path, records: Sequence[Record]) -> None:
    """Writes records as CSV, with paths relative to the run's `root`."""
    written = [
        {
            "name": record.name,
            "image": record.image.relative_to(root).as_posix(),
            "label": record.label.relative_to(root).as_posix() if record.label else "",
        }
        for record in records
    ]
    files.write_table(table, written, columns=Record._fields)


def images_in(folder: Path) -> list[Path]:
    """The images directly in a folder, by name; hidden files left out."""
    return sorted(
        path for path in folder.iterdir() if is_image(path) and not path.name.startswith(".")
    )


def is_image(path: Path) -> bool:
    """Whether a file is an image by its suffix, in any case of letters."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_labelled(record: Record) -> bool:
    """Whether there is a label: plain folders name one where it should be."""
    return record.label is not None and record.label.is_file()


def read_label(path: Path) -> NDArray[np.uint8]:
    """Reads a prepared label, `(height, width)` uint8.

    Raises:
        FileError: it cannot be read, or is no label of ours.
    """
    with open_image(path) as image:
        if image.mode != "L":
            raise FileError(path, f"holds {image.mode} pixels, not labels", "prepare the data anew")
        return np.asarray(image)


def read_image(path: Path, *, turn: bool = True, bits: int = 16) -> Image.Image:
    """Reads any image file as RGB.

    Transparency is left out. Of several frames or pages the first is taken.

    Args:
        path: the file.
        turn: whether it is turned as its EXIF data say.
        bits: that are in use of 16-bit files, of which the upper 8 are taken.

    Raises:
        FileError: it cannot be read, or not without loss.
    """
    with open_image(path) as image:
        if image.mode == "F" or _is_deep_tiff(image):
            raise FileError(
                path,
                "holds floating-point pixels"
                if image.mode == "F"
                else "is a TIFF of 16 bits a channel, of which only the upper 8 could be read",
                "save it as a PNG of 8 or 16 bits",
            )
        counts = deep_counts(path, image)
        try:
            with warnings.catch_warnings():
                # Pillow's, of odd EXIF data and of transparent palettes.
                warnings.simplefilter("ignore")
                shown = image if counts is None else _shown(counts, bits)
                shown.info.update(image.info)
                if turn:
                    ImageOps.exif_transpose(shown, in_place=True)
                return shown.convert("RGB")
        except Exception as error:  # Broken EXIF data.
            raise _broken(path, error) from None


def deep_counts(path: Path, image: Image.Image) -> NDArray[Any] | None:
    """The values of a 16-bit file, with channels if it has any; else None.

    Raises:
        FileError: it cannot be decoded.
    """
    if image.mode.startswith("I"):
        return np.asarray(image)
    if not is_deep_color(path):
        return None
    try:
        return read_deep_color(path)
    except ValueError as error:
        raise _broken(path, error) from None


def has_deep_counts(path: Path) -> bool:
    """Whether `deep_counts` finds any, by the file's head alone.

    Of a file that cannot be read it is not.
    """
    try:
        refuse_special(path)
        with warnings.catch_warnings(), Image.open(path, formats=DECODERS) as image:
            warnings.simplefilter("ignore")
            return image.mode.startswith("I") or is_deep_color(path)
    except Exception:  # As in `open_image`.
        return False


def _shown(counts: NDArray[Any], bits: int) -> Image.Image:
    pixels = np.clip(counts >> (bits - 8), 0, 255).astype(np.uint8)
    if pixels.ndim == 3:  # Without alpha; gray as one channel.
        pixels = pixels[..., :3] if pixels.shape[2] > 2 else pixels[..., 0]
    return Image.fromarray(pixels)


def _is_deep_tiff(image: Image.Image) -> bool:
    tags = getattr(image, "tag_v2", {})
    return image.mode[:3] == "RGB" and 16 in tags.get(_BITS_PER_SAMPLE, ())


def orientation(path: Path) -> int:
    """How EXIF data say that an image is to be turned; 1 = not at all.

    Of a file that cannot be read it is 1, too.
    """
    try:
        refuse_special(path)
        with warnings.catch_warnings(), Image.open(path, formats=DECODERS) as image:
            warnings.simplefilter("ignore")
            return _orientation(path, image)
    except Exception:  # As in `open_image`.
        return 1


def image_size(path: Path, *, turn: bool = True) -> tuple[int, int]:
    """(height, width) of an image file as it is seen, without decoding it.

    Args:
        path: the file.
        turn: whether it is turned as its EXIF data say.

    Raises:
        FileError: it cannot be read.
    """
    refuse_special(path)
    try:
        with warnings.catch_warnings(), Image.open(path, formats=DECODERS) as image:
            warnings.simplefilter("ignore")
            turned = turn and _orientation(path, image) >= 5  # By 90 degrees.
            width, height = image.size[::-1] if turned else image.size
            return height, width
    except Exception as error:  # As in `open_image`.
        raise _broken(path, error) from None


def _orientation(path: Path, image: Image.Image) -> int:
    """That of an open file, which is decoded only if nothing else tells.

    Pillow decodes a PNG to find EXIF data that may come last in it.
    """
    exif = image.getexif() if _tells_more(path, image) else Image.Image.getexif(image)
    return int(exif.get(ExifTags.Base.Orientation, 1))


def _tells_more(path: Path, image: Image.Image) -> bool:
    """Whether EXIF data, or texts that may hold such, follow a PNG's pixels.

    Reference:
        PNG, third edition, section 5.3, the layout of chunks.
    """
    if image.format != "PNG":
        return True
    pixels = False
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            kind = head[4:]
            pixels = pixels or kind == b"IDAT"
            if pixels and kind in _MAY_HOLD_EXIF:
                return True
            file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)  # And a checksum.
    return False


def open_image(path: Path, most: int | None = None) -> Image.Image:
    """Opens and decodes an image file.

    Args:
        path: the file.
        most: pixels that it may have; None = 89 million.

    Raises:
        FileError: it is missing, not an image, broken, or too large.
    """
    refuse_special(path)
    try:
        with warnings.catch_warnings():
            # By the size that is declared, before memory is taken.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path, formats=DECODERS)
    except FileNotFoundError:
        raise FileError(
            path, "is missing", "put it there, or take away what belongs to it"
        ) from None
    except Exception as error:  # Pillow stumbles over broken files in many ways.
        raise _broken(path, error) from None
    if most is not None and image.width * image.height > most:
        image.close()
        what = f"is of {image.width}x{image.height} pixels, more than {most:,} in all"
        raise FileError(path, what, "make it smaller, and its image alike")
    try:
        if image.format == "PNG" and (chunk := broken_chunk(path)):
            raise ValueError(f"the checksum of its {chunk} is wrong")
        image.load()
    except Exception as error:
        image.close()  # Pillow leaves the file open.
        raise _broken(path, error) from None
    return image


def _broken(path: Path, error: Exception) -> FileError:
    reason = getattr(error, "strerror", None) or str(error).replace(f" {str(path)!r}", "")
    return FileError(path, f"cannot be read as an image ({reason.rstrip('.')})", "replace it")


def counted(records: Iterable[Record]) -> list[Record]:
    """Those whose label has a pixel that counts.

    Cityscapes withholds the labels of its test images: all are ignored there.
    """
    return [
        record
        for record in records
        if record.label is not None and (read_label(record.label) != IGNORE).any()
    ]


def spread(records: Sequence[Item], count: int) -> list[Item]:
    """Items from all over a list: neighboring records may be of one film."""
    places = np.linspace(0, len(records) - 1, min(count, len(records)))
    return [records[round(place)] for place in places]
