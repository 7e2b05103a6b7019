"""What is wrong with the files of one raw record."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i_keras.data.encodings import LabelReader, unknown_colors
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record, image_size, orientation, read_image
from i2i_keras.errors import FileError, how_many
from i2i_keras.preparation.numberings import IDS, places
from i2i_keras.preparation.wrong_labels import palette_read_as_gray, seem_train_ids

_ASPECT = 1.02  # Image and label may differ by this factor, as some frames' do.
_LARGE, _FEW_GRAYS = 1024, 16  # Pixels, gray values.
_CHECK = "check its format and encoding, or name its classes in a mapping"
_Found = tuple[str, str, str, bool]  # The last fields of a finding.


class Finding(NamedTuple):
    """Something about a file that its owner should know.

    Attributes:
        table: DOMAIN-SPLIT, or the split alone.
        name: of the record; empty = the whole table.
        file: which file; empty = the whole table.
        kind: in two or three words, the same for all of its kind.
        what: is the matter with this one.
        todo: what to do.
        bad: whether training or scores would suffer; else it is but a note.
    """

    table: str
    name: str
    file: str
    kind: str
    what: str
    todo: str
    bad: bool = True


class Reading(NamedTuple):
    """How the images of a domain are read.

    Attributes:
        exif: whether they are turned as their EXIF data say: `apply`, `ignore`,
            or empty = they are, and where that is doubtful it is bad.
        bits: that are in use of 16-bit files.
    """

    exif: str = ""
    bits: int = 16

    @property
    def turn(self) -> bool:
        """Whether images are turned as their EXIF data say."""
        return self.exif != "ignore"


class Examined(NamedTuple):
    """What one record is like.

    Attributes:
        findings: of its files.
        image: RGB, or None if it cannot be read.
        label: `(height, width)` uint8, 255 = ignored; None if there is none,
            or none that can be read.
        digest: hash of the image's pixels; empty without an image.
        numbers: of the label file, see `numberings.places`.
    """

    findings: list[Finding]
    image: Image.Image | None
    label: NDArray[np.uint8] | None
    digest: str
    numbers: list[tuple[int, int, float]]


def examine(
    table: str,
    record: Record,
    reader: LabelReader | None,
    root: Path,
    reading: Reading = Reading(),  # noqa: B008 (It cannot be changed.)
) -> Examined:
    """Reads both files of a record and looks for what is wrong with each.

    Args:
        table: that the record belongs to.
        record: raw.
        reader: of its label; None = its label is not looked at.
        root: of the raw files, for their names.
        reading: how its image is read.
    """
    image, digest, of_image = _examine_image(record.image, reading)
    of_image += _of_name(record.name)
    label, of_label, numbers = None, list[_Found](), list[tuple[int, int, float]]()
    if record.label and reader:
        size = image.size if image else None
        label, of_label, numbers = _examine_label(record.label, reader, size)
        if image and label is not None:
            turned = [*_of_turning(record.image, record.label, label.shape, reading)]
            of_image += turned
            if turned:  # It says why they differ.
                of_label = [found for found in of_label if found[0] != "other shape"]
    findings = [
        Finding(table, record.name, name_of(file, root), *found)
        for file, some in ((record.image, of_image), (record.label, of_label))
        if file
        for found in some
    ]
    return Examined(findings, image, label, digest, numbers)


def name_of(path: Path, root: Path) -> str:
    """How a file is named in findings: by its place below the root."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")


