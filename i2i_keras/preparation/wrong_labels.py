"""What gives away a label file of another kind than it should be."""

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.encodings import TRAIN_IDS, Rgb
from i2i_keras.data.labels import CLASSES, IGNORE
from i2i_keras.datasets import DATASETS


def _grays(palette: tuple[Rgb, ...]) -> tuple[frozenset[int], frozenset[int]]:
    """What programs make of the colors of a palette file read as gray.

    TensorFlow and OpenCV go by libpng, which rounds down, Pillow's `convert` to
    the nearest.
    """
    libpngs, pillows = (
        frozenset((19595 * r + 38470 * g + 7471 * b + carry) >> 16 for r, g, b in palette)
        for carry in (0, 1 << 15)
    )
    return libpngs, pillows


GRAYS = {dataset.title: _grays(dataset.palette) for dataset in DATASETS.values() if dataset.palette}


def palette_read_as_gray(numbers: NDArray[np.uint8]) -> str:
    """Whose palette files they seem to be of that were read as gray.

    Args:
        numbers: those that occur where ids should be.

    Returns:
        The title of the data set; empty = of none.
    """
    found = {*numbers.tolist()}
    if max(found, default=0) < len(CLASSES):
        return ""
    titles = (title for title, grays in GRAYS.items() if any(found <= gray for gray in grays))
    return next(titles, "")


def seem_train_ids(numbers: NDArray[np.uint8]) -> bool:
    """Whether numbers that occur where ids should be are train ids."""
    found = {*numbers.tolist()}
    return IGNORE in found and found <= {*TRAIN_IDS, IGNORE}
