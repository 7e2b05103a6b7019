"""Image files of 16 bits a channel, of which Pillow gives the upper 8 at best.

Pillow reads 16-bit gray whole, but 16-bit color by its upper byte, without a
word; TensorFlow decodes such PNGs whole.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def is_deep_color(path: Path) -> bool:
    """Whether a file is a PNG of 16-bit color, or of 16-bit gray with alpha."""
    with path.open("rb") as file:
        head = file.read(26)
    # After the signature: length, IHDR, width, height, then bits and kind.
    return head.startswith(_SIGNATURE) and head[24:25] == b"\x10" and head[25:26] != b"\x00"


def read_deep_color(path: Path) -> NDArray[np.uint16]:
    """Decodes a PNG that `is_deep_color`.

    Returns:
        `(height, width, channels)`; channels are those of the file: 2 (gray,
        alpha), 3 (RGB) or 4 (RGB, alpha).

    Raises:
        ValueError: it is broken.
    """
    # Loaded only where it is needed: preparation works in many processes.
    import tensorflow as tf

    try:
        with tf.device("CPU"):
            pixels: NDArray[np.uint16] = tf.io.decode_png(
                path.read_bytes(), dtype=tf.uint16
            ).numpy()
    except tf.errors.InvalidArgumentError:
        raise ValueError("broken PNG file") from None
    return pixels
