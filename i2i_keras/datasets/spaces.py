"""Label spaces: the classes that a segmenter tells apart.

Each class of a space joins classes of one or more codings. What a space does
not name is ignored.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pydantic
from numpy.typing import NDArray

from i2i_keras import config, datasets
from i2i_keras.config import Config
from i2i_keras.data.labels import CLASSES, IGNORE
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.dataset import CITYSCAPES, Coding, Color, Dataset
from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.run_folder import files

_FIRST = "cityscapes19"  # In `cityscapes34` no label is void.
# Those whose classes a space may name. The others say themselves which
# classes of Cityscapes theirs are.
CODINGS = {
    dataset.coding.name: dataset.coding
    for dataset in DATASETS.values()
    if dataset.coding == CITYSCAPES or dataset.spaces or dataset.joined
}


class _SpaceClass(Config):
    """A class of a label space, and what it joins.

    For each further coding it has an attribute of that name, as `cityscapes`.

    Attributes:
        name: what tables call it.
        color: RGB, for pictures only.
        cityscapes: names of the classes of Cityscapes that it joins.
    """

    name: str
    color: Color
    cityscapes: tuple[str, ...] = ()


if TYPE_CHECKING:  # Which data sets there are is not known to types.
    SpaceClass = _SpaceClass
else:
    _names = dict.fromkeys(CODINGS, (tuple[str, ...], ()))
    SpaceClass = pydantic.create_model("SpaceClass", __base__=_SpaceClass, **_names)


class LabelSpace(NamedTuple):
    """The classes that a segmenter tells apart.

    Attributes:
        name: of the space.
        names: one name a class; the index is the label.
        colors: `(classes, 3)` uint8 RGB, for pictures only.
        labels: by coding `(256,)` uint8, from the number of a class to the
            label; 255 = ignored. Only codings that the space names, or whose
            classes mean classes of Cityscapes that it names.
        classes: the rows that it was built from.
    """

    name: str
    names: tuple[str, ...]
    colors: NDArray[np.uint8]
    labels: Mapping[str, NDArray[np.uint8]]
    classes: tuple[SpaceClass, ...]


def build_space(name: str, classes: Sequence[SpaceClass]) -> LabelSpace:
    """Builds a label space from its classes, in the order of their labels.

    Raises:
        SettingsError: a name is no class of its coding or stands twice.
    """
    names = tuple(row.name for row in classes)
    if len(set(names)) < len(names) or not 2 <= len(names) < IGNORE:
        raise SettingsError("A label space has from 2 to 254 classes of different names.")
    by_id = _labels(CITYSCAPES, classes)
    tables = {
        coding.name: (
            _labels(coding, classes) if _is_named(coding, classes) else _by_meaning(coding, by_id)
        )
        for coding in CODINGS.values()
    }
    labels = {coding: table for coding, table in tables.items() if (table != IGNORE).any()}
    colors = np.array([row.color for row in classes], np.uint8)
    return LabelSpace(name, names, colors, labels, tuple(classes))


def _is_named(coding: Coding, classes: Sequence[SpaceClass]) -> bool:
    return any(getattr(row, coding.name) for row in classes)


def _labels(coding: Coding, classes: Sequence[SpaceClass]) -> NDArray[np.uint8]:
    """From the number of a class to its label, as the space names it."""
    table, known = np.full(256, IGNORE, np.uint8), coding.numbers
    for index, row in enumerate(classes):
        for joined in getattr(row, coding.name):
            if joined not in known:
                what = f"{row.name!r} joins a class that {coding.name} does not have:"
                raise SettingsError(f"{unknown(what, joined, known)}.")
            if table[known[joined]] != IGNORE:
                raise SettingsError(
                    f"{coding.name}'s {joined!r} is joined by two classes; leave it in one."
                )
            table[known[joined]] = index
    return table


def _by_meaning(coding: Coding, by_id: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same by the classes of Cityscapes that those of a coding are."""
    table = np.full(256, IGNORE, np.uint8)
    for row in coding.classes:
        if row.meaning:
            table[row.number] = by_id[CITYSCAPES.numbers[row.meaning]]
    return table


def labels_of(dataset: Dataset, space: LabelSpace) -> NDArray[np.uint8] | None:
    """From the number of a data set's class to its label in a space.

    Returns:
        `(256,)` uint8, 255 = ignored; None if no class of it is in the space.

    Raises:
        SettingsError: the data set joins classes that the space does not have.
    """
    coding = dataset.coding
    if CODINGS.get(coding.name) == coding:
        return space.labels.get(coding.name)
    if space.name in dataset.joined:
        table = _joined(dataset, space)
    else:
        none = np.full(256, IGNORE, np.uint8)
        table = _by_meaning(coding, space.labels.get(CITYSCAPES.name, none))
    return table if (table != IGNORE).any() else None


