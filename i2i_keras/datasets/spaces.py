"""Label spaces: the classes that a segmenter tells apart.

Each class of a space joins classes of one or more codings. What a space does
not name is ignored.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import pydantic
from numpy.typing import NDArray

from i2i_keras import config
from i2i_keras.config import Config
from i2i_keras.data.labels import CLASSES, IGNORE
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.dataset import CITYSCAPES, Coding, Dataset
from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.run_folder import files

Channel = Annotated[int, pydantic.Field(ge=0, le=255)]
Color = tuple[Channel, Channel, Channel]

_FIRST = "cityscapes19"  # In `cityscapes34` no label is void.
CODINGS = {dataset.coding.name: dataset.coding for dataset in DATASETS.values()}


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


def common_space(formats: Collection[str]) -> str:
    """The first label space that knows the classes of all of some data sets.

    Args:
        formats: keys of `DATASETS`.

    Returns:
        Its name, `cityscapes19` before all others; that one also if none does.
    """
    codings = [DATASETS[name].coding.name for name in formats]
    for name in (_FIRST, *LABEL_SPACES):
        if all(coding in LABEL_SPACES[name].labels for coding in codings):
            return name
    return _FIRST


class _SpaceFile(Config):
    classes: tuple[SpaceClass, ...]


class _SavedSpace(_SpaceFile):
    name: str


def find_space(name: str) -> LabelSpace:
    """The label space of that name, or of a TOML file of one's own.

    The file has a table `[[classes]]` for each class, with the attributes of
    `SpaceClass`.

    Raises:
        SettingsError: there is no such space, or the file does not hold one.
    """
    if name in LABEL_SPACES:
        return LABEL_SPACES[name]
    if not name.endswith(".toml"):
        told = f"there are {', '.join(LABEL_SPACES)}, or give a .toml file"
        raise SettingsError(f"{unknown('no label space', name, LABEL_SPACES, told)}.")
    table = config.read_toml(Path(name))
    try:
        return build_space(Path(name).stem, config.build(_SpaceFile, table).classes)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None


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
