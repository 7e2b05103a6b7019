"""Scores and histories as charts: numbers in, figures out, no global state."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from i2i_keras.evaluation.summary import ArmScores
from i2i_keras.plots.axes import chart, draw_legend, line_colors, name_rows, style_axes
from i2i_keras.plots.panels import INK, Plot, named
from i2i_keras.segmenters.arms import CEILING, FLOOR

History = Mapping[str, NDArray[np.float64]]

_SOURCE_ONLY, _ORACLE = "#9aa1a9", "#e0a800"
# Words of a metric's name that tell lines of one panel apart.
_LINES = {"x": "x", "y": "y", "xy": "x to y", "yx": "y to x", "val": "validation"}
_SMOOTH_FROM = 200  # Points; fewer are shown as they are.


def result_bars(arms: Mapping[str, ArmScores]) -> Plot:
    """Mean IoU of each arm with its interval.

    Args:
        arms: their scores, by name.
    """
    colors = arm_colors(arms)
    figure, axes = chart(7.5, 0.75 + 0.42 * len(arms))
    for place, (arm, facts) in enumerate(arms.items()):
        mean = facts.get("mean_iou")
        if mean is None:
            continue
        low, high = facts.get("ci95") or (mean, mean)
        axes.barh(place, 100 * mean, height=0.62, color=colors[arm])
        axes.plot([100 * low, 100 * high], [place, place], color=INK, linewidth=1.6)
        text = f" {100 * mean:.1f}"
        axes.text(100 * max(mean, high), place, text, va="center", color=INK, fontweight="bold")
    name_rows(axes, list(arms))
    axes.set_xlabel("mean IoU on target-test, % (line: 95% interval)", color=INK)
    axes.margins(x=0.12)
    axes.set_xlim(left=0)
    return figure


def iou_bars(iou_by_arm: Mapping[str, Mapping[str, float | None]]) -> Plot:
    """IoU of each class, one bar an arm.

    Args:
        iou_by_arm: by arm and class; in [0, 1], or None for a class that the
            arm neither met nor predicted. Classes without any are left out.
    """
    names = list(dict.fromkeys(name for iou in iou_by_arm.values() for name in iou))
    names = [n for n in names if any(iou.get(n) is not None for iou in iou_by_arm.values())]
    colors = arm_colors(iou_by_arm)
    bar = 0.8 / max(1, len(iou_by_arm))
    figure, axes = chart(8.5, 1.0 + len(names) * (0.1 + 0.085 * len(iou_by_arm)))
    places = np.arange(len(names))
    for index, (arm, iou) in enumerate(iou_by_arm.items()):
        values = [100 * (iou.get(name) or 0.0) for name in names]
        offset = (index - (len(iou_by_arm) - 1) / 2) * bar
        axes.barh(places + offset, values, bar, color=colors[arm], label=arm)
    name_rows(axes, names)
    axes.set_xlim(0, 100)
    axes.set_xlabel("IoU on target-test, %", color=INK)
    draw_legend(axes, columns=min(4, len(iou_by_arm)), above=True)
    return figure


def loss_curves(history: History, columns: int = 3) -> Plot:
    """Each metric over the training steps, in panels.

    Metrics whose names differ by `x`, `y`, `xy`, `yx` or `val` only, such as
    `loss` and `val_loss`, are lines of one panel.

    Args:
        history: `step` and metrics `(rows,)`; NaN where there is no value.
        columns: panels in a row, at most.
    """
    panels = panels_of(history)
    columns = max(1, min(columns, len(panels)))
    rows = max(1, -(-len(panels) // columns))
    figure = Plot(figsize=(10, 2.5 * rows), layout="constrained", facecolor="white")
    for place, (title, metrics) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        style_axes(axes)
        axes.set_title(title, color=INK, fontsize=10)
        for metric, color in zip(metrics, line_colors(len(metrics)), strict=True):
            _draw_curve(axes, history["step"], history[metric], color, line_name(metric))
        _scale(axes, title, [history[metric] for metric in metrics])
        if len(metrics) > 1:
            draw_legend(axes)
        if place > len(panels) - columns:
            axes.set_xlabel("step", color=INK, fontsize=9)
    return figure


def panels_of(history: History) -> dict[str, list[str]]:
    """Which metrics of a history belong together, by the title of their panel.

    Those without any value are left out, and losses that are always zero, which
    are those of weight zero.
    """
    panels: dict[str, list[str]] = {}
    for metric in history:
        if metric != "step" and np.isfinite(history[metric]).any():
            words = [word for word in metric.split("_") if word not in _LINES]
            title = " ".join(words) or metric
            if not title.endswith("loss") or np.nan_to_num(history[metric]).any():
                panels.setdefault(title, []).append(metric)
    return panels


def line_name(metric: str) -> str:
    """What tells a metric from the others of its panel."""
    words = [_LINES[word] for word in metric.split("_") if word in _LINES]
    return " ".join(words) or "train"


def wants_log(title: str, lines: Sequence[NDArray[np.float64]]) -> bool:
    """Whether a linear scale would hide how a loss ends."""
    values = np.concatenate(lines)
    low, high = np.nanmin(values), np.nanmax(values)
    return bool(title.endswith("loss") and 0 < 50 * low < high < np.inf)


def drift_curves(rows: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> Plot:
    """Share of drifted pixels over the steps of a training.

    Args:
        rows: `step`, `drifted` in [0, 1], and `kept` by class, in [0, 1] or
            None for one that was not seen.
        classes: those that are drawn besides all pixels.
    """
    figure, axes = chart(7.5, 3.2)
    axes.grid(axis="y", visible=True)
    steps = [row["step"] for row in rows]
    axes.plot(steps, [100 * row["drifted"] for row in rows], "o-", color=INK, ms=4, label="all")
    for name, color in zip(classes, line_colors(len(classes)), strict=True):
        kept = [row["kept"][name] for row in rows]
        lost = [np.nan if share is None else 100 * (1 - share) for share in kept]
        axes.plot(steps, lost, "o-", color=color, linewidth=1.2, ms=3, label=named(name))
    axes.set_xlabel("step", color=INK)
    axes.set_ylabel("drifted pixels, %", color=INK)
    axes.set_ylim(0, 100)
    draw_legend(axes, columns=len(classes) + 1, above=True)
    return figure


def arm_colors(arms: Iterable[str]) -> dict[str, str]:
    """One color an arm: gray for the floor, gold for the ceiling."""
    fixed = {FLOOR: _SOURCE_ONLY, CEILING: _ORACLE}
    names = list(arms)
    others = [arm for arm in names if arm not in fixed]
    return dict(zip(others, line_colors(len(others)), strict=True)) | {
        arm: color for arm, color in fixed.items() if arm in names
    }


def _draw_curve(
    axes: Axes, steps: NDArray[np.float64], values: NDArray[np.float64], color: str, name: str
) -> None:
    known = np.isfinite(values)
    steps, values = steps[known], values[known]
    marker = "o" if len(values) < 20 else ""
    if len(values) >= _SMOOTH_FROM:
        axes.plot(steps, values, color=color, linewidth=0.6, alpha=0.25)
        width = len(values) // 20
        values = np.convolve(values, np.full(width, 1 / width), "valid")
        steps = steps[width // 2 : width // 2 + len(values)]
    axes.plot(steps, values, marker=marker, ms=3, color=color, linewidth=1.5, label=name)


def _scale(axes: Axes, title: str, lines: Sequence[NDArray[np.float64]]) -> None:
    if wants_log(title, lines):
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    # A log scale's own labels are formulas, which a `Plot` draws as they are
    # written; a power of ten that all have in common would stand in the title.
    axes.yaxis.set_major_formatter("{x:g}")
    if title.endswith("learning rate"):
        axes.set_ylim(bottom=0)
