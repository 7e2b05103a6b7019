"""Counts of pairs of classes as a picture: numbers in, figures out."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike, NDArray

from i2i_keras.plots.panels import INK, Plot

_GRID = "#d0d7de"
# Okabe and Ito's blue for what agrees, their vermilion for what does not.
_SAME, _OTHER = (
    LinearSegmentedColormap.from_list(name, ["#ffffff", color])
    for name, color in (("same", "#0072b2"), ("other", "#d55e00"))
)
_CELL = 0.34  # Inches.
_LETTER = 0.064
_MARGIN = 0.12
_TITLE = 0.28
_DARK = 55  # Percent from which ink would not be read.


def matrix_picture(
    counts: ArrayLike, names: Sequence[str], row_title: str, column_title: str
) -> Plot:
    """A square table of counts, each row in percent of its sum.

    What lies on the diagonal is blue, all else orange. At the right stands the
    share that each row has of all counts.

    Args:
        counts: `(classes, classes)`. A class is left out where its row and its
            column are empty.
        names: of all classes.
        row_title: what the rows are.
        column_title: what the columns are.
    """
    table = np.asarray(counts, np.float64)
    there = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))
    table, names = table[np.ix_(there, there)], [names[index] for index in there]
    sums = table.sum(axis=1)
    percent = np.zeros(table.shape)
    np.divide(100 * table, sums[:, None], out=percent, where=sums[:, None] > 0)

    beneath = f"{column_title}, % of the row"
    figure, axes = _square(len(names), max(map(len, names), default=0), len(beneath))
    _paint(axes, percent)
    for index, (share, total) in enumerate(zip(sums / max(1.0, sums.sum()), sums, strict=True)):
        text = _brief(100 * share) or "<1" if total else "-"
        place = (len(names) + 0.6, index)
        axes.text(*place, text, ha="right", va="center", color=INK, fontsize=8)
    axes.text(len(names) - 0.3, -0.7, "of all, %", color=INK, fontsize=8, va="bottom")
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_ylabel(row_title, color=INK, fontsize=9, loc="top")
    axes.set_xlabel(beneath, color=INK, fontsize=9, loc="left")
    return figure


def _square(count: int, letters: int, title: int) -> tuple[Plot, Axes]:
    """Axes of so many cells a side, with room for so many letters of text."""
    side, room = max(1, count) * _CELL, letters * _LETTER + _TITLE + 2 * _MARGIN
    width = room + max(side + 10 * _LETTER, 1.15 * title * _LETTER) + _MARGIN
    height = room + side + _TITLE
    figure = Plot(figsize=(width, height), facecolor="white")
    box = (room / width, room / height, side / width, side / height)
    axes = figure.add_axes(box)
    axes.set(xlim=(-0.5, max(1, count) - 0.5), ylim=(max(1, count) - 0.5, -0.5))
    axes.tick_params(colors=INK, labelsize=8, length=0)
    axes.spines[:].set_color(_GRID)
    return figure, axes


def _paint(axes: Axes, percent: NDArray[np.float64]) -> None:
    count = len(percent)
    colors = np.where(
        np.eye(count, dtype=bool)[..., np.newaxis], _SAME(percent / 100), _OTHER(percent / 100)
    )
    if count:  # An image of no size is refused.
        axes.imshow(colors, aspect="auto", interpolation="nearest")
    places = np.arange(1, count) - 0.5
    axes.hlines(places, -0.5, count - 0.5, color=_GRID, linewidth=0.4)
    axes.vlines(places, -0.5, count - 0.5, color=_GRID, linewidth=0.4)
    for (row, column), value in np.ndenumerate(percent):
        color = "white" if value > _DARK else INK
        text = _brief(float(value))
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8)


def _brief(percent: float) -> str:
    """Rounded to one; nothing where that is zero."""
    return f"{percent:.0f}" if percent >= 0.5 else ""
