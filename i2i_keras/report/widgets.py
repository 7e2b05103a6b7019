"""Parts of the page that a script brings to life, as plain data."""

import base64
import io
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LONGEST = 1024  # Pixels of a side; larger ones are shown smaller.
_SMALL = 160_000  # Pixels of an image whose every detail is kept.
_LARGE = 100_000  # Bytes of a figure that is shown with less detail.


class Widget(NamedTuple):
    """What a script shows.

    Attributes:
        kind: the function of report/web that shows it.
        title: above it.
        caption: beneath it.
        data: for that function, of what JSON can hold.
    """

    kind: str
    title: str
    caption: str
    data: Mapping[str, Any]


def picture_url(image: NDArray[np.uint8]) -> str:
    """An image `(height, width, 3)` as a data URL, WebP."""
    shown, file = Image.fromarray(image), io.BytesIO()
    shown.thumbnail((_LONGEST, _LONGEST))
    if shown.width * shown.height <= _SMALL:
        shown.save(file, "WEBP", lossless=True, quality=70)
    else:
        shown.save(file, "WEBP", quality=88)
    return f"data:image/webp;base64,{_base64(file.getvalue())}"


def figure_url(png: bytes) -> str:
    """A figure as a data URL: a large one, full of photographs, as WebP."""
    if len(png) < _LARGE:
        return f"data:image/png;base64,{_base64(png)}"
    file = io.BytesIO()
    with Image.open(io.BytesIO(png)) as figure:
        figure.convert("RGB").save(file, "WEBP", quality=90)
    return f"data:image/webp;base64,{_base64(file.getvalue())}"


def packed_label(label: NDArray[np.uint8]) -> dict[str, Any]:
    """A label map `(height, width)`: its size, and its bytes by zlib.

    Not as a PNG: some browsers blur what a script reads of pictures, lest they
    be told apart by it.
    """
    step = -(-max(label.shape) // _LONGEST)
    small = np.ascontiguousarray(label[::step, ::step])
    height, width = small.shape
    return {
        "width": width,
        "height": height,
        "zlib": _base64(zlib.compress(small.tobytes(), 9)),
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
