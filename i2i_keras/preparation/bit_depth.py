"""How many bits the 16-bit images of a whole set use.

Cameras count to 10, 12 or 14 bits. By image it would differ, and the same
scene would be brighter in one than in another.
"""

from collections.abc import Sequence
from pathlib import Path

from i2i_keras.data import parallel
from i2i_keras.data.records import deep_counts, has_deep_counts, open_image, spread
from i2i_keras.errors import FileError

BITS = (8, 10, 12, 14, 16)
_LOOKED_AT = 50  # Images; if none of them has 16 bits, none is looked at further.


def bits_in_use(paths: Sequence[Path], workers: int = 1) -> int:
    """The fewest of `BITS` that hold all counts of 16-bit images.

    Args:
        paths: image files; what cannot be read is left out.
        workers: processes; 0 = one a core.

    Returns:
        16 where there is no such image.
    """
    if not any(map(has_deep_counts, spread(paths, _LOOKED_AT))):
        return BITS[-1]
    most = max(parallel.for_each(highest, paths, workers, "bits in use"))
    return next(bits for bits in BITS if most < 1 << bits) if most else BITS[-1]


def highest(path: Path) -> int:
    """The highest count of a 16-bit image; 0 of others."""
    if not has_deep_counts(path):
        return 0
    try:
        with open_image(path) as image:
            counts = deep_counts(path, image)
    except FileError:
        return 0
    return 0 if counts is None else int(counts.max())
