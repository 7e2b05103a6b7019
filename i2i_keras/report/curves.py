"""What a training has seen, step by step, for the page's script to draw."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data import records
from i2i_keras.data.records import image_size, spread
from i2i_keras.plots import charts
from i2i_keras.plots.axes import line_colors
from i2i_keras.report.reading import read_history, read_table, read_warnings, trained_networks
from i2i_keras.report.widgets import Widget, picture_url
from i2i_keras.run_folder import places
from i2i_keras.run_folder.run import Run

_POINTS = 400  # Of a line; of more, means are shown.
_FRAMES = 24  # Moments of a training.


def curve_widgets(run: Run, arms: Iterable[str]) -> Iterator[Widget]:
    """The history of every network, with the warnings at their steps."""
    for title, stage in trained_networks(run, arms).items():
        history = read_history(run.history(stage))
        if len(history) > 1:
            shown = title[0].upper() + title[1:]
            yield Widget("curves", shown, "", _curves(history, read_warnings(run, stage)))


def scrubbers(run: Run) -> Iterator[Widget]:
    """One image of each domain and its translations, step by step."""
    for method in run.methods(places.TRAIN_TRANSLATOR):
        found = run.samples(run.translator(method)).glob("step-*.png")
        strips = spread(sorted(found, key=_step), _FRAMES)
        first = spread(read_table(run, run.records, "source-train"), 1)
        if len(strips) < 2 or not first:
            continue
        size = image_size(first[0].image)
        frames = [{"step": _step(path), "src": _frame(path, size)} for path in strips]
        caption = (
            "A source image, its translation and, where there is a way back, that translated back;"
            " below, the same of a target image."
        )
        yield Widget("scrubber", f"Translations by {method}", caption, {"frames": frames})


def colored_lines(values: Mapping[str, list[float | None]]) -> list[dict[str, Any]]:
    """Lines of a panel by name, each with its color."""
    return [
        {"name": name, "color": color, "values": of_line}
        for (name, of_line), color in zip(values.items(), line_colors(len(values)), strict=True)
    ]


def _curves(history: charts.History, warnings: Sequence[str]) -> dict[str, Any]:
    steps = _thinned(history["step"])
    panels = [
        {
            "title": title,
            "log": charts.wants_log(title, [history[metric] for metric in metrics]),
            "lines": colored_lines(
                {charts.line_name(m): _numbers(_thinned(history[m])) for m in metrics}
            ),
        }
        for title, metrics in charts.panels_of(history).items()
    ]
    return {"steps": _numbers(steps), "panels": panels, "warnings": list(map(_at_step, warnings))}


def _thinned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of as many neighbors as it takes; NaN where there is no value."""
    if len(values) <= _POINTS:
        return values
    parts = np.array_split(values, _POINTS)
    known = [part[np.isfinite(part)] for part in parts]
    return np.array([part.mean() if len(part) else np.nan for part in known])


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """As JSON can hold them, five digits each."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values]


def _at_step(warning: str) -> dict[str, Any]:
    """A warning and its step, which it begins with; else none."""
    match = re.match(r"step (\d+): ", warning)
    return {"step": int(match[1]) if match else None, "text": warning}


def _step(path: Path) -> int:
    digits = path.stem.removeprefix("step-")
    return int(digits) if digits.isdecimal() else 0


def _frame(strip: Path, size: tuple[int, int]) -> str:
    """The first row of a strip, what is of the target below the rest."""
    height, width = size
    row = np.asarray(records.read_image(strip))[:height]
    half = row.shape[1] // 2
    if row.shape[1] % (2 * width):
        return picture_url(row)
    return picture_url(np.vstack([row[:, :half], row[:, half:]]))
