"""What the report shows of drift: what became what, and when."""

from collections.abc import Iterator, Sequence

import numpy as np

from i2i_keras.plots import charts
from i2i_keras.plots.matrices import matrix_picture
from i2i_keras.report.curves import colored_lines
from i2i_keras.report.figures import Picture
from i2i_keras.report.reading import Quality
from i2i_keras.report.widgets import Widget

_LINES = 5  # Classes that are drawn over the steps.
_STEPS = (
    "Drift of the checkpoints that the training of {} has kept: of all pixels, and of the classes"
    " that most of the drifted pixels were of."
)


def drift_notes(quality: Quality) -> list[str]:
    """The largest changes of a class into another, by translator.

    Args:
        quality: what evaluate/METHOD.json hold, by method.
    """
    return [f"{m}: {told}" for m, facts in quality.items() for told in facts["drift"]["sentences"]]


def drift_pictures(quality: Quality) -> Iterator[Picture]:
    """What became what, and how that changed in the training.

    Args:
        quality: what evaluate/METHOD.json hold, by method.
    """
    for method, facts in quality.items():
        drift = facts["drift"]
        names, counts = list(drift["kept"]), drift["transitions"]
        figure = matrix_picture(
            counts, names, "seen in the image", f"seen in its translation by {method}"
        )
        caption = (
            f"What source_only sees in source images and, at the same places, in what {method}"
            " makes of them. Blue: what stayed; orange: what became another class. Of each row"
            " in percent, nothing where that is less than one half. Classes that were never seen"
            " are left out."
        )
        yield Picture(f"drift-{method}.png", caption, figure.png(), drawn=True)
        rows = drift["by_step"]
        if len(rows) > 1:
            figure = charts.drift_curves(rows, most_drifted(names, counts))
            caption = _STEPS.format(method)
            yield Picture(f"drift-steps-{method}.png", caption, figure.png(), "still", drawn=True)


def drift_widgets(quality: Quality) -> Iterator[Widget]:
    """Drift of the kept checkpoints, of all pixels and class by class."""
    for method, facts in quality.items():
        rows = facts["drift"]["by_step"]
        if len(rows) < 2:
            continue
        lines: dict[str, list[float | None]] = {
            "all pixels": [100 * row["drifted"] for row in rows]
        }
        drift = facts["drift"]
        for name in most_drifted(list(drift["kept"]), drift["transitions"]):
            kept = [row["kept"][name] for row in rows]
            lines[name] = [None if share is None else 100 * (1 - share) for share in kept]
        panel = {"title": "drifted pixels, %", "log": False, "lines": colored_lines(lines)}
        data = {"steps": [row["step"] for row in rows], "panels": [panel], "warnings": []}
        title = f"Drift over the training of {method}"
        yield Widget("curves", title, _STEPS.format(method), data)


def most_drifted(names: Sequence[str], counts: Sequence[Sequence[int]]) -> list[str]:
    """The classes that lost the most pixels, those that lost none left out.

    Args:
        names: of all classes.
        counts: `(classes, classes)`, before by row and after by column.
    """
    table = np.array(counts)
    lost = table.sum(axis=1) - np.diag(table)
    return [names[index] for index in np.argsort(-lost, kind="stable")[:_LINES] if lost[index]]
