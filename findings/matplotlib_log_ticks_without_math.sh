#!/usr/bin/env bash
# matplotlib 3.11.2: `text.parse_math: False` is there so that a dollar sign in somebody's
# text stays one. With it every log axis shows the source of its labels, such as
# `$\mathdefault{10^{2}}$`: its formatter writes formulas and does not ask whether they will
# be read. Nothing is warned of, and linear axes beside it look right.
#
# Here texts are never formulas (a class may be called `$x$`), and curves of losses over
# decades had such ticks; they have a formatter of their own now (plots/charts.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.12}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet matplotlib==3.11.2
cat >"$folder/try.py" <<'PYTHON'
import sys

import matplotlib
from matplotlib.figure import Figure

matplotlib.use("agg")


def width_of_label(scale, parse):
    """In pixels, of the widest label of the axis."""
    with matplotlib.rc_context({"text.parse_math": parse}):
        figure = Figure()
        axes = figure.add_subplot()
        axes.plot([0, 1], [1, 100])
        axes.set_yscale(scale)
        figure.canvas.draw()
        labels = axes.get_yticklabels()
        widest = max(labels, key=lambda label: label.get_window_extent().width)
        return round(widest.get_window_extent().width), widest.get_text()


found = {(scale, parse): width_of_label(scale, parse)
         for scale in ("linear", "log") for parse in (True, False)}
for key, value in found.items():
    print(*key, *value)
same = found["linear", True] == found["linear", False]
raw = found["log", False][0] > 3 * found["log", True][0]
sys.exit(not (same and raw and "mathdefault" in found["log", False][1]))
PYTHON
cd "$folder"
"$folder/venv/bin/python" try.py && echo "as described"
