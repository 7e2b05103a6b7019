#!/usr/bin/env bash
# Pillow 12.0.0 with numpy 2.3.4: a label image (mode P) loses class numbers when it
# is saved as PNG, without an error or a warning, if its palette has few colors.
#
# The number of bits of a pixel is taken from the length of the palette, not from the
# largest index: with a palette of 5 to 16 colors a pixel has 4 bits, and 255, the usual
# number of "ignored", comes back as 15; with 3 or 4 colors as 3; with 1 or 2 as 1.
# A careful user would expect what `save` gives for a GIF or what `putpalette` promises:
# the indices that were put in. Label sets in which 15, 3 or 1 is the highest number and
# the palette is short are suspicious for that reason.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==12.0.0 numpy==2.3.4
cat >"$folder/try.py" <<'PYTHON'
import sys
import numpy as np
from PIL import Image

found = []
for colors in (2, 4, 16, 17):
    label = Image.fromarray(np.array([[0, 1, 255]], np.uint8), "P")
    label.putpalette([30] * 3 * colors)
    label.save("label.png")
    with Image.open("label.png") as again:
        found.append((colors, np.asarray(again)[0].tolist()))
print(found)
wanted = [(2, [0, 1, 1]), (4, [0, 1, 3]), (16, [0, 1, 15]), (17, [0, 1, 255])]
sys.exit(found != wanted)
PYTHON
cd "$folder"
"$folder/venv/bin/python" -W ignore::DeprecationWarning try.py && echo "as described"
