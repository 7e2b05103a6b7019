"""How sure a gain is, and on which images it is made."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from i2i_keras.errors import how_many
from i2i_keras.evaluation.summary import ArmScores
from i2i_keras.plots.axes import chart, line_colors, name_rows
from i2i_keras.plots.charts import arm_colors
from i2i_keras.plots.panels import INK, Plot
from i2i_keras.segmenters.arms import FLOOR

_BINS = 40
Values = NDArray[np.float64]


def gain_distributions(arms: Mapping[str, ArmScores], samples: Mapping[str, Values]) -> Plot:
    """The gain over source_only on resampled test sets, one row an arm.

    Args:
        arms: their scores, by name; of several trainings the gain of each is
            marked.
        samples: `(samples,)` by arm, gains in [-1, 1].
    """
    colors = arm_colors(arms)
    figure, axes = chart(7.5, 0.9 + 0.75 * len(samples))
    axes.axvline(0, color=INK, linewidth=1, linestyle=":")
    for place, (arm, drawn) in enumerate(samples.items()):
        counts, edges = np.histogram(100 * drawn[np.isfinite(drawn)], _BINS)
        heights = place + 0.3 - 0.7 * counts / max(1, counts.max())
        axes.stairs(heights, edges, baseline=place + 0.3, fill=True, color=colors[arm], alpha=0.5)
        if ends := arms[arm]["gain_ci95"]:
            axes.plot([100 * end for end in ends], [place + 0.3] * 2, color=INK, linewidth=2)
        axes.plot(100 * arms[arm]["gain"], place + 0.3, "o", color=INK, ms=5)
        if "seeds" in arms[arm]:
            gains = 100 * np.subtract(arms[arm]["seeds"], arms[FLOOR]["seeds"])
            axes.plot(gains, [place + 0.3] * len(gains), "|", color=colors[arm], ms=14, mew=2)
    name_rows(axes, list(samples))
    axes.set_xlabel(f"gain over {FLOOR}, points of mean IoU (line: 95% interval)", color=INK)
    return figure


def image_by_image(first: Values, second: Values, titles: tuple[str, str]) -> Plot:
    """A score of each image by two arms, one dot an image.

    Args:
        first: `(images,)` in [0, 1]; NaN where an image has none.
        second: of the same images.
        titles: names of both arms.
    """
    figure, axes = chart(4.6, 4.6)
    axes.grid(axis="y", visible=True)
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    better = second > first
    blue, orange = line_colors(2)
    axes.scatter(100 * first, 100 * second, s=14, c=np.where(better, blue, orange), alpha=0.7)
    values = 100 * np.concatenate([first, second])
    ends = (max(0, values.min() - 3), min(100, values.max() + 3)) if values.size else (0, 100)
    axes.plot(ends, ends, color=INK, linewidth=1, linestyle=":")
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel(f"{titles[0]}, mean IoU of an image, %", color=INK)
    axes.set_ylabel(f"{titles[1]}, %", color=INK)
    axes.set_title(
        f"above the line: {better.sum()} of {how_many(len(first), 'image')}", color=INK, fontsize=10
    )
    return figure
