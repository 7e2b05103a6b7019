"""The one class table, and how data sets number their classes.

A *coding* is the names of a data set's classes by number. Cityscapes and GTA5
share one: the ids 0..33; 34 is GTA5's license plate, which Cityscapes numbers
-1 and never draws.

Reference:
    cityscapesScripts, `helpers/labels.py`; Playing for Data (Richter et al.,
    2016), `mapping.mat`; CamVid (Brostow et al., 2009) in the 11 classes of
    SegNet (Badrinarayanan et al., 2017); IDD (Varma et al., 2019), level 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IGNORE = 255


class StreetClass(NamedTuple):
    """One row of the class table.

    Attributes:
        id: Cityscapes and GTA5 id.
        train_id: index among the 19 evaluated classes, or 255.
        name: Cityscapes' name.
        category: Cityscapes' category.
        color: RGB of Cityscapes' `color` files, 0..255.
        gta5_color: RGB of GTA5's palette, 0..255.
    """

    id: int
    train_id: int
    name: str
    category: str
    color: tuple[int, int, int]
    gta5_color: tuple[int, int, int]


def _row(
    id_: int, train_id: int, name: str, category: str, color: tuple[int, int, int]
) -> StreetClass:
    # `static` is the only class to which the two data sets give two colors.
    return StreetClass(
        id_, train_id, name, category, color, (20, 20, 20) if name == "static" else color
    )


CLASSES = (
    _row(0, 255, "unlabeled", "void", (0, 0, 0)),
    _row(1, 255, "ego vehicle", "void", (0, 0, 0)),
    _row(2, 255, "rectification border", "void", (0, 0, 0)),
    _row(3, 255, "out of roi", "void", (0, 0, 0)),
    _row(4, 255, "static", "void", (0, 0, 0)),
    _row(5, 255, "dynamic", "void", (111, 74, 0)),
    _row(6, 255, "ground", "void", (81, 0, 81)),
    _row(7, 0, "road", "flat", (128, 64, 128)),
    _row(8, 1, "sidewalk", "flat", (244, 35, 232)),
    _row(9, 255, "parking", "flat", (250, 170, 160)),
    _row(10, 255, "rail track", "flat", (230, 150, 140)),
    _row(11, 2, "building", "construction", (70, 70, 70)),
    _row(12, 3, "wall", "construction", (102, 102, 156)),
    _row(13, 4, "fence", "construction", (190, 153, 153)),
    _row(14, 255, "guard rail", "construction", (180, 165, 180)),
    _row(15, 255, "bridge", "construction", (150, 100, 100)),
    _row(16, 255, "tunnel", "construction", (150, 120, 90)),
    _row(17, 5, "pole", "object", (153, 153, 153)),
    _row(18, 255, "polegroup", "object", (153, 153, 153)),
    _row(19, 6, "traffic light", "object", (250, 170, 30)),
    _row(20, 7, "traffic sign", "object", (220, 220, 0)),
    _row(21, 8, "vegetation", "nature", (107, 142, 35)),
    _row(22, 9, "terrain", "nature", (152, 251, 152)),
    _row(23, 10, "sky", "sky", (70, 130, 180)),
    _row(24, 11, "person", "human", (220, 20, 60)),
    _row(25, 12, "rider", "human", (255, 0, 0)),
    _row(26, 13, "car", "vehicle", (0, 0, 142)),
    _row(27, 14, "truck", "vehicle", (0, 0, 70)),
    _row(28, 15, "bus", "vehicle", (0, 60, 100)),
    _row(29, 255, "caravan", "vehicle", (0, 0, 90)),
    _row(30, 255, "trailer", "vehicle", (0, 0, 110)),
    _row(31, 16, "train", "vehicle", (0, 80, 100)),
    _row(32, 17, "motorcycle", "vehicle", (0, 0, 230)),
    _row(33, 18, "bicycle", "vehicle", (119, 11, 32)),
    _row(34, 255, "license plate", "vehicle", (0, 0, 142)),
)

# In the order of cityscapesScripts; void is none.
CATEGORIES = tuple(dict.fromkeys(row.category for row in CLASSES if row.category != "void"))

CODINGS: dict[str, tuple[str, ...]] = {
    "cityscapes": tuple(row.name for row in CLASSES),
    "camvid": (
        *("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence"),
        *("car", "pedestrian", "bicyclist", "unlabelled"),
    ),
    "idd": (
        *("drivable", "non-drivable", "living things", "vehicles"),
        *("roadside objects", "far objects", "sky"),
    ),
}


def colorize(label: NDArray[np.uint8], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paints a label map.

    Args:
        label: `(height, width)`, indices of `colors`; 255 = ignored.
        colors: `(classes, 3)` RGB.

    Returns:
        `(height, width, 3)` uint8 RGB; ignored pixels are black.
    """
    table = np.zeros((256, 3), np.uint8)
    table[: len(colors)] = colors
    return table[label]
