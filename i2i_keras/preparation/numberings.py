"""Whose numbers the labels of a whole set are.

Other data sets number other classes by the same small numbers: that a file
holds no number too many says little. What says more is how many pixels each
number has, and at what height: a street has its road below and its sky above.
"""

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.labels import CLASSES, IGNORE
from i2i_keras.errors import FileError

# Share of the pixels and mean row (0 = top, 1 = bottom) of each of Cityscapes'
# 19 classes, in the order of their train ids: rounded from 9 frames of
# Cityscapes, 4 of GTA5 and 701 of CamVid, rare ones made less rare.
_STREET = (
    *((0.32, 0.77), (0.06, 0.65), (0.22, 0.28), (0.01, 0.45), (0.01, 0.45)),
    *((0.01, 0.35), (0.003, 0.2), (0.006, 0.3), (0.13, 0.28), (0.02, 0.5)),
    *((0.1, 0.12), (0.012, 0.5), (0.004, 0.5), (0.06, 0.5), (0.004, 0.42)),
    *((0.003, 0.42), (0.001, 0.42), (0.002, 0.5), (0.005, 0.5)),
)
_VOID, _UNKNOWN = 0.08, 1e-6  # Shares of what is ignored, and of other numbers.
_DEVIATION = 0.15  # Of the mean row of a class.
_ROAD = 0  # Its train id.
_LEAST_ROAD, _LOWER = 0.02, 0.6  # Share and mean row of it; true ones' are above 0.7.
_FARTHEST = 8.0  # What a wrong row costs at most.
# By how much the likeliest other numbering has to be likelier than the assumed
# one to be a finding. Measured on the same frames and 900 drawn ones, numbered
# in each way: of sets of three labels no true one came above -0.35 where ids
# were assumed, and no foreign one below 0.
AS_WELL = -0.1
BETTER = 0.05
SURELY_BETTER = 0.5  # Where fewer labels, or others than ids, are assumed.
FEW = 3  # Labels.
ALIKE = 0.2  # CARLA's older ones and SELMA's are, by up to 0.17.
LIKELY = -3.0  # True ids of three labels are above -2.7.

Places = Mapping[int, tuple[int, float]]  # By number its pixels and mean row in [0, 1].
Numbers = int | tuple[int, ...] | None


class Numbering(NamedTuple):
    """How a data set numbers what is on a street.

    Attributes:
        title: what sentences call it.
        classes: by number the train id of the class of Cityscapes that it is,
            or is like; 255 = none.
        todo: what is to be set where labels are numbered so.
    """

    title: str
    classes: Mapping[int, int]
    todo: str


def _numbering(
    title: str, todo: str, numbers: Sequence[Numbers], void: Iterable[int]
) -> tuple[str, Numbering]:
    """One by the numbers of the 19 classes, in the order of their train ids."""
    classes = {number: IGNORE for number in (*void, IGNORE)}
    for train_id, some in enumerate(numbers):
        for number in (some,) if isinstance(some, int) else some or ():
            classes[number] = train_id
    return title, Numbering(title, classes, todo)


def _set(name: str, more: str = "") -> str:
    return f"set format = {name!r}{more}"


_NO = None  # In place of a class that a numbering does not have.
_MAPPING = "name its classes in a mapping (docs/your_data.md)"
IDS, TRAIN_IDS = "Cityscapes ids", "train ids"
_VISTAS_ROADS = (21, *range(35, 59), 74)
# Facts: each data set's own description; of BDD100K's polygons bdd100k's
# label/label.py, of SELMA its README.
NUMBERINGS = dict(
    (
        _numbering(
            IDS,
            "set encoding = 'ids'",
            [row.id for row in sorted(CLASSES, key=lambda r: r.train_id) if row.train_id < IGNORE],
            [row.id for row in CLASSES if row.train_id == IGNORE],
        ),
        _numbering(TRAIN_IDS, "set encoding = 'train_ids'", range(19), [19]),
        _numbering(
            "SYNTHIA",
            _set("synthia"),
            (3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19, 20, 12, 11),
            (0, 13, 14, 22),
        ),
        _numbering(
            "VIPER",
            _set("viper"),
            (
                *(3, 4, 9, _NO, 11, _NO, 13, 14, (7, 8), 6, 2, 20, _NO),
                *((24, 25), (27, 28), 26, 29, 23, 22),
            ),
            range(32),
        ),
        _numbering(
            "Mapillary Vistas 1.2",
            _set("mapillary", " and its variant"),
            (
                *((13, 24, 41), (2, 15), 17, 6, 3, (45, 47), 48, 50, 30, 29, 27, 19),
                *((20, 21, 22), 55, 61, 54, 58, 57, 52),
            ),
            range(66),
        ),
        _numbering(
            "Mapillary Vistas 2.0",
            _set("mapillary", " and its variant"),
            (
                *(_VISTAS_ROADS, (4, 24), 27, 12, 5, (85, 86, 88), (*range(90, 96),)),
                *((99, 100, 101, 103), 64, 63, 61, (30, 31), (32, 33, 34)),
                *(108, 114, 107, 111, 110, 105),
            ),
            range(124),
        ),
        _numbering(
            "CARLA up to 0.9.9",
            _set("carla", " and its variant"),
            (((6, 7), 8, 1, 11, 2, 5, _NO, 12, 9, _NO, _NO, 4, _NO, 10)),
            (0, 3),
        ),
        _numbering(
            "CARLA 0.9.10 to 0.9.13, or SHIFT",
            _set("carla", " and its variant"),
            (((6, 7), 8, 1, 11, 2, 5, 18, 12, 9, 22, 13, 4, _NO, 10)),
            range(23),
        ),
        _numbering(
            "CARLA from 0.9.14",
            _set("carla", " and its variant"),
            ((1, 24), *range(2, 20)),
            range(29),
        ),
        _numbering(
            "IDD level3Ids",
            _set("idd20k", " and variant = 'level3Ids'"),
            ((0, 1), 2, 22, 14, 15, 20, 19, 18, 24, 3, 25, 4, 5, 9, 10, 11, 12, 6, 7),
            range(26),
        ),
        # Larger classes, each for what most of its pixels are.
        _numbering(
            "IDD Lite", _set("idd"), (0, 1, 5, _NO, _NO, 4, _NO, _NO, _NO, _NO, 6, 2, _NO, 3), ()
        ),
        _numbering(
            "CamVid", _set("camvid"), (3, 4, 1, _NO, 7, 2, _NO, 6, 5, _NO, 0, 9, 10, 8), (11,)
        ),
        _numbering(
            "BDD100K's polygons",
            _MAPPING,
            (7, 8, 10, 15, 11, 20, 25, 26, 29, 28, 30, 31, 32, 35, 40, 34, 39, 37, 33),
            range(41),
        ),
        _numbering(
            "SELMA",
            _MAPPING,
            ((6, 7), 8, 1, 11, 2, 5, 18, 12, 9, 22, 13, 40, 41, 100, 101, 102, 103, 104, 105),
            range(22),
        ),
    )
)


