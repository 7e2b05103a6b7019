"""PNGs of 16 bits a channel."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.sixteen_bits import is_deep_color, read_deep_color

_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's number of a color type by its channels.


def png(pixels):
    """By the PNG specification: one IDAT, no filter."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16, _KINDS[channels], 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_both_bytes_are_read(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 1 << 16, (5, 7, channels), dtype=np.uint16)
    path = tmp_path / "deep.png"
    path.write_bytes(png(pixels))
    assert is_deep_color(path)
    np.testing.assert_array_equal(read_deep_color(path), pixels)


def test_others_are_told_apart(tmp_path):
    gray, color, text = (tmp_path / name for name in ("gray.png", "color.png", "a.png"))
    gray.write_bytes(png(np.zeros((2, 2, 1), np.uint16)))
    Image.new("RGB", (2, 2)).save(color)
    text.write_bytes(b"no image")
    assert not any(map(is_deep_color, (gray, color, text)))


def test_a_broken_file_is_refused(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(png(np.ones((40, 40, 3), np.uint16))[:-40])
    with pytest.raises(ValueError, match="broken"):
        read_deep_color(path)
