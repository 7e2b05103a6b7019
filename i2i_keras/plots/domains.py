"""How the domains differ, as a figure: numbers in, figure out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from i2i_keras.plots.panels import INK, Plot
from i2i_keras.preparation.comparison import IGNORED, shares

_COLORS = {"source": "#0072b2", "target": "#d55e00"}


def domain_comparison(facts: Mapping[str, Any]) -> Plot:
    """Class shares, class shares by strip, and mean color by strip.

    Args:
        facts: what prepare/comparison.json holds: `names`, `source`, `target`
            (see `comparison.join`). A domain whose labels were not looked at
            has only its colors drawn.
    """
    by_domain = {name: found for name in _COLORS if (found := shares(facts[name])) is not None}
    names = [*facts["names"], IGNORED]
    shown = [
        index
        for index in range(len(names))
        if any(found[:, index].sum() > 0 for found in by_domain.values())
    ]
    height = max(2.2, 0.8 + 0.2 * len(shown))
    figure = Plot(figsize=(10, height), layout="constrained", facecolor="white")
    widths = ([2.2] if by_domain else []) + [1.5] * len(by_domain) + [1.0]
    axes = [*np.atleast_1d(figure.subplots(1, len(widths), width_ratios=widths))]
    if by_domain:
        titles = [names[index] for index in shown]
        _draw_bars(axes[0], {d: found[:, shown].mean(axis=0) for d, found in by_domain.items()})
        axes[0].set_yticks(range(len(titles)), titles, fontsize=8, color=INK)
        for place, (domain, found) in zip(axes[1:], by_domain.items(), strict=False):
            _draw_strips(place, f"{domain}: share by height", found[:, shown].T)
    _draw_colors(axes[-1], facts)
    return figure


def _draw_bars(axes: Axes, by_domain: Mapping[str, NDArray[np.float64]]) -> None:
    bar = 0.8 / len(by_domain)
    for index, (domain, found) in enumerate(by_domain.items()):
        places = np.arange(len(found)) + (index - (len(by_domain) - 1) / 2) * bar
        axes.barh(places, 100 * found, bar, color=_COLORS[domain], label=domain)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlabel("% of all pixels", color=INK, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=8)
    axes.legend(frameon=False, fontsize=8)


def _draw_strips(axes: Axes, title: str, found: NDArray[np.float64]) -> None:
    axes.imshow(found, aspect="auto", cmap="Greys", vmin=0, vmax=1)
    axes.set_title(title, fontsize=9, color=INK)
    axes.set_xticks([0, found.shape[1] - 1], ["top", "bottom"], fontsize=8, color=INK)
    axes.set_yticks([])


def _draw_colors(axes: Axes, facts: Mapping[str, Any]) -> None:
    columns = {name: facts[name]["color"] for name in _COLORS if "color" in facts[name]}
    pixels = np.asarray([*columns.values()]).transpose(1, 0, 2) / 255
    axes.imshow(pixels, aspect="auto", interpolation="nearest")
    axes.set_title("mean color by height", fontsize=9, color=INK)
    axes.set_xticks(range(len(columns)), list(columns), fontsize=8, color=INK)
    axes.set_yticks([])
