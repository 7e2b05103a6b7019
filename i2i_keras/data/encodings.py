"""How label files hold classes: by numbers or by colors."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i_keras.data.image_files import DECODERS
from i2i_keras.data.labels import CLASSES, IGNORE
from i2i_keras.data.lossless import lossy_kind
from i2i_keras.data.records import open_image
from i2i_keras.data.sixteen_bits import gray_step, is_deep_color, read_deep_color
from i2i_keras.errors import FileError

Rgb = tuple[int, int, int]
NO_CLASS = 254  # Number of a color that is none of the data set's.
# Pixels of a label: a color takes ten bytes a pixel and more to look up.
LARGEST = 2**25
_CHANNELS = ("red", "green", "blue")

TRAIN_IDS = {row.train_id: row.id for row in CLASSES if row.train_id != IGNORE}


class LabelReader(NamedTuple):
    """From a label file to labels.

    Attributes:
        labels: `(256,)` uint8, from the number of a class to its label; 255 =
            ignored.
        valid: `(256,)` bool, the numbers that a file may hold.
        colors: number of a class by color, where files hold colors.
        numbering: what the numbers are taken for, a key of
            `numberings.NUMBERINGS`; empty = their owner has said what each is.
        channel: that holds the number: `red`, `green` or `blue`; `gray` = the
            value itself, or the index of a palette.
        bits: of a channel, 8 or 16.
    """

    labels: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    colors: tuple[tuple[Rgb, int], ...] = ()
    numbering: str = ""
    channel: str = "gray"
    bits: int = 8

    def facts(self) -> list[Any]:
        """What it does, as JSON can hold it."""
        # What was prepared before there were channels stays valid.
        plain = (self.channel, self.bits) == ("gray", 8)
        where = [] if plain else [self.channel, self.bits]
        return [self.labels.tolist(), self.valid.tolist(), self.colors, *where]

    def numbers(self, path: Path) -> NDArray[np.uint8]:
        """Reads the numbers of the classes, `(height, width)` uint8.

        A color that is no class gives `NO_CLASS`.

        Raises:
            FileError: it cannot be read, or holds what it should not.
        """
        with open_image(path, LARGEST) as image:
            if kind := lossy_kind(path, image):
                raise FileError(path, f"is {kind}, which blurs labels", "give a PNG")
            if self.colors:
                return _by_color(path, image, self.colors)
            if (self.channel, self.bits) == ("gray", 8):
                return _by_number(path, image)
            return _by_channel(path, image, self.channel, self.bits)


def numbers_by_color(colors: Iterable[Rgb]) -> tuple[tuple[Rgb, int], ...]:
    """From color to id, where `colors` are those of `CLASSES`, in order.

    Classes that share a color become one: the evaluated one among them, else
    the one of the lowest id. In Cityscapes static and the four ids below it
    become unlabeled, polegroup pole, license plate car.
    """
    by_color: dict[Rgb, int] = {}
    for row, color in zip(CLASSES, colors, strict=True):
        if color not in by_color or (
            row.train_id != IGNORE and CLASSES[by_color[color]].train_id == IGNORE
        ):
            by_color[color] = row.id
    return tuple(by_color.items())


def what_it_holds(path: Path) -> str:
    """What kind of pixels a label file that can be read holds."""
    with Image.open(path, formats=DECODERS) as image:
        kinds = {"P": "palette indices", "RGB": "colors", "RGBA": "colors"}
        return kinds.get(image.mode, "numbers")


def _by_number(path: Path, image: Image.Image) -> NDArray[np.uint8]:
    """The numbers themselves; of a palette file the indices, never the colors.

    TensorFlow and OpenCV would give the gray values of a palette.
    """
    if image.mode == "1":
        return np.asarray(image).astype(np.uint8)
    if image.mode.startswith("I"):
        return _small(np.asarray(image), path)
    if image.mode == "LA":
        image = image.getchannel("L")
    if image.mode not in ("L", "P"):
        what, todo = _instead(path, image)
        raise FileError(path, what, todo)
    numbers: NDArray[np.uint8] = np.asarray(image) // np.uint8(gray_step(path))
    return numbers


def _small(numbers: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Numbers of 16 bits that fit into 8."""
    if numbers.max() > IGNORE:
        raise FileError(
            path,
            f"holds numbers up to {numbers.max()}, and those of classes are 0 to {IGNORE}; are they"
            " instances?",
            "give the file of classes",
        )
    return numbers.astype(np.uint8)


