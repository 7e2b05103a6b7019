"""Whether the numbers of a whole set of labels are Cityscapes' ids.

Other data sets number other classes by the same small numbers: that a file
holds no number too many says little. What says more is where road and sky are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_EXPLAINED = 0.99  # Of the pixels, by the numbers of a numbering.
_SHARE = 0.02  # Of the pixels, that a road has, and the sky of a foreign numbering.
_ABOVE = 0.1  # Of the height, by which the mean row of sky is above road's.

Places = Mapping[int, tuple[int, float]]  # By number its pixels and mean row in [0, 1].


class Numbering(NamedTuple):
    """How a data set numbers road and sky.

    Attributes:
        title: what sentences call it.
        road: number of the road.
        sky: number of the sky, or of what is where the sky is.
        numbers: those that may occur.
        todo: what is to be set.
    """

    title: str
    road: int
    sky: int
    numbers: frozenset[int]
    todo: str


def _numbering(title: str, road: int, sky: int, last: int, todo: str = "") -> Numbering:
    todo = todo or "set format = 'folder' and a mapping that names its classes"
    return Numbering(title, road, sky, frozenset({*range(last + 1), 255}), todo)


_IDS = _numbering("Cityscapes ids", 7, 23, 34)
# Facts and their sources: issue "Other people's data".
FOREIGN = (
    _numbering("train ids", 0, 10, 19, "set encoding = 'train_ids'"),
    _numbering("SYNTHIA", 3, 1, 22),
    _numbering("VIPER", 3, 2, 31),
    _numbering("Mapillary Vistas v1.2", 13, 27, 65),
    _numbering("Mapillary Vistas v2.0", 21, 61, 123),
    _numbering("CARLA up to 0.9.9", 7, 0, 12),
    _numbering("CARLA 0.9.10 to 0.9.13, or SHIFT", 7, 13, 22),
    _numbering("CARLA from 0.9.14", 1, 11, 28),
    _numbering("IDD level3Ids", 0, 25, 25),
    _numbering("IDD Lite", 0, 6, 6, "set format = 'idd', or a mapping that names its classes"),
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


def join(of_files: Iterable[Sequence[Sequence[Any]]]) -> Places:
    """What `places` tells of several files, as one."""
    pixels, sums = defaultdict[int, int](int), defaultdict[int, float](float)
    for number, count, row in (one for some in of_files for one in some):
        pixels[number] += count
        sums[number] += count * row
    return {number: (count, sums[number] / count) for number, count in pixels.items()}


def foreign(found: Places) -> list[Numbering]:
    """Numberings that fit a set which cannot hold Cityscapes ids."""
    if not found or _can_be_ids(found):
        return []
    return [numbering for numbering in FOREIGN if _fits(numbering, found)]


def _can_be_ids(found: Places) -> bool:
    """Whether there is road, below the sky, and a number from sky on."""
    total = sum(count for count, _ in found.values())
    road = found.get(_IDS.road, (0, 0.0))
    if road[0] < _SHARE * total or not any(_IDS.sky <= number < 255 for number in found):
        return False
    return _IDS.sky not in found or found[_IDS.sky][1] < road[1]


def _fits(numbering: Numbering, found: Places) -> bool:
    total = sum(count for count, _ in found.values())
    explained = sum(count for number, (count, _) in found.items() if number in numbering.numbers)
    road, sky = (found.get(number, (0, 0.0)) for number in (numbering.road, numbering.sky))
    return (
        explained >= _EXPLAINED * total
        and min(road[0], sky[0]) >= _SHARE * total
        and sky[1] + _ABOVE <= road[1]
    )
