"""Makes files from each of many images, once, in threads."""

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from i2i_keras import quiet
from i2i_keras.data.image_files import DECODERS
from i2i_keras.data.parallel import in_threads
from i2i_keras.data.png import plain_png
from i2i_keras.data.records import Record, read_image
from i2i_keras.errors import DataError, FileError
from i2i_keras.run_folder import files, writing

Pixels = NDArray[np.uint8]

# Images that are read ahead, and as many that wait to be written.
AHEAD = 4
# By this name a file says what it was made from, and by what.
_ORIGIN = "i2i_keras"
_END = b"\0\0\0\0IEND\xaeB\x60\x82"


class Maker(NamedTuple):
    """What is made of an image.

    Attributes:
        compute: from pixels `(height, width, 3)` uint8 RGB to one array for
            each of `files`.
        files: from the name of a record to the files that are made: `.png` of
            uint8 pixels, `.npz` of one array.
        origin: fingerprint of all that `compute` depends on.
        array: name of the array in `.npz` files.
        bits: that are in use of 16-bit images.
        compress: whether PNGs are compressed, see `plain_png`.
    """

    compute: Callable[[Pixels], Sequence[NDArray[Any]]]
    files: Callable[[str], Sequence[Path]]
    origin: str
    array: str = "array"
    bits: int = 16
    compress: bool = True


class _Picture(NamedTuple):
    record: Record
    arrays: Sequence[NDArray[Any]]
    origin: str


def make_of_each(
    records: Sequence[Record],
    maker: Maker,
    description: str,
    unreadable: list[FileError] | None = None,
) -> None:
    """Makes files of the images of records; each may have its own size.

    Images are read and written by threads while `compute` is at work on others.
    Each file is written whole or not at all, and says of itself what it was
    made from: those that are there already are kept if the same maker would
    make them from the same image.

    Args:
        records: what to make them of.
        maker: what is made.
        description: what the progress bar says.
        unreadable: gets what is said of images that cannot be read, and the
            others go on; None = the first one ends it all.

    Raises:
        FileError: an image cannot be read.
    """
    left = unfinished(records, maker)

    def read(record: Record) -> _Picture | None:
        try:
            pixels = np.asarray(read_image(record.image, bits=maker.bits))
        except FileError as error:
            if unreadable is None:
                raise
            unreadable.append(error)
            return None
        return _Picture(record, [pixels], _origin(record, maker))

    def compute(picture: _Picture) -> _Picture:
        return picture._replace(arrays=maker.compute(picture.arrays[0]))

    def write(picture: _Picture) -> None:
        files = maker.files(picture.record.name)
        for path, array in zip(files, picture.arrays, strict=True):
            _write(path, array, maker, picture.origin)

    pictures = (picture for picture in in_threads(read, left, AHEAD) if picture)
    with contextlib.closing(in_threads(write, map(compute, pictures), AHEAD)) as written:
        total, kept = len(records), len(records) - len(left)
        bar = quiet.bar(desc=description, total=total, initial=kept, unit="image")
        with bar:
            for _ in written:
                bar.update()


def unfinished(records: Sequence[Record], maker: Maker) -> list[Record]:
    """Records of which a file is not there, or was made from others."""
    return [record for record in records if not _is_made(record, maker)]


def refuse_others(records: Sequence[Record], files: Callable[[str], list[Path]]) -> None:
    """Refuses to write over files that were not made here.

    Args:
        records: what is to be made something of.
        files: from the name of a record to what is made of it.

    Raises:
        DataError: such a file is there.
    """
    for record in records:
        there = [path for path in files(record.name) if path.is_file()]
        origins = [_origin_of(path) for path in there]
        others = [path for path, origin in zip(there, origins, strict=True) if origin == ""]
        if others or (there and not any(origins)):  # A broken one beside ours was ours.
            raise DataError(
                f"{(others or there)[0]} is there and was not made by i2i-keras; move it away, or"
                " give another --out."
            )


def _is_made(record: Record, maker: Maker) -> bool:
    made = maker.files(record.name)
    if not all(path.is_file() for path in made):
        return False
    try:
        if {_origin_of(path) for path in made} != {_origin(record, maker)}:
            return False
        return all(map(_is_whole, made))
    except OSError:  # The image cannot be read any more.
        return False


def is_made_here(path: Path) -> bool:
    """Whether a file says that it was made by `make_of_each`."""
    return bool(_origin_of(path))


def _is_whole(path: Path) -> bool:
    """Whether nothing of a file is cut off or changed, by its own checksums."""
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        with Image.open(path, formats=DECODERS) as image:
            image.verify()
        return is_whole_png(path)
    except Exception:  # Pillow stumbles over broken files in many ways.
        return False


def is_whole_png(path: Path) -> bool:
    """Whether a file ends as PNGs do; what was cut off does not."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - len(_END)))
        return file.read() == _END


def _write(path: Path, array: NDArray[Any], maker: Maker, origin: str) -> None:
    with writing.replacing(path) as draft:
        if path.suffix == ".npz":
            np.savez_compressed(draft, **{maker.array: array, _ORIGIN: np.array(origin)})
            return
        if not maker.compress:
            draft.write(plain_png(array, {_ORIGIN: origin}))
            return
        text = PngInfo()
        text.add_text(_ORIGIN, origin)
        Image.fromarray(array).save(draft, "PNG", compress_level=1, pnginfo=text)


def _origin(record: Record, maker: Maker) -> str:
    pixels = hashlib.sha256(record.image.read_bytes()).hexdigest()
    deep = [maker.bits] if maker.bits < 16 else []
    return files.fingerprint([maker.origin, pixels, *deep])


def _origin_of(path: Path) -> str | None:
    """What a file says that it was made from; "" = nothing, None = broken."""
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return str(arrays[_ORIGIN]) if _ORIGIN in arrays else ""
        with Image.open(path, formats=DECODERS) as image:
            return str(image.info.get(_ORIGIN, ""))  # Does not decode the pixels.
    except Exception:  # Pillow and NumPy stumble over broken files in many ways.
        return None
