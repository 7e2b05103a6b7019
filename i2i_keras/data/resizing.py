"""Images and labels at the working size."""

import functools
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse

Resize = Literal["area", "bilinear", "nearest"]
Fit = Literal["stretch", "crop"]
Size = tuple[int, int]  # Height, width.


def resize(image: Image.Image, size: Size, how: Resize) -> Image.Image:
    """Brings an RGB image to a size.

    Args:
        image: RGB.
        size: (height, width).
        how: `area` averages the areas of the new pixels, `bilinear` is
            Pillow's triangle over them, `nearest` takes the nearest pixels.
    """
    if how == "nearest":
        return nearest(image, size)
    if how == "bilinear":
        return image.resize(size[::-1], Image.Resampling.BILINEAR)
    if image.height % size[0] == 0 and image.width % size[1] == 0:
        # There Pillow averages areas, too, and faster.
        return image.reduce((image.width // size[1], image.height // size[0]))
    return Image.fromarray(average_areas(np.asarray(image), size))


def average_areas(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """The mean over the area of each new pixel.

    Old pixels at its border count in part. Pillow's BOX counts them whole or
    not at all, so that sizes that divide otherwise are blurred otherwise.

    Args:
        pixels: `(height, width, channels)`.
        size: (height, width).

    Returns:
        `(*size, channels)`, rounded.
    """
    height, width, channels = pixels.shape
    rows = _means(height, size[0]) @ pixels.reshape(height, -1).astype(np.float32)
    columns = rows.reshape(size[0], width, channels).transpose(1, 0, 2).reshape(width, -1)
    means = (_means(width, size[1]) @ columns).reshape(size[1], size[0], channels)
    return (means.transpose(1, 0, 2) + 0.5).astype(np.uint8)


@functools.lru_cache(maxsize=16)
def _means(length: int, count: int) -> sparse.csr_matrix:
    """Takes means over equal parts of an axis; `(count, length)`."""
    edges = np.arange(count + 1) * length / count
    first = np.floor(edges[:-1]).astype(int)
    places = first[:, None] + np.arange(math.ceil(length / count) + 1)
    inside = np.minimum(edges[1:, None], places + 1) - np.maximum(edges[:-1, None], places)
    new, which = np.nonzero((inside > 0) & (places < length))
    shares = inside[new, which] * (count / length)
    at = (new, places[new, which])
    return sparse.csr_matrix((shares.astype(np.float32), at), (count, length))


def nearest(image: Image.Image, size: Size) -> Image.Image:
    """Takes the nearest pixels, exactly those that `tf.image.resize` takes.

    Pillow adds up its steps in floating point: from Cityscapes' 2048 x 1024 to
    the usual 560 x 280 its sum falls short of some whole numbers.
    """
    pixels = np.asarray(image)
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for old, new in zip(pixels.shape[:2], size, strict=True)
    )
    return Image.fromarray(pixels[np.ix_(rows, columns)])


def cropped(image: Image.Image, size: Size) -> Image.Image:
    """The middle of an image, as much of it as has the shape of a size.

    Args:
        image: of any mode.
        size: (height, width), whose shape alone counts.
    """
    height, width = shape_within((image.height, image.width), size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def shape_within(outer: Size, size: Size) -> Size:
    """The largest (height, width) within another that has a size's shape."""
    scale = min(old / new for old, new in zip(outer, size, strict=True))
    height, width = (max(1, round(scale * new)) for new in size)
    return height, width
