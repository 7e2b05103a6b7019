"""Whether a segmenter is as often right as it is sure, and its checkpoints."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.plots.axes import chart, draw_legend, line_colors, style_axes
from i2i_keras.plots.panels import INK, Plot


def reliability(by_confidence: Mapping[str, NDArray[np.float64]]) -> Plot:
    """Share of right pixels by how sure the segmenter is of them.

    A line below the diagonal is surer than it is right. Beneath: how many
    pixels there are of each confidence.

    Args:
        by_confidence: by name `(3, bins)`, sums over the pixels of each bin of
            confidence: pixels, right ones and confidence.
    """
    figure = Plot(figsize=(5.2, 6.2), layout="constrained", facecolor="white")
    axes, shares = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    style_axes(axes)
    style_axes(shares)
    axes.plot([0, 100], [0, 100], color=INK, linewidth=1, linestyle=":")
    colors = line_colors(len(by_confidence))
    for (name, sums), color in zip(by_confidence.items(), colors, strict=True):
        pixels, right, confidence = sums[:, sums[0] > 0]
        axes.plot(
            100 * confidence / pixels, 100 * right / pixels, "o-", color=color, ms=4, label=name
        )
        edges = np.linspace(0, 100, sums.shape[1] + 1)
        shares.stairs(100 * sums[0] / max(1, sums[0].sum()), edges, color=color, linewidth=1.5)
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.set_ylabel("right, %", color=INK)
    shares.set_ylim(bottom=0)
    shares.set_ylabel("of all pixels, %", color=INK)
    shares.set_xlabel("confidence, %", color=INK)
    draw_legend(axes)
    return figure


def kept_checkpoints(mean_iou: Mapping[int, float], kept: int) -> Plot:
    """Mean IoU of the checkpoints that were kept, and which of them was taken.

    Args:
        mean_iou: in [0, 1], by step.
        kept: step of the checkpoint that was taken without target labels.
    """
    figure, axes = chart(6.5, 2.8)
    axes.grid(axis="y", visible=True)
    steps = sorted(mean_iou)
    values = [100 * mean_iou[step] for step in steps]
    blue, orange = line_colors(2)
    axes.plot(steps, values, "o-", color=blue, ms=4, label="checkpoints that were kept")
    best = max(mean_iou, key=lambda step: mean_iou[step])
    circle: dict[str, Any] = {"mfc": "none", "linestyle": "", "ms": 11, "mew": 1.6}
    axes.plot(best, 100 * mean_iou[best], "s", mec=INK, label="target labels' choice", **circle)
    if kept in mean_iou:
        axes.plot(kept, 100 * mean_iou[kept], "o", mec=orange, label="taken", **circle)
    axes.set_xlabel("step", color=INK)
    axes.set_ylabel("mean IoU, %", color=INK)
    axes.margins(y=0.2)
    draw_legend(axes, columns=3, above=True)
    return figure
