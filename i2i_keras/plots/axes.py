"""How all charts look."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from i2i_keras.plots.panels import INK, Plot

GRID = "#d0d7de"
# Okabe and Ito's colors, which the color-blind can tell apart.
CYCLE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")


def chart(width: float, height: float) -> tuple[Plot, Axes]:
    """A figure of so many inches, and its only axes."""
    figure = Plot(figsize=(width, height), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    style_axes(axes)
    axes.grid(axis="y", visible=False)
    return figure, axes


def style_axes(axes: Axes) -> None:
    """A frame at the left and below, and a pale grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(colors=INK, labelsize=9, color=GRID)
    axes.grid(color=GRID, linewidth=0.6, alpha=0.6)
    axes.set_axisbelow(True)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names the places 0, 1, ... from above to below."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.45, -0.55)  # The first row on top.


def draw_legend(axes: Axes, columns: int = 1, above: bool = False) -> None:
    """Names the lines, inside or above the axes."""
    style: dict[str, Any] = {"frameon": False, "fontsize": 9, "labelcolor": INK, "ncols": columns}
    if above:
        style |= {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    axes.legend(**style)


def line_colors(count: int) -> list[str]:
    """One color a line; from the sixth on they come again."""
    return [CYCLE[index % len(CYCLE)] for index in range(count)]
