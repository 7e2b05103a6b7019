#!/usr/bin/env bash
# Pillow 12.0.0: `save(..., compress_level=0)` writes a PNG whose rows are filtered all
# the same: by default a filter is tried out for each row, which is to help a compression
# that level 0 switches off. A reader has to undo it for each byte. The usual advice for
# files that shall be read fast is this level; without filters they are read faster again.
# No option of `save` switches filters off for RGB.
# Seen: of the 64 rows of a smooth gradient at level 0, 64 are filtered.
# Here uncompressed records are written without Pillow (i2i_keras/data/png.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==12.0.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys
import zlib

import numpy as np
from PIL import Image

x, y = np.meshgrid(np.arange(96), np.arange(64))
pixels = np.stack([x + y, 2 * x, 3 * y], axis=-1).astype(np.uint8)
file = io.BytesIO()
Image.fromarray(pixels).save(file, "PNG", compress_level=0)
data = file.getvalue()
compressed, place = b"", 8
while place < len(data):
    size, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
    if kind == b"IDAT":
        compressed += data[place + 8 : place + 8 + size]
    place += 12 + size
rows = np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(64, -1)
filtered = int((rows[:, 0] != 0).sum())
print(f"{filtered} of 64 rows are filtered, in a file of {len(data)} bytes, {pixels.size} of pixels")
sys.exit(not (filtered > 32 and len(data) > pixels.size))
PYTHON
echo "as described"