def _of_name(name: str) -> Iterator[_Found]:
    """Tables of records are UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        yield "name not UTF-8", "has a name that is not UTF-8", "rename it", True


def _examine_image(path: Path, reading: Reading) -> tuple[Image.Image | None, str, list[_Found]]:
    try:
        image = read_image(path, turn=reading.turn, bits=reading.bits)
    except FileError as error:
        return None, "", [("unreadable image", error.what, error.todo, True)]
    shape = f"{image.height}x{image.width}x3".encode()
    digest = hashlib.blake2b(image.tobytes(), digest_size=16, key=shape).hexdigest()
    return image, digest, [*_of_colors(image)]


def _of_colors(image: Image.Image) -> Iterator[_Found]:
    if image.getcolors(1):  # Looks no further than to a second color.
        yield "solid image", "is of one color", "replace it", True
    elif image.width * image.height >= _LARGE and (
        grays := image.convert("L").getcolors(_FEW_GRAYS - 1)
    ):
        what = f"has no more than {len(grays)} gray values"
        yield "few gray values", what, "look at it; set bits if they are counts of a camera", False


def _of_turning(
    image: Path, label: Path, shape: Sequence[int], reading: Reading
) -> Iterator[_Found]:
    """Whether EXIF data turn an image but not its label."""
    if orientation(label) != 1:
        yield "turned label", "has a label with an EXIF orientation", "save the label anew", True
    if orientation(image) == 1 or reading.exif == "apply":
        return
    seen, stored = (image_size(image, turn=turn) for turn in (True, False))
    fits_seen, fits_stored = (_shape_fits(size, shape) for size in (seen, stored))
    if reading.exif == "ignore":
        if fits_seen and not fits_stored:
            what = "is turned by its EXIF data as its label is"
            yield "turned image", what, "set exif = 'apply'", True
    elif fits_stored and not fits_seen:
        what = "is turned by its EXIF data, and its label fits the pixels as they are stored"
        yield "turned image", what, "set exif = 'ignore'", True
    elif fits_stored and fits_seen:
        what = "is turned or mirrored by its EXIF data, and its label has none"
        todo = "set exif = 'apply' if the label fits what is seen, 'ignore' if it fits the stored"
        yield "turned image", what, f"{todo} pixels", True


def _shape_fits(size: Sequence[int], label: Sequence[int]) -> bool:
    stretched = (size[1] * label[0]) / (size[0] * label[1])
    return 1 / _ASPECT <= stretched <= _ASPECT


def _examine_label(
    path: Path, reader: LabelReader, size: tuple[int, int] | None
) -> tuple[NDArray[np.uint8] | None, list[_Found], list[tuple[int, int, float]]]:
    try:
        numbers = reader.numbers(path)
    except FileError as error:
        kind = "unreadable label" if os.path.lexists(path) else "no label"
        return None, [(kind, error.what, error.todo, True)], []
    # Pillow counts and maps bytes in a third of the time that numpy takes.
    picture = Image.fromarray(numbers)
    found = [*_of_numbers(path, np.array(picture.histogram()), reader)]
    if size:
        found += _of_size(size, picture.size)
    return np.asarray(picture.point(reader.labels.tolist())), found, places(numbers)


def _of_numbers(path: Path, counts: NDArray[np.int64], reader: LabelReader) -> Iterator[_Found]:
    """What the numbers of one label file, counted, give away."""
    occurring = np.flatnonzero(counts).astype(np.uint8)
    outside = [int(number) for number in occurring if not reader.valid[number]]
    # Where 255 is valid: with it ids hardly need two of 0 to 6, which are void.
    surely = outside or (occurring < 7).sum() > 1
    takes_ids = reader.numbering == IDS
    if outside and takes_ids and (title := palette_read_as_gray(occurring)):
        yield (
            "palette read as gray",
            f"holds the gray values of {title}'s colors: a palette file was saved by a program"
            " that reads it as gray",
            "take the original file",
            True,
        )
    elif surely and takes_ids and seem_train_ids(occurring):
        what = "holds train ids (0 to 18 and 255), not class ids"
        yield "train ids", what, "set encoding = 'train_ids'", True
    elif outside:
        pixels = int(counts[outside].sum())
        what = f"holds {_listed(outside)} in {how_many(pixels, 'pixel')}"
        if reader.colors:
            colors = [
                f"{color} in {how_many(n, 'pixel')}" for color, n in unknown_colors(path, reader)
            ]
            what = f"holds the color {_listed(colors, 'colors')}"
        yield "unknown class", f"{what}, which is no class of this data set", _CHECK, True
    elif (reader.labels[occurring] == IGNORE).all():
        what = "has no pixel of any class: all are ignored"
        yield "void label", what, "leave it out, or choose another label space", True


def _of_size(image: tuple[int, int], label: tuple[int, ...]) -> Iterator[_Found]:
    """What the sizes (width, height) of an image and its label give away."""
    if image == label:
        return
    what = f"is {label[0]} x {label[1]}, but its image {image[0]} x {image[1]}"
    if _shape_fits(image[::-1], label[::-1]):
        yield "other size", what, "nothing: both are resized to one size", False
    else:
        yield "other shape", what, "give the label that belongs to the image", True


def _listed(some: Sequence[object], kind: str = "numbers") -> str:
    shown = ", ".join(map(str, some[:6]))
    return f"{shown} and {len(some) - 6} more {kind}" if len(some) > 6 else shown
