"""Readers of the label files of any data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
from numpy.typing import NDArray

from i2i_keras import config
from i2i_keras.config import Config
from i2i_keras.data.encodings import TRAIN_IDS, LabelReader
from i2i_keras.data.labels import IGNORE
from i2i_keras.datasets.dataset import CITYSCAPES, Channel, Color, Dataset
from i2i_keras.datasets.spaces import CODINGS, LABEL_SPACES, LabelSpace, labels_of
from i2i_keras.errors import SettingsError, unknown

_OWN = "label_space"  # Of a mapping that names the classes of the space.


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
    labels = _labels_of(dataset, space).copy()
    valid = np.zeros(256, bool)
    if encoding == "train_ids":
        by_number = np.full(256, IGNORE, np.uint8)
        by_number[[*TRAIN_IDS]] = labels[[*TRAIN_IDS.values()]]
        valid[[*TRAIN_IDS, *(dataset.ignored or (IGNORE,))]] = True
        return LabelReader(by_number, valid, (), "train ids", dataset.channel, dataset.bits)
    valid[[*dataset.numbers]] = True
    labels[[*dataset.ignored]] = IGNORE
    if encoding == "colors":
        return LabelReader(labels, valid, dataset.colors)
    numbering = "Cityscapes ids" if dataset.coding == CITYSCAPES else dataset.title
    return LabelReader(labels, valid, (), numbering, dataset.channel, dataset.bits)


class LabelMapping(Config):
    """What the label files of a plain folder hold, from a TOML file.

    Attributes:
        classes: whose class names are used: a key of `spaces.CODINGS`, or
            "label_space" for those of `prepare.label_space`.
        values: by name of a class the numbers that mean it.
        colors: by name of a class the RGB colors that mean it, in place of
            values. The name "ignored" is for what is to be left out.
    """

    classes: str = CITYSCAPES.name
    values: dict[str, tuple[Channel, ...]] = pydantic.Field(default_factory=dict)
    colors: dict[str, tuple[Color, ...]] = pydantic.Field(default_factory=dict)

    @pydantic.field_validator("classes")
    @classmethod
    def _known(cls, name: str) -> str:
        known = (*CODINGS, _OWN)
        if name not in known:
            told = f"it is one of {', '.join(known)}"
            raise ValueError(unknown("there is no", name, known, told))
        return name


def _labels_of(dataset: Dataset, space: LabelSpace) -> NDArray[np.uint8]:
    labels = labels_of(dataset, space)
    if labels is None:
        names = [name for name, one in LABEL_SPACES.items() if labels_of(dataset, one) is not None]
        raise _not_named(dataset.coding.name, space, names)
    return labels


def _not_named(coding: str, space: LabelSpace, names: Sequence[str]) -> SettingsError:
    fitting = f"{' or '.join(names)}, or to " if names else ""
    return SettingsError(
        f"The label space {space.name} does not say what the classes of {coding!r} are; set"
        f" prepare.label_space to {fitting}a TOML file that does."
    )


def _mapped_reader(path: Path, space: LabelSpace) -> LabelReader:
    table = config.read_toml(path)
    try:
        mapping = config.build(LabelMapping, table)
        _check(mapping)
        if mapping.classes == _OWN:
            known = {name: label for label, name in enumerate(space.names)}
            labels = np.arange(256, dtype=np.uint8)
        else:
            known = CODINGS[mapping.classes].numbers
            if mapping.classes not in space.labels:
                names = [n for n, one in LABEL_SPACES.items() if mapping.classes in one.labels]
                raise _not_named(mapping.classes, space, names)
            labels = space.labels[mapping.classes]
        by_number, valid = np.full(256, IGNORE, np.uint8), np.zeros(256, bool)
        if mapping.colors:
            by_color = {c: _number(name, known) for name, cs in mapping.colors.items() for c in cs}
            numbers = [*by_color.values()]
            by_number[numbers], valid[numbers] = labels[numbers], True
            by_number[IGNORE] = IGNORE
            return LabelReader(by_number, valid, tuple(by_color.items()))
        for name, values in mapping.values.items():
            number = _number(name, known)
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


def _number(name: str, known: Mapping[str, int]) -> int:
    if name == "ignored":
        return IGNORE
    if name not in known:
        told = f"there are {', '.join(known)} and ignored"
        raise SettingsError(f"{unknown('no class', name, (*known, 'ignored'), told)}.")
    return known[name]
