"""What the report shows of drift: what became what, and when."""

from collections.abc import Iterator, Sequence

import numpy as np

from i2i_keras.plots import charts
from i2i_keras.plots.matrices import matrix_picture
from i2i_keras.report.figures import Picture
from i2i_keras.report.reading import Quality

_LINES = 5  # Classes that are drawn over the steps.


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
        yield Picture(f"drift-{method}.png", caption, figure.png())
        rows = drift["by_step"]
        if len(rows) > 1:
            figure = charts.drift_curves(rows, most_drifted(names, counts))
            caption = (
                f"Drift of the checkpoints that the training of {method} has kept: of all pixels,"
                f" and of the classes that most of the drifted pixels were of."
            )
            yield Picture(f"drift-steps-{method}.png", caption, figure.png())


def most_drifted(names: Sequence[str], counts: Sequence[Sequence[int]]) -> list[str]:
    """The classes that lost the most pixels, those that lost none left out.

    Args:
        names: of all classes.
        counts: `(classes, classes)`, before by row and after by column.
    """
    table = np.array(counts)
    lost = table.sum(axis=1) - np.diag(table)
    return [names[index] for index in np.argsort(-lost, kind="stable")[:_LINES] if lost[index]]
