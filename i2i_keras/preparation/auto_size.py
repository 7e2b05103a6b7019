"""The working size that fits images, their shape, and the machine."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from i2i_keras.data.records import image_size, spread
from i2i_keras.data.resizing import shape_within
from i2i_keras.errors import DataError, FileError, how_many

Size = tuple[int, int]

# Pixels of an image: those of the student report's frames, and as many as two
# cores translate in a third of a second.
PIXELS = {"GPU": 280 * 560, "CPU": 128 * 256}
MULTIPLE = 8  # Of both sides.
NOTABLE = 1.1  # Factor by which a shape may change without a word.
_HARDLY = 0.02  # Share of the pixels that may be cropped off without a word.
_LOOKED_AT = 200  # Images of each domain.


def device() -> str:
    """What trainings run on: `GPU` or `CPU`."""
    import tensorflow as tf  # Here, for processes that only read images do without.

    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def auto_size(domains: Sequence[Sequence[Size]], pixels: int) -> Size:
    """One size for the images of all domains.

    Its shape lies in the middle between those of the domains, so that each is
    stretched as little as the others; images are never enlarged.

    Args:
        domains: (height, width) of images of each domain.
        pixels: that the size may have.

    Returns:
        (height, width), multiples of `MULTIPLE`.

    Raises:
        DataError: images are lower or less wide than `MULTIPLE`.
    """
    aspects = [statistics.median(width / height for height, width in sizes) for sizes in domains]
    aspect = statistics.geometric_mean(aspects)
    smallest = min(statistics.median(height * width for height, width in s) for s in domains)
    height = math.sqrt(min(pixels, smallest) / aspect)
    height = int(height + 1e-6) // MULTIPLE * MULTIPLE
    width = round(height * aspect / MULTIPLE) * MULTIPLE
    if not height or not width:
        raise DataError(
            f"Images with sides below {MULTIPLE} pixels are too small; give larger ones, or a"
            " prepare.size."
        )
    return height, width


def sizes(images: Sequence[Path], *, turn: bool = True) -> list[Size]:
    """(height, width) of images from all over a list.

    What cannot be read is left out; `prepare` will tell.

    Args:
        images: the files.
        turn: whether they are turned as their EXIF data say.
    """
    found = []
    for path in spread(images, _LOOKED_AT):
        try:
            found.append(image_size(path, turn=turn))
        except FileError:
            continue
    return found


def stretch(before: Size, after: Size) -> float:
    """By which factor a shape becomes wider; below 1 it becomes higher."""
    return (after[1] / after[0]) / (before[1] / before[0])


def stretched(before: Sequence[Size], after: Size, what: str) -> str:
    """Says how images are stretched; nothing where that is hardly seen.

    Args:
        before: (height, width) of the images.
        after: that they are brought to.
        what: one of them is, such as "source image".
    """
    factors = [stretch(size, after) for size in before]
    ways = {
        "wide": [factor for factor in factors if factor > NOTABLE],
        "high": [1 / factor for factor in factors if factor < 1 / NOTABLE],
    }
    told = [
        f"{len(some)} {_becomes(len(some), statistics.median(some), way)}"
        for way, some in ways.items()
        if some
    ]
    if not told:
        return ""
    return (
        f"Of {how_many(len(factors), what)}, at {after[0]} x {after[1]} (height x width), "
        f"{' and '.join(told)} (medians); set prepare.size, or prepare.fit = 'crop'."
    )


def cropped_off(before: Sequence[Size], after: Size, what: str) -> str:
    """Says how much of images is cropped off; see `stretched`."""
    lost = [1 - math.prod(shape_within(size, after)) / math.prod(size) for size in before]
    share = statistics.median(lost)
    if share < _HARDLY:
        return ""
    return (
        f"Of {how_many(len(lost), what)}, {100 * share:.0f}% of the pixels are cropped off at"
        f" {after[0]} x {after[1]} (height x width, median)."
    )


def _becomes(count: int, factor: float, way: str) -> str:
    if count == 1:
        return f"becomes {factor:.2f} times as {way} as it is"
    return f"become {factor:.2f} times as {way} as they are"
