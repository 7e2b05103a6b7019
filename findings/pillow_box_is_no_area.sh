#!/usr/bin/env bash
# Pillow 12.0.0 with numpy 2.3.4: `Image.resize` with `Resampling.BOX` is an average of
# areas only if the factor is whole. Else a pixel at the border of a new pixel's area
# counts whole or not at all, so that new pixels are means of unequally many old ones.
#
# From GTA5's 1914 x 1052 to 1024 x 512, a usual step, white noise comes out 12 gray
# levels away from the mean of the areas (124 at most), from Cityscapes' 2048 x 1024 to the
# same size half a level: two domains at one size have other low-pass filters,
# which a discriminator can tell apart. A careful user takes BOX for OpenCV's
# INTER_AREA, and TensorFlow's `area`; `Image.reduce` is one, at whole factors.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==12.0.0 numpy==2.3.4
cat >"$folder/try.py" <<'PYTHON'
import sys
import numpy as np
from PIL import Image


def weights(old, new):
    """How much of each old pixel lies in each new one, `(new, old)`."""
    at, edges = np.arange(old), np.arange(new + 1)[:, None] * old / new
    inside = np.minimum(edges[1:], at + 1) - np.maximum(edges[:-1], at)
    return np.clip(inside, 0, 1) * new / old


def differences(size):
    """Of BOX to the means of areas, in gray levels: the mean and the largest."""
    pixels = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    means = weights(size[0], 512) @ pixels @ weights(size[1], 1024).T
    box = Image.fromarray(pixels).resize((1024, 512), Image.Resampling.BOX)
    apart = np.abs(np.asarray(box) - means)
    return round(float(apart.mean()), 1), round(float(apart.max()))


found = [differences((1052, 1914)), differences((1024, 2048))]
print(found)
sys.exit(not (found[0][0] > 10 and found[0][1] > 50 and found[1][1] <= 1))
PYTHON
cd "$folder"
"$folder/venv/bin/python" try.py && echo "as described"
