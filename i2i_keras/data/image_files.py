"""Image files before they are decoded: by what, and whether they are whole."""

import zlib
from pathlib import Path

# Decoders that files are shown to; that of JPEG takes MPO as well, which are
# JPEGs with more pictures behind the first.
DECODERS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
# Chunks by which pixels get their values.
_OF_PIXELS = (b"IHDR", b"PLTE", b"IDAT")


def broken_chunk(path: Path) -> str:
    """The first chunk that is not as it was written; empty = none is.

    Pillow does not look at the checksums of pixels.

    Args:
        path: of a PNG. Only what its pixels come from is looked at.

    Reference:
        PNG, third edition, section 5.3, the layout of chunks.
    """
    data = memoryview(path.read_bytes())
    place = 8
    while place + 12 <= len(data):
        size, kind = (
            int.from_bytes(data[place : place + 4], "big"),
            bytes(data[place + 4 : place + 8]),
        )
        end = place + 8 + size
        if end + 4 > len(data):
            return kind.decode("ascii", "replace") if kind in _OF_PIXELS else ""
        if kind in _OF_PIXELS:
            wanted = int.from_bytes(data[end : end + 4], "big")
            if zlib.crc32(data[place + 4 : end]) != wanted:
                return kind.decode("ascii")
        if kind == b"IEND":
            return ""
        place = end + 4
    return ""