def _instead(path: Path, image: Image.Image) -> tuple[str, str]:
    """What a label file in color may be, and what to do."""
    if is_deep_color(path):
        return (
            "holds 16 bits a channel, of which one may be the class, as in SYNTHIA",
            "set format = 'synthia', or describe the data set (docs/datasets.md) with channel and"
            " bits",
        )
    red, green, blue = image.convert("RGB").split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        return (
            f"holds the same numbers three times ({image.mode})",
            "save one channel of it as an 8-bit gray PNG",
        )
    return (
        f"holds {image.mode} pixels, not class numbers",
        "if its colors are those of Cityscapes, set encoding = 'colors'; if they are others, or if"
        " red is the class, say so in a file (docs/datasets.md), or in a mapping",
    )


def unknown_colors(path: Path, reader: LabelReader) -> list[tuple[Rgb, int]]:
    """Colors of a label file that mean no class, and their pixels.

    Returns:
        The most frequent first.
    """
    known = {color for color, number in reader.colors if reader.valid[number]}
    with open_image(path, LARGEST) as image:
        codes, counts = np.unique(_packed(image), return_counts=True)
    found = [
        ((code >> 16, code >> 8 & 255, code & 255), count)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
    ]
    return sorted((one for one in found if one[0] not in known), key=lambda one: -one[1])


def _by_channel(path: Path, image: Image.Image, channel: str, bits: int) -> NDArray[np.uint8]:
    """The numbers in one channel of 8 or 16 bits."""
    deep = is_deep_color(path)
    if (deep or image.mode.startswith("I")) != (bits == 16):
        raise FileError(
            path,
            f"does not hold {bits} bits a channel, as labels of this data set do",
            "give the original file, which no program has written anew",
        )
    pixels = read_deep_color(path) if deep else np.asarray(image)
    if channel == "gray" and image.mode == "LA":
        pixels = pixels[..., 0]
    if channel != "gray":
        if pixels.ndim < 3 or pixels.shape[2] < 3:
            raise FileError(
                path, f"has no {channel} channel, which holds the class", "give a file in color"
            )
        pixels = pixels[..., _CHANNELS.index(channel)]
    elif pixels.ndim > 2:
        raise FileError(path, "holds colors, not class numbers", "give a file in gray")
    if pixels.max() > IGNORE:
        raise FileError(
            path,
            f"holds {pixels.max()} in its {channel} channel, where classes are 0 to {IGNORE}",
            "check which channel has the classes",
        )
    return pixels.astype(np.uint8)


def _by_color(
    path: Path, image: Image.Image, colors: tuple[tuple[Rgb, int], ...]
) -> NDArray[np.uint8]:
    if is_deep_color(path):
        raise FileError(path, "holds 16 bits a channel, not colors", "save it with 8 bits")
    if image.mode not in ("RGB", "RGBA", "P"):
        todo = "set encoding = 'ids' or 'train_ids' if it holds numbers"
        raise FileError(path, f"holds {image.mode} pixels, not colors", todo)
    return _color_table(colors)[_packed(image)]


def _packed(image: Image.Image) -> NDArray[np.uint32]:
    """One number a color."""
    # By way of RGBA, for which a palette may be transparent.
    red, green, blue, _ = np.moveaxis(np.asarray(image.convert("RGBA")).astype(np.uint32), -1, 0)
    packed: NDArray[np.uint32] = (red << np.uint32(16)) | (green << np.uint32(8)) | blue
    return packed


@functools.lru_cache(maxsize=2)  # 16 MiB each.
def _color_table(colors: tuple[tuple[Rgb, int], ...]) -> NDArray[np.uint8]:
    table = np.full(1 << 24, NO_CLASS, np.uint8)
    for (red, green, blue), number in colors:
        table[(red << 16) | (green << 8) | blue] = number
    return table