def places(numbers: NDArray[np.uint8]) -> list[tuple[int, int, float]]:
    """Each number of a label file, its pixels and its mean row.

    Args:
        numbers: `(height, width)`.

    Returns:
        The mean row in [0, 1], 0 being the top.
    """
    counts = np.stack([np.bincount(row, minlength=256) for row in numbers])
    totals = counts.sum(axis=0)
    rows = np.arange(len(numbers)) / max(len(numbers) - 1, 1)
    sums = rows @ counts
    return [(int(n), int(totals[n]), float(sums[n] / totals[n])) for n in np.flatnonzero(totals)]


def of_files(reader: LabelReader, paths: Iterable[Path]) -> list[list[tuple[int, int, float]]]:
    """What `places` tells of each label file that can be read."""
    found = []
    for path in paths:
        with contextlib.suppress(FileError):
            found.append(places(reader.numbers(path)))
    return found


def join(of_files: Iterable[Sequence[Sequence[Any]]]) -> Places:
    """What `places` tells of several files, as one."""
    pixels, sums = defaultdict[int, int](int), defaultdict[int, float](float)
    for number, count, row in (one for some in of_files for one in some):
        pixels[number] += count
        sums[number] += count * row
    return {number: (count, sums[number] / count) for number, count in pixels.items()}


def likelihood(numbering: Numbering, found: Places) -> float:
    """How likely labels are by a numbering: the mean logarithm, of all pixels.

    Of each pixel it is that of its class' share of a street, and of how far the
    mean row of its number is from that class' (a normal distribution).
    """
    total = sum(count for count, _ in found.values())
    return sum(count * _of_number(numbering, n, row) for n, (count, row) in found.items()) / total


def _of_number(numbering: Numbering, number: int, row: float) -> float:
    train_id = numbering.classes.get(number)
    if train_id is None:
        return float(np.log(_UNKNOWN))
    if train_id == IGNORE:
        return float(np.log(_VOID))
    share, usual = _STREET[train_id]
    return float(np.log(share)) - min(((row - usual) / _DEVIATION) ** 2 / 2, _FARTHEST)


def best_others(assumed: str, found: Places) -> tuple[list[Numbering], float]:
    """The likeliest other numberings by which labels are streets.

    Args:
        assumed: a key of `NUMBERINGS`.
        found: of a whole set, not empty.

    Returns:
        The likeliest first, then those that are hardly less likely; and by how
        much it is likelier than the assumed one, or minus infinity.
    """
    by_title = {
        title: likelihood(numbering, found)
        for title, numbering in NUMBERINGS.items()
        if title != assumed and _makes_streets(numbering, found)
    }
    best = max(by_title.values(), default=-math.inf)
    titles = sorted(by_title, key=lambda title: -by_title[title])
    alike = [NUMBERINGS[title] for title in titles if by_title[title] > best - ALIKE]
    return alike, best - likelihood(NUMBERINGS[assumed], found)


def _makes_streets(numbering: Numbering, found: Places) -> bool:
    """Whether there is road, it lies below, and most pixels are of a class."""
    total = sum(count for count, _ in found.values())
    void = sum(c for n, (c, _) in found.items() if numbering.classes.get(n, IGNORE) == IGNORE)
    road = [(c, r) for n, (c, r) in found.items() if numbering.classes.get(n) == _ROAD]
    pixels = sum(count for count, _ in road)
    if void > total / 2 or pixels < _LEAST_ROAD * total:
        return False
    return sum(count * row for count, row in road) / pixels >= _LOWER


def are_surely(title: str, found: Places) -> bool:
    """Whether a numbering is much likelier than all others, and likely."""
    _, likelier = best_others(title, found)
    return likelier < -SURELY_BETTER and likelihood(NUMBERINGS[title], found) > LIKELY
