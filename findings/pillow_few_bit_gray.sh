#!/usr/bin/env bash
# Pillow 12.0.0 with numpy 2.3.4: class numbers in a gray PNG of 2 or 4 bits a pixel
# come back multiplied, by 85 or 17, without a word; in a palette PNG of as few bits
# they do not.
#
# A gray PNG of 4 bits is a valid and small label file for up to 16 classes. Pillow
# opens it in mode "L" and stretches 0..15 to 0..255, as a picture wants it: class 1
# is 17. For labels in Cityscapes' ids that is "pole", a class, and no error follows.
# With 1 bit the mode is "1" and numbers stay; with a palette (mode "P") they stay at
# any depth. Who reads labels has to look at the depth in the header and divide.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==12.0.0 numpy==2.3.4
cat >"$folder/try.py" <<'PYTHON'
import struct
import sys
import zlib
import numpy as np
from PIL import Image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read(bits, kind, row, width):
    """The numbers of a PNG of one row; kind 0 is gray, 3 has a palette."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, kind, 0, 0, 0))
    palette = chunk(b"PLTE", bytes(range(3 * 2**bits))) if kind == 3 else b""
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + bytes(row)))
    with open("label.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + head + palette + pixels + chunk(b"IEND", b""))
    with Image.open("label.png") as image:
        return image.mode, np.asarray(image)[0].astype(int).tolist()


found = [
    read(2, 0, [0b00011011], 4),
    read(4, 0, [0x01, 0x2F], 4),
    read(4, 3, [0x01, 0x2F], 4),
    read(1, 0, [0b01000000], 2),
]
print(found)
wanted = [("L", [0, 85, 170, 255]), ("L", [0, 17, 34, 255]), ("P", [0, 1, 2, 15]), ("1", [0, 1])]
sys.exit(found != wanted)
PYTHON
cd "$folder"
"$folder/venv/bin/python" try.py && echo "as described"
