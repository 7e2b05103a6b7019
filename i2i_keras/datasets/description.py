"""What a TOML file that describes a data set says.

docs/datasets.md explains it with an example.
"""

from typing import Literal

import pydantic

from i2i_keras.config import Config
from i2i_keras.datasets.dataset import Channel, Color


class ClassRow(Config):
    """A class of a data set.

    Attributes:
        name: the data set's.
        number: in its label files.
        color: RGB in its label files, where those may hold colors.
        cityscapes: Cityscapes' name of the very same class; empty = none is.
    """

    name: str
    number: Channel | None = None
    color: Color | None = None
    cityscapes: str = ""


class Folders(Config):
    """A way to split by folders.

    Attributes:
        train: what `{split}` stands for in the training set; unset = it has no
            such images.
        val: the same, in the validation set.
        test: the same, in the test set.
    """

    train: str | None = None
    val: str | None = None
    test: str | None = None


class Lists(Config):
    """A way to split by names of records.

    An item that ends with `.txt` is a file of names, one a line, that lies
    beside the description or below.

    Attributes:
        train: names in the training set.
        val: names in the validation set.
        test: names in the test set.
    """

    train: tuple[str, ...] = ()
    val: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


class SpaceRow(Config):
    """A class of a data set's own label space.

    Attributes:
        name: what tables call it.
        color: RGB, for pictures only.
        own: names of the data set's classes that it joins.
        cityscapes: names of Cityscapes' classes that it joins.
    """

    name: str
    color: Color
    own: tuple[str, ...] = ()
    cityscapes: tuple[str, ...] = ()


class OwnSpace(Config):
    """A label space that a data set brings along.

    Attributes:
        name: by which settings ask for it.
        classes: with all that they join.
    """

    name: str
    classes: tuple[SpaceRow, ...]


class Instead(Config):
    """What lies there where labels have first to be made.

    Attributes:
        files: glob of them, below the root.
        todo: what makes labels of them.
    """

    files: str
    todo: str


class Description(Config):
    """What a file says of a data set, or of one of its variants.

    Attributes:
        title: what sentences call it.
        images: pattern of its images, see `patterns`.
        labels: pattern of its labels; empty = it has none.
        skip: globs of names of files that match but are something else.
        numbering: where labels hold Cityscapes' numbers, `ids` or `train_ids`;
            else `classes` are given.
        classes: with their numbers, their colors, or both.
        ignored: numbers that may occur and mean no class; of train ids 255, if
            none are given.
        channel: of the label files that holds the number; `gray` = the value
            itself, or the index of a palette.
        bits: of a channel of the label files.
        splits: ways to split by folders, by name; the first of all ways is the
            default. `hold_out` is divided by blocks, as `hold_out` of the
            settings says.
        lists: ways to split by names.
        unlabelled: folders of splits that have no labels to be used.
        digits: names that are numbers get zeros up to so many digits, so that
            they stand in order.
        lone: whether an image or a label without the other is `bad`, or is left
            out with a `note`.
        known: frames known to be bad, by name: what is wrong, and who says so.
        recognized_by: globs; `init` recognizes a folder where each has a match.
        instead: what lies there where labels have first to be made.
        label_space: one of its own.
        joined: in other label spaces, by name, which of the classes a class of
            the space joins.
    """

    title: str
    images: str
    labels: str = ""
    skip: tuple[str, ...] = ()
    numbering: Literal["", "ids", "train_ids"] = ""
    classes: tuple[ClassRow, ...] = ()
    ignored: tuple[Channel, ...] = ()
    channel: Literal["gray", "red", "green", "blue"] = "gray"
    bits: Literal[8, 16] = 8
    splits: dict[str, Folders] = pydantic.Field(default_factory=dict)
    lists: dict[str, Lists] = pydantic.Field(default_factory=dict)
    unlabelled: tuple[str, ...] = ()
    digits: pydantic.NonNegativeInt = 0
    lone: Literal["bad", "note"] = "bad"
    known: dict[str, str] = pydantic.Field(default_factory=dict)
    recognized_by: tuple[str, ...] = ()
    instead: Instead | None = None
    label_space: OwnSpace | None = None
    joined: dict[str, dict[str, tuple[str, ...]]] = pydantic.Field(default_factory=dict)


def folder_ways(found: Description) -> dict[str, dict[str, str]]:
    """Ways to split by folders: by name and split what `{split}` stands for."""
    if found.splits:
        return {way: f.model_dump(exclude_none=True) for way, f in found.splits.items()}
    if "{split}" in found.images:
        return {"official": {split: split for split in ("train", "val", "test")}}
    return {} if found.lists else {"hold_out": {"train": ""}, "all": {"train": ""}}
