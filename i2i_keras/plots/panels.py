"""Images and label maps as figures: arrays in, figures out, no global state."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import NDArray

from i2i_keras.data.labels import IGNORE, colorize
from i2i_keras.datasets.spaces import LabelSpace

Image = NDArray[np.uint8]
Label = NDArray[np.uint8]
Row = Sequence[Image | None]

INK = "#24292f"
_WIDTH = 10.0  # Inches of a figure, unless its cells would be too small.
_CELL_WIDTHS = (1.7, 3.6)
_GAP = 0.07
_LINE = 0.21  # Inches that one line of text takes.
_LEGEND_ENTRY = 1.35


class Plot(Figure):
    """A figure that a notebook shows by itself.

    A bare `Figure` is only shown where pyplot's inline backend was asked for.
    """

    def png(self, dots_per_inch: int = 110) -> bytes:
        """Draws it as a PNG file; the same figure gives the same bytes."""
        for text in self.findobj(Text):
            text.set_parse_math(False)  # A name may hold a dollar sign.
        # Not by `savefig`, which draws everything twice.
        self.set_dpi(dots_per_inch)
        canvas = FigureCanvasAgg(self)
        canvas.draw()
        file = io.BytesIO()
        PIL.Image.fromarray(np.asarray(canvas.buffer_rgba())).save(
            file, "PNG", dpi=(dots_per_inch, dots_per_inch)
        )
        return file.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()


class _Grid(NamedTuple):
    """Where rows of images lie, in inches from the top left corner."""

    left: float
    top: float
    cell_width: float
    rows: Sequence[Row]

    @property
    def width(self) -> float:
        return max(len(row) for row in self.rows) * (self.cell_width + _GAP) - _GAP

    def tops(self) -> list[float]:
        """Where each row begins, and where the next one would."""
        tops = [self.top]
        for row in self.rows:
            tallest = max(i.shape[0] / i.shape[1] for i in row if i is not None)
            tops.append(tops[-1] + self.cell_width * tallest + _GAP)
        return tops

    @property
    def bottom(self) -> float:
        return self.tops()[-1] - _GAP


def image_grid(
    rows: Sequence[Row],
    row_titles: Sequence[str] = (),
    column_titles: Sequence[str] = (),
    legend: Mapping[str, NDArray[np.uint8]] | None = None,
) -> Plot:
    """Images in rows.

    Args:
        rows: images `(height, width, 3)` uint8 RGB, or None for an empty cell.
        row_titles: written upwards at the left.
        column_titles: written above.
        legend: colors `(3,)` uint8 by name, for a legend beneath.
    """
    columns = max(len(row) for row in rows)
    left = 1.3 * _LINE if row_titles else 0.0
    top = _title_height(column_titles)
    cell_width = float(np.clip((_WIDTH - left) / columns - _GAP, *_CELL_WIDTHS))
    grid = _Grid(left, top, cell_width, rows)

    width = grid.left + grid.width
    beneath = _legend_height(legend, width) if legend else 0.0
    figure = Plot(figsize=(width, grid.bottom + beneath), facecolor="white")
    _draw_grid(figure, grid, row_titles, column_titles)
    if legend:
        _draw_legend(figure, legend)
    return figure


def translations(
    source: Sequence[Image], translated: Sequence[Image], target: Sequence[Image] = ()
) -> Plot:
    """Images above their translations, and the domain they should look like.

    Args:
        source: `(height, width, 3)` uint8 RGB each.
        translated: their translations, in the same order.
        target: images of the target domain; not the counterparts of others.
    """
    if target:
        return image_grid([source, translated, target], ["source", "translated", "target"])
    return image_grid([source, translated], ["source", "translated"])


def label_maps(domains: Mapping[str, Sequence[Label]], space: LabelSpace) -> Plot:
    """Label maps of several domains in the colors of their one class table.

    Args:
        domains: label maps `(height, width)` uint8 by the name of the domain.
        space: what the labels mean; all its classes are in the legend.
    """
    rows = [[colorize(label, space.colors) for label in labels] for labels in domains.values()]
    classes = {
        f"{index} {name}": color
        for index, (name, color) in enumerate(zip(space.names, space.colors, strict=True))
    }
    classes[f"{IGNORE} ignored"] = np.zeros(3, np.uint8)
    return image_grid(rows, row_titles=list(domains), legend=classes)


def predictions(
    images: Sequence[Image],
    truth: Sequence[Label] | None,
    predictions_by_arm: Mapping[str, Sequence[Label]],
    space: LabelSpace,
    row_titles: Sequence[str] = (),
) -> Plot:
    """A row for each image: image, truth, and what each arm makes of it.

    Args:
        images: `(height, width, 3)` uint8 RGB each.
        truth: `(height, width)` uint8 each; 255 = ignored; None = not known.
        predictions_by_arm: label maps in the order of the images, by title.
        space: what the labels mean; the classes seen are in the legend.
        row_titles: written upwards at the left.
    """
    known = {} if truth is None else {"truth": truth}
    by_title = {**known, **predictions_by_arm}
    columns = [*by_title.values()]
    painted = [[colorize(label, space.colors) for label in column] for column in columns]
    seen = np.unique(np.concatenate([np.unique(label) for column in columns for label in column]))
    legend = {space.names[index]: space.colors[index] for index in seen if index != IGNORE}
    if IGNORE in seen:
        legend["ignored"] = np.zeros(3, np.uint8)
    rows = list(zip(images, *painted, strict=True))
    return image_grid(rows, row_titles, ["image", *by_title], legend)


def heat(values: NDArray[Any]) -> Image:
    """Paints values in [0, 1], dark to light, as `(height, width, 3)` uint8."""
    painted: Image = colormaps["magma"](values.astype(np.float32), bytes=True)[..., :3]
    return painted


def overview(translation: Sequence[Image], rows: Sequence[Row], titles: Sequence[str]) -> Plot:
    """The whole experiment in one picture, for a README.

    Args:
        translation: a source image, its translation and a target image.
        rows: a target image, its painted truth and predictions each.
        titles: of the columns of `rows`.
    """
    above = ["source", "translated", "target"]
    cells = max(len(row) for row in rows)
    first = _Grid(0, _title_height(above), (_WIDTH + _GAP) / 3 - _GAP, [translation])
    top = first.bottom + 0.5 * _LINE + _title_height(titles)
    second = _Grid(0, top, (_WIDTH + _GAP) / cells - _GAP, rows)

    figure = Plot(figsize=(_WIDTH, second.bottom), facecolor="white")
    _draw_grid(figure, first, (), above)
    _draw_grid(figure, second, (), titles)
    return figure


def _title_height(titles: Sequence[str]) -> float:
    return _LINE * max((title.count("\n") + 1.25 for title in titles), default=0.0)


def _draw_grid(
    figure: Figure, grid: _Grid, row_titles: Sequence[str], column_titles: Sequence[str]
) -> None:
    width, height = figure.get_size_inches()
    # One axes measured in inches: one for each image takes ten times as long.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    middles = [
        grid.left + column * (grid.cell_width + _GAP) + grid.cell_width / 2
        for column in range(max(len(row) for row in grid.rows))
    ]
    tops = grid.tops()
    for row, top in zip(grid.rows, tops, strict=False):
        for image, middle in zip(row, middles, strict=False):
            if image is not None:
                left, right = middle - grid.cell_width / 2, middle + grid.cell_width / 2
                bottom = top + grid.cell_width * image.shape[0] / image.shape[1]
                axes.imshow(image, extent=(left, right, bottom, top))
    for title, top, below in zip(row_titles, tops, tops[1:], strict=False):
        middle = (top + below - _GAP) / 2
        axes.text(0.06, middle, title, rotation=90, va="center", color=INK)
    for title, middle in zip(column_titles, middles, strict=False):
        # Line by line: a whole text would be placed by its lowest letter.
        for line, text in enumerate(reversed(title.split("\n"))):
            axes.text(middle, grid.top - _LINE * (line + 0.4), text, ha="center", color=INK)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")


def _legend_columns(width: float) -> int:
    return max(1, int(width / _LEGEND_ENTRY))


def _legend_height(legend: Mapping[str, NDArray[np.uint8]], width: float) -> float:
    return _LINE * (-(-len(legend) // _legend_columns(width)) + 0.7)


def named(name: str) -> str:
    """A name as legends show it, which leave out those that begin with `_`."""
    return f" {name}" if name.startswith("_") else name


def _draw_legend(figure: Figure, legend: Mapping[str, NDArray[np.uint8]]) -> None:
    patches = [
        Patch(facecolor=tuple(color / 255), edgecolor="#00000040", linewidth=0.5, label=named(name))
        for name, color in legend.items()
    ]
    columns = _legend_columns(figure.get_figwidth())
    figure.legend(
        handles=patches,
        loc="lower center",
        ncols=min(columns, len(patches)),
        fontsize=8.5,
        labelcolor=INK,
        frameon=False,
        borderaxespad=0.1,
        columnspacing=1.2,
        handlelength=1.4,
        handleheight=1.0,
    )
