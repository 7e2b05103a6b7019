"""Image files of other than 8 bits a channel, which Pillow changes on reading.

Pillow reads 16-bit gray whole, but 16-bit color by its upper byte, without a
word; TensorFlow decodes such PNGs whole. Gray of 2 and 4 bits it stretches to
0..255, as libpng does: the class 1 becomes 85, or 17.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY = 0  # Color type.


def is_deep_color(path: Path) -> bool:
    """Whether a file is a PNG of 16-bit color, or of 16-bit gray with alpha."""
    bits, kind = _head(path)
    return bits == 16 and kind != _GRAY


def gray_step(path: Path) -> int:
    """By how much Pillow's values of a gray PNG of few bits differ at least.

    Returns:
        85 for 2 bits, 17 for 4, and 1 for other files.
    """
    bits, kind = _head(path)
    return {2: 85, 4: 17}.get(bits, 1) if kind == _GRAY else 1


def _head(path: Path) -> tuple[int, int]:
    """Bits a channel and color type of a PNG; of other files zeros."""
    with path.open("rb") as file:
        head = file.read(26)
    # After the signature: length, IHDR, width, height, then bits and type.
    return (head[24], head[25]) if head.startswith(_SIGNATURE) and len(head) == 26 else (0, 0)


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
