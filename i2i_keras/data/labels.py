"""The one class table: Cityscapes', by whose names other data sets are told.

34, a license plate, it numbers -1 and never draws; others do.

Reference:
    cityscapesScripts, `helpers/labels.py`; Playing for Data (Richter et al.,
    2016), `mapping.mat`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IGNORE = 255


class StreetClass(NamedTuple):
    """One row of the class table.

    Attributes:
        id: Cityscapes' id.
        train_id: index among the 19 evaluated classes, or 255.
        name: Cityscapes' name.
        category: Cityscapes' category.
        color: RGB of Cityscapes' `color` files, 0..255.
    """

    id: int
    train_id: int
    name: str
    category: str
    color: tuple[int, int, int]


CLASSES = (
    StreetClass(0, 255, "unlabeled", "void", (0, 0, 0)),
    StreetClass(1, 255, "ego vehicle", "void", (0, 0, 0)),
    StreetClass(2, 255, "rectification border", "void", (0, 0, 0)),
    StreetClass(3, 255, "out of roi", "void", (0, 0, 0)),
    StreetClass(4, 255, "static", "void", (0, 0, 0)),
    StreetClass(5, 255, "dynamic", "void", (111, 74, 0)),
    StreetClass(6, 255, "ground", "void", (81, 0, 81)),
    StreetClass(7, 0, "road", "flat", (128, 64, 128)),
    StreetClass(8, 1, "sidewalk", "flat", (244, 35, 232)),
    StreetClass(9, 255, "parking", "flat", (250, 170, 160)),
    StreetClass(10, 255, "rail track", "flat", (230, 150, 140)),
    StreetClass(11, 2, "building", "construction", (70, 70, 70)),
    StreetClass(12, 3, "wall", "construction", (102, 102, 156)),
    StreetClass(13, 4, "fence", "construction", (190, 153, 153)),
    StreetClass(14, 255, "guard rail", "construction", (180, 165, 180)),
    StreetClass(15, 255, "bridge", "construction", (150, 100, 100)),
    StreetClass(16, 255, "tunnel", "construction", (150, 120, 90)),
    StreetClass(17, 5, "pole", "object", (153, 153, 153)),
    StreetClass(18, 255, "polegroup", "object", (153, 153, 153)),
    StreetClass(19, 6, "traffic light", "object", (250, 170, 30)),
    StreetClass(20, 7, "traffic sign", "object", (220, 220, 0)),
    StreetClass(21, 8, "vegetation", "nature", (107, 142, 35)),
    StreetClass(22, 9, "terrain", "nature", (152, 251, 152)),
    StreetClass(23, 10, "sky", "sky", (70, 130, 180)),
    StreetClass(24, 11, "person", "human", (220, 20, 60)),
    StreetClass(25, 12, "rider", "human", (255, 0, 0)),
    StreetClass(26, 13, "car", "vehicle", (0, 0, 142)),
    StreetClass(27, 14, "truck", "vehicle", (0, 0, 70)),
    StreetClass(28, 15, "bus", "vehicle", (0, 60, 100)),
    StreetClass(29, 255, "caravan", "vehicle", (0, 0, 90)),
    StreetClass(30, 255, "trailer", "vehicle", (0, 0, 110)),
    StreetClass(31, 16, "train", "vehicle", (0, 80, 100)),
    StreetClass(32, 17, "motorcycle", "vehicle", (0, 0, 230)),
    StreetClass(33, 18, "bicycle", "vehicle", (119, 11, 32)),
    StreetClass(34, 255, "license plate", "vehicle", (0, 0, 142)),
)

# In the order of cityscapesScripts; void is none.
CATEGORIES = tuple(dict.fromkeys(row.category for row in CLASSES if row.category != "void"))


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
