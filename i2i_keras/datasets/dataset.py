"""What the pipeline needs to know of a data set; the file of each says it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import pydantic

from i2i_keras.data.encodings import Rgb
from i2i_keras.data.labels import CLASSES
from i2i_keras.data.records import Splits

Channel = Annotated[int, pydantic.Field(ge=0, le=255)]
Color = tuple[Channel, Channel, Channel]


class RawClass(NamedTuple):
    """A class as a data set has it.

    Attributes:
        name: the data set's.
        number: in its label files.
        meaning: Cityscapes' name of the very same class; empty = it has none.
        color: RGB in its label files, where there are such.
    """

    name: str
    number: int
    meaning: str = ""
    color: Rgb | None = None


class Coding(NamedTuple):
    """How a data set, or several, name and number classes.

    Attributes:
        name: of the coding; label spaces name its classes by it.
        classes: all of them.
    """

    name: str
    classes: tuple[RawClass, ...]

    @property
    def numbers(self) -> dict[str, int]:
        """Number of each class by its name."""
        return {row.name: row.number for row in self.classes}

    @property
    def colors(self) -> tuple[tuple[Rgb, int], ...]:
        """Number of each class by its color, of those that have one."""
        return tuple((row.color, row.number) for row in self.classes if row.color)


CITYSCAPES = Coding("cityscapes", tuple(RawClass(row.name, row.id, row.name) for row in CLASSES))


class Lone(NamedTuple):
    """A file without its partner that was left out.

    Attributes:
        split: that it would be in.
        name: of its record.
        path: of the file.
        what: there is not: "label" or "image".
    """

    split: str
    name: str
    path: Path
    what: str


class Dataset(NamedTuple):
    """One data set, or one variant of it.

    Attributes:
        title: what sentences call it.
        splits: ways to split it, by name, each from the root folder and an
            encoding to records by `SPLITS`; the first one is the default.
        coding: what the numbers in its label files mean.
        numbers: those that they may hold.
        encodings: what kinds of label files there are: `ids`, `train_ids`,
            `colors`; the first one is the default.
        colors: number of a class by color, where there is such an encoding.
        palette: RGB by number, where label files are palette files.
        known: frames known to be bad, by name: what is wrong, and who says so.
        recognize: from a folder to the encoding of its labels if it holds this
            data set (empty = the default), else None.
        spaces: label spaces of its own, by name: the rows of `[[classes]]`, as
            in the file of a label space.
        joined: in label spaces of other data sets, by their name, the names of
            the classes of `coding` that a class of the space joins.
        ignored: of `numbers` those that mean no class; none = of train ids 255.
        channel: of the label files that holds the number, see `LabelReader`.
        bits: of a channel of the label files, 8 or 16.
        labelled: whether it has labels at all.
        lone: from the root and a way to split to the files that were left out
            because they have no partner, where that is but a note.
        variants: those that there are, by name: other files, classes or both.
        asks: whether one of them has to be named.
        content: what the file says that describes the data set, if it is none
            of ours.
    """

    title: str
    splits: Mapping[str, Callable[[Path, str], Splits]]
    coding: Coding
    numbers: Collection[int]
    encodings: tuple[str, ...] = ("ids",)
    colors: tuple[tuple[Rgb, int], ...] = ()
    palette: tuple[Rgb, ...] = ()
    known: Mapping[str, str] = MappingProxyType({})
    recognize: Callable[[Path], str | None] = lambda root: None
    spaces: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({})
    joined: Mapping[str, Mapping[str, Sequence[str]]] = MappingProxyType({})
    ignored: Collection[int] = ()
    channel: str = "gray"
    bits: int = 8
    labelled: bool = True
    lone: Callable[[Path, str], Sequence[Lone]] = lambda root, way: ()
    variants: Mapping[str, "Dataset"] = MappingProxyType({})
    asks: bool = False
    content: Mapping[str, Any] | None = None