def _joined(dataset: Dataset, space: LabelSpace) -> NDArray[np.uint8]:
    """The same, as the description of a data set says it."""
    table, numbers = np.full(256, IGNORE, np.uint8), dataset.coding.numbers
    for name, own in dataset.joined[space.name].items():
        if name not in space.names:
            what = f"{dataset.title} joins classes to one that {space.name} does not have:"
            raise SettingsError(f"{unknown(what, name, space.names)}.")
        table[[numbers[one] for one in own]] = space.names.index(name)
    return table


def _rows(name: str, owner: Dataset) -> list[SpaceClass]:
    """The classes of a data set's own space, with what others join to them."""
    return [
        SpaceClass(
            **row,
            **{
                other.coding.name: other.joined[name].get(row["name"], ())
                for other in DATASETS.values()
                if name in other.joined
            },
        )
        for row in owner.spaces[name]
    ]


LABEL_SPACES = {
    name: build_space(name, _rows(name, dataset))
    for dataset in DATASETS.values()
    for name in dataset.spaces
}

# Classes over which the mean IoU is taken as well, where a label space has them
# all: those of SYNTHIA's two protocols (Tsai et al., 2018, section 5).
_EVALUATED = LABEL_SPACES["cityscapes19"].names
_SYNTHIA_LACKS = ("terrain", "truck", "train")
SUBSETS = {
    "cityscapes19": _EVALUATED,
    "cityscapes16": tuple(name for name in _EVALUATED if name not in _SYNTHIA_LACKS),
    "cityscapes13": tuple(
        name for name in _EVALUATED if name not in (*_SYNTHIA_LACKS, "wall", "fence", "pole")
    ),
}


_ROWS = {row.name: row for row in CLASSES}


def evaluated_in(space: LabelSpace) -> NDArray[np.bool_]:
    """Which classes of a space count in an evaluation by Cityscapes' rules.

    Returns:
        `(classes,)`; False for those that join classes of Cityscapes of which
        it evaluates none.
    """
    return np.array(
        [
            not row.cityscapes or any(_ROWS[name].train_id != IGNORE for name in row.cityscapes)
            for row in space.classes
        ]
    )


def categories_of(space: LabelSpace) -> list[str | None]:
    """Cityscapes' category of each class of a space.

    It is the one that all classes share which it joins; None if they do not,
    if there are none, or if they are void.
    """
    found: list[str | None] = []
    for row in space.classes:
        joined = {_ROWS[name].category for name in row.cityscapes}
        found.append(joined.pop() if len(joined) == 1 and joined != {"void"} else None)
    return found


def common_space(datasets: Collection[Dataset]) -> str:
    """The first label space that knows the classes of all of some data sets.

    Returns:
        Its name, `cityscapes19` before all others; that one also if none does.
    """
    for name in (_FIRST, *LABEL_SPACES):
        if all(labels_of(dataset, LABEL_SPACES[name]) is not None for dataset in datasets):
            return name
    return _FIRST


def space_of(dataset: Dataset) -> LabelSpace:
    """The label space in which a data set is looked at: a common or its own."""
    common = LABEL_SPACES[common_space([dataset])]
    if labels_of(dataset, common) is not None or not dataset.spaces:
        return common
    [(name, rows)] = dataset.spaces.items()
    return build_space(name, [SpaceClass(**row) for row in rows])


class _SpaceFile(Config):
    classes: tuple[SpaceClass, ...]


class _SavedSpace(_SpaceFile):
    name: str


def find_space(name: str) -> LabelSpace:
    """The label space of that name, or of a TOML file of one's own.

    The file has a table `[[classes]]` for each class, with the attributes of
    `SpaceClass`; or it describes a data set that brings a label space along.

    Raises:
        SettingsError: there is no such space, or the file does not hold one.
    """
    if name in LABEL_SPACES:
        return LABEL_SPACES[name]
    if not name.endswith(".toml"):
        told = f"there are {', '.join(LABEL_SPACES)}, or give a .toml file"
        raise SettingsError(f"{unknown('no label space', name, LABEL_SPACES, told)}.")
    table = config.read_toml(Path(name))
    if "images" in table or "variants" in table:
        return _own_space(name)
    try:
        return build_space(Path(name).stem, config.build(_SpaceFile, table).classes)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None


def _own_space(name: str) -> LabelSpace:
    """The label space that the file of a data set describes."""
    for space, rows in datasets.find(name).spaces.items():
        return build_space(space, [SpaceClass(**row) for row in rows])
    raise SettingsError(
        f"{name} describes a data set without a label space; give it a [label_space], or name"
        " another file."
    )


def write_space(path: Path, space: LabelSpace) -> None:
    """Writes a label space as JSON."""
    classes = [row.model_dump(mode="json") for row in space.classes]
    files.write_json(path, {"name": space.name, "classes": classes})


def read_space(path: Path) -> LabelSpace:
    """Reads a label space that `write_space` wrote.

    Raises:
        DataError: it is not there, or no label space.
    """
    try:
        facts = config.build(_SavedSpace, files.read_json(path))
        return build_space(facts.name, facts.classes)
    except SettingsError as error:
        raise DataError(f"{path} holds no label space ({error}); prepare the data anew.") from None
