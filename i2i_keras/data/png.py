"""PNGs of records: compressed, or plain ones that are read much faster."""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i_keras.run_folder import writing

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {2: 0, 3: 2}  # By the number of dimensions: gray, RGB.


def write_png(pixels: NDArray[np.uint8], path: Path, compress: bool = True) -> None:
    """Writes an image or a label of a record.

    Args:
        pixels: `(height, width)` or `(height, width, 3)`.
        path: of the file.
        compress: whether it is compressed.

    Raises:
        FileError: it cannot be written.
    """
    with writing.replacing(path) as draft:
        if compress:
            # Run lengths: a quarter faster and smaller than Pillow's default.
            options = {"compress_level": 1, "compress_type": zlib.Z_RLE}
            Image.fromarray(pixels).save(draft, "PNG", **options)
        else:
            draft.write(plain_png(pixels))


def plain_png(pixels: NDArray[np.uint8], text: Mapping[str, str] | None = None) -> bytes:
    """A PNG that is neither compressed nor filtered.

    Pillow at level 0 does filter, which has to be undone for every byte.

    Args:
        pixels: `(height, width)` gray values, or `(height, width, 3)` RGB.
        text: what the file says of itself, Latin-1.

    Returns:
        The bytes of the file.

    Reference:
        PNG, third edition: section 5.3, the layout of chunks; 9.2, filter 0.
    """
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + pixels[0].size), np.uint8)  # A filter's number, then pixels.
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[pixels.ndim], 0, 0, 0)
    notes = [f"{key}\0{value}".encode("latin-1") for key, value in (text or {}).items()]
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", header),
            *(_chunk(b"tEXt", note) for note in notes),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 0)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
