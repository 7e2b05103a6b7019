"""How label files hold classes, and what gives a wrong kind of file away."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pydantic
from numpy.typing import NDArray
from PIL import Image

from i2i_keras import config
from i2i_keras.config import Config
from i2i_keras.data.labels import CLASSES, CODINGS, IGNORE
from i2i_keras.data.records import Dataset, open_image
from i2i_keras.data.spaces import LABEL_SPACES, Channel, Color, LabelSpace
from i2i_keras.errors import FileError, SettingsError, unknown

Rgb = tuple[int, int, int]
NO_CLASS = 254  # Number of a color that is none of the data set's.

TRAIN_IDS = {row.train_id: row.id for row in CLASSES if row.train_id != IGNORE}
# What TensorFlow and OpenCV make of the colors of a palette file that they are
# told to read as gray: libpng rounds down, Pillow's `convert` to the nearest.
LUMA, _PILLOWS_LUMA = (
    frozenset(
        (19595 * r + 38470 * g + 7471 * b + carry) >> 16
        for r, g, b in (row.gta5_color for row in CLASSES)
    )
    for carry in (0, 1 << 15)
)


class LabelReader(NamedTuple):
    """From a label file to labels.

    Attributes:
        labels: `(256,)` uint8, from the number of a class to its label; 255 =
            ignored.
        valid: `(256,)` bool, the numbers that a file may hold.
        colors: number of a class by color, where files hold colors.
    """

    labels: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    colors: tuple[tuple[Rgb, int], ...] = ()

    @property
    def takes_ids(self) -> bool:
        """Whether files hold the ids of Cityscapes and GTA5."""
        return not self.colors and bool(self.valid[:34].all())

    def facts(self) -> list[Any]:
        """What it does, as JSON can hold it."""
        return [self.labels.tolist(), self.valid.tolist(), self.colors]

    def numbers(self, path: Path) -> NDArray[np.uint8]:
        """Reads the numbers of the classes, `(height, width)` uint8.

        A color that is no class gives `NO_CLASS`.

        Raises:
            FileError: it cannot be read, or holds what it should not.
        """
        with open_image(path) as image:
            if image.format == "JPEG":
                raise FileError(path, "is a JPEG, which blurs labels", "give a PNG")
            return _by_color(path, image, self.colors) if self.colors else _by_number(path, image)


class LabelMapping(Config):
    """What the label files of a plain folder hold, from a TOML file.

    Attributes:
        classes: whose class names are used: a key of `labels.CODINGS`, or
            "label_space" for those of `prepare.label_space`.
        values: by name of a class the numbers that mean it.
        colors: by name of a class the RGB colors that mean it, in place of
            values. The name "ignored" is for what is to be left out.
    """

    classes: Literal["cityscapes", "camvid", "idd", "label_space"] = "cityscapes"
    values: dict[str, tuple[Channel, ...]] = pydantic.Field(default_factory=dict)
    colors: dict[str, tuple[Color, ...]] = pydantic.Field(default_factory=dict)


def numbers_by_color(colors: Iterable[Rgb]) -> tuple[tuple[Rgb, int], ...]:
    """From color to id, where `colors` are those of `CLASSES`, in order.

    Classes that share a color become one: the evaluated one among them, else
    the one of the lowest id. In Cityscapes static and the four ids below it
    become unlabeled, polegroup pole, license plate car; GTA5 gives static a
    color of its own.
    """
    by_color: dict[Rgb, int] = {}
    for row, color in zip(CLASSES, colors, strict=True):
        if color not in by_color or (
            row.train_id != IGNORE and CLASSES[by_color[color]].train_id == IGNORE
        ):
            by_color[color] = row.id
    return tuple(by_color.items())


def build_reader(
    dataset: Dataset, encoding: str, space: LabelSpace, mapping: str = ""
) -> LabelReader:
    """The reader of a data set's label files.

    Args:
        dataset: whose files they are.
        encoding: one of its encodings.
        space: what the labels shall be.
        mapping: a TOML file for a plain folder; empty = none.

    Raises:
        SettingsError: the space does not name the data set's classes, or the
            mapping is not right.
    """
    if mapping:
        return _mapped_reader(Path(mapping), space)
    labels = _labels_of(dataset.coding, space)
    valid = np.zeros(256, bool)
    if encoding == "train_ids":
        by_number = np.full(256, IGNORE, np.uint8)
        by_number[[*TRAIN_IDS]] = labels[[*TRAIN_IDS.values()]]
        valid[[*TRAIN_IDS, IGNORE]] = True
        return LabelReader(by_number, valid)
    valid[[*dataset.numbers]] = True
    return LabelReader(labels, valid, dataset.colors if encoding == "colors" else ())


def what_it_holds(path: Path) -> str:
    """What kind of pixels a label file that can be read holds."""
    with Image.open(path) as image:
        return {"L": "numbers", "P": "palette indices"}.get(image.mode, "colors")


def what_else(numbers: NDArray[np.uint8]) -> str:
    """What kind of file it seems to be whose numbers are no class ids.

    Args:
        numbers: those that occur.

    Returns:
        "luma", "train_ids", or "" for neither.
    """
    found = {*numbers.tolist()}
    if max(found, default=0) >= len(CLASSES) and (found <= LUMA or found <= _PILLOWS_LUMA):
        return "luma"
    if IGNORE in found and found <= {*TRAIN_IDS, IGNORE}:
        return "train_ids"
    return ""


def _labels_of(coding: str, space: LabelSpace) -> NDArray[np.uint8]:
    if coding not in space.labels:
        fitting = [name for name, other in LABEL_SPACES.items() if coding in other.labels]
        raise SettingsError(
            f"The label space {space.name} does not say what the classes of {coding!r} are; set"
            f" prepare.label_space to {' or '.join(fitting)}, or to a TOML file that does."
        )
    return space.labels[coding]


def _mapped_reader(path: Path, space: LabelSpace) -> LabelReader:
    table = config.read_toml(path)
    try:
        mapping = config.build(LabelMapping, table)
        _check(mapping)
        own = mapping.classes == "label_space"
        names = space.names if own else CODINGS[mapping.classes]
        labels = np.arange(256, dtype=np.uint8) if own else _labels_of(mapping.classes, space)
        by_number, valid = np.full(256, IGNORE, np.uint8), np.zeros(256, bool)
        if mapping.colors:
            by_color = {c: _number(name, names) for name, cs in mapping.colors.items() for c in cs}
            numbers = [*by_color.values()]
            by_number[numbers], valid[numbers] = labels[numbers], True
            by_number[IGNORE] = IGNORE
            return LabelReader(by_number, valid, tuple(by_color.items()))
        for name, values in mapping.values.items():
            number = _number(name, names)
            by_number[[*values]] = IGNORE if number == IGNORE else labels[number]
            valid[[*values]] = True
        return LabelReader(by_number, valid)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def _check(mapping: LabelMapping) -> None:
    if bool(mapping.values) == bool(mapping.colors):
        raise SettingsError("give a table [values] or a table [colors], and not both.")
    meant: dict[Any, str] = {}
    for table in (mapping.values, mapping.colors):
        for name, codes in table.items():
            for code in codes:
                if meant.setdefault(code, name) != name:
                    raise SettingsError(
                        f"{code} means both {meant[code]!r} and {name!r}; leave it in one."
                    )


def _number(name: str, names: tuple[str, ...]) -> int:
    if name == "ignored":
        return IGNORE
    if name not in names:
        told = f"there are {', '.join(names)} and ignored"
        raise SettingsError(f"{unknown('no class', name, (*names, 'ignored'), told)}.")
    return names.index(name)


def _by_number(path: Path, image: Image.Image) -> NDArray[np.uint8]:
    """The numbers themselves; of a palette file the indices, never the colors.

    TensorFlow and OpenCV would give the gray values of a palette.
    """
    if image.mode not in ("L", "P"):
        raise FileError(
            path,
            f"holds {image.mode} pixels, not class numbers",
            "give the file with one 8-bit class id a pixel, or set encoding = 'colors'",
        )
    return np.asarray(image)


def _by_color(
    path: Path, image: Image.Image, colors: tuple[tuple[Rgb, int], ...]
) -> NDArray[np.uint8]:
    if image.mode not in ("RGB", "RGBA", "P"):
        raise FileError(path, f"holds {image.mode} pixels, not colors", "set another encoding")
    # By way of RGBA, for which a palette may be transparent.
    pixels = np.asarray(image.convert("RGBA")).astype(np.uint32)
    return _color_table(colors)[(pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]]


@functools.lru_cache(maxsize=2)  # 16 MiB each.
def _color_table(colors: tuple[tuple[Rgb, int], ...]) -> NDArray[np.uint8]:
    table = np.full(1 << 24, NO_CLASS, np.uint8)
    for (red, green, blue), number in colors:
        table[(red << 16) | (green << 8) | blue] = number
    return table
