"""Label spaces: the classes that a segmenter tells apart.

Each class of a space joins classes of one or more codings (`labels.CODINGS`).
What a space does not name is ignored.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pydantic
from numpy.typing import NDArray

from i2i_keras import config
from i2i_keras.config import Config
from i2i_keras.data.labels import CLASSES, CODINGS, IGNORE, StreetClass
from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.run_folder import files

Channel = Annotated[int, pydantic.Field(ge=0, le=255)]
Color = tuple[Channel, Channel, Channel]


class SpaceClass(Config):
    """A class of a label space, and what it joins.

    Attributes:
        name: what tables call it.
        color: RGB, for pictures only.
        cityscapes: names of the classes of Cityscapes and GTA5 that it joins.
        camvid: the same of CamVid.
        idd: the same of IDD's level 1.
    """

    name: str
    color: Color
    cityscapes: tuple[str, ...] = ()
    camvid: tuple[str, ...] = ()
    idd: tuple[str, ...] = ()


class LabelSpace(NamedTuple):
    """The classes that a segmenter tells apart.

    Attributes:
        name: of the space.
        names: one name a class; the index is the label.
        colors: `(classes, 3)` uint8 RGB, for pictures only.
        labels: by coding `(256,)` uint8, from the number of a class to the
            label; 255 = ignored. Only codings that the space names.
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
    labels = {}
    for coding, known in CODINGS.items():
        table = np.full(256, IGNORE, np.uint8)
        for index, row in enumerate(classes):
            for joined in getattr(row, coding):
                if joined not in known:
                    what = f"{row.name!r} joins a class that {coding} does not have:"
                    raise SettingsError(f"{unknown(what, joined, known)}.")
                if table[known.index(joined)] != IGNORE:
                    raise SettingsError(
                        f"{coding}'s {joined!r} is joined by two classes; leave it in one."
                    )
                table[known.index(joined)] = index
        if (table != IGNORE).any():
            labels[coding] = table
    colors = np.array([row.color for row in classes], np.uint8)
    return LabelSpace(name, names, colors, labels, tuple(classes))


def _streets(name: str, rows: Sequence[StreetClass]) -> LabelSpace:
    """Classes of Cityscapes as they are; only its files tell them apart."""
    return build_space(
        name,
        [SpaceClass(name=row.name, color=row.color, cityscapes=(row.name,)) for row in rows],
    )


def _idd(
    name: str, color: tuple[int, int, int], cityscapes: Sequence[str], camvid: Sequence[str]
) -> SpaceClass:
    return SpaceClass(
        name=name, color=color, cityscapes=tuple(cityscapes), camvid=tuple(camvid), idd=(name,)
    )


LABEL_SPACES = {
    # The report's: what a Cityscapes labelIds file can hold. GTA5's license
    # plates (34) have no counterpart there and are ignored.
    "cityscapes34": _streets("cityscapes34", [row for row in CLASSES if row.id <= 33]),
    "cityscapes19": _streets("cityscapes19", [row for row in CLASSES if row.train_id != IGNORE]),
    # Level 1 of IDD. Its borders are drawn a little differently from those of
    # the others, which is part of what a domain shift is.
    "idd7": build_space(
        "idd7",
        [
            _idd("drivable", (128, 64, 128), ["road"], ["road"]),
            _idd("non-drivable", (244, 35, 232), ["sidewalk", "terrain"], ["pavement"]),
            _idd("living things", (220, 20, 60), ["person", "rider"], ["pedestrian", "bicyclist"]),
            _idd(
                "vehicles",
                (0, 0, 142),
                ["car", "truck", "bus", "train", "motorcycle", "bicycle"],
                ["car"],
            ),
            _idd(
                "roadside objects",
                (220, 220, 0),
                ["wall", "fence", "pole", "traffic light", "traffic sign"],
                ["pole", "sign", "fence"],
            ),
            _idd("far objects", (107, 142, 35), ["building", "vegetation"], ["building", "tree"]),
            _idd("sky", (70, 130, 180), ["sky"], ["sky"]),
        ],
    ),
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
