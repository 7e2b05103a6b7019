#!/usr/bin/env bash
# rich 15.0.0: a table whose columns have a `min_width` is cropped at the right where it
# does not fit into the console: a column is missing as a whole here, title and number,
# and elsewhere a cell is cut within, without an ellipsis and without a warning, though
# the cells may fold (overflow="fold").
#
# A careful user would expect that text folds or ends in an ellipsis, as it does without
# `min_width`; a number that is cut can be read as another number. Why our result table
# is not drawn by it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet rich==15.0.0
cat >"$folder/try.py" <<'PYTHON'
import io
import sys
from rich.console import Console
from rich.table import Table

table = Table("Arm", "Mean IoU", "95% interval of the gain", box=None)
for column in table.columns:
    column.min_width, column.overflow = 18, "fold"
table.add_row("adapted:cyclegan", "31.8", "16.7 to 18.4 percent")
console = Console(width=40, file=io.StringIO())
console.print(table)
text = console.file.getvalue()
print(text)
whole = "16.7 to 18.4 percent" in " ".join(text.split())
marked = "…" in text
sys.exit(whole or marked)
PYTHON
"$folder/venv/bin/python" "$folder/try.py" && echo "as described"
