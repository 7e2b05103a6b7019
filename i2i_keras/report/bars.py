"""Scores as bars with their intervals, drawn by the page itself."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from i2i_keras.evaluation.summary import ArmFile, ArmScores, Ends
from i2i_keras.plots.charts import arm_colors
from i2i_keras.report.numbers import NOTHING, interval, is_number, percent
from i2i_keras.segmenters.arms import FLOOR

_STEPS = (5, 10, 20, 25)  # Between the lines of a scale, in percent.


class Bar(NamedTuple):
    """One score; places are percent of the scale.

    Attributes:
        name: of the arm.
        text: the score and its interval.
        color: of the arm.
        value: where the bar ends; None where there is no score.
        ends: where the interval lies; None where there is none.
    """

    name: str
    text: str
    color: str
    value: float | None
    ends: tuple[float, float] | None


class Bars(NamedTuple):
    """Bars on one scale, in groups.

    Attributes:
        caption: what is to be seen.
        groups: bars by title; a single one has none.
        ticks: text of a line of the scale, by its place in percent.
        line: place of a line through all bars; None = there is none.
    """

    caption: str
    groups: Mapping[str, Sequence[Bar]]
    ticks: Mapping[float, str]
    line: float | None = None


def result_bars(arms: Mapping[str, ArmScores]) -> Bars:
    """Mean IoU of each arm, and a line at source_only's.

    Args:
        arms: their scores, by name.
    """
    top, ticks = _scale([(facts.get("mean_iou"), facts.get("ci95")) for facts in arms.values()])
    colors = arm_colors(arms)
    bars = [
        _bar(arm, facts.get("mean_iou"), facts.get("ci95"), colors[arm], top)
        for arm, facts in arms.items()
    ]
    floor = next((bar.value for bar in bars if bar.name == FLOOR), None)
    caption = "Mean IoU on target-test in percent, with 95% intervals."
    if floor is not None:
        caption += f" The line is {FLOOR}: what lies to its right is gained."
    return Bars(caption, {"": bars}, ticks, floor)


def class_bars(scores: Mapping[str, ArmFile]) -> Bars | None:
    """IoU of each class and arm; None where no class has any.

    Args:
        scores: what evaluate/ARM.json hold, by arm.
    """
    colors = arm_colors(scores)
    names = dict.fromkeys(name for facts in scores.values() for name in facts["iou"])
    groups = {}
    for name in names:
        found = [(arm, facts["iou"].get(name), _ends(facts, name)) for arm, facts in scores.items()]
        if any(value is not None for _, value, _ in found):
            groups[name] = [_bar(arm, value, ends, colors[arm], 1.0) for arm, value, ends in found]
    if not groups:
        return None
    caption = "IoU of each class on target-test in percent, of 0 to 100"
    caption += ", with 95% intervals." if any("iou_ci95" in f for f in scores.values()) else "."
    return Bars(caption, groups, {})


def _ends(facts: ArmFile, name: str) -> Ends | None:
    return facts["iou_ci95"].get(name) if "iou_ci95" in facts else None


def _bar(arm: str, value: float | None, ends: Ends | None, color: str, top: float) -> Bar:
    if not is_number(value):
        return Bar(arm, NOTHING, color, None, None)
    text = percent(value)
    if ends:
        text += f" ({interval(ends)})"
    shown = (_place(ends[0], top), _place(ends[1], top)) if ends else None
    return Bar(arm, text, color, _place(value, top), shown)


def _place(share: float, top: float) -> float:
    return round(100 * min(max(share / top, 0.0), 1.0), 2)


def _scale(values: Sequence[tuple[float | None, Ends | None]]) -> tuple[float, dict[float, str]]:
    """The end of a scale that begins at 0, and its lines."""
    largest = max(
        (ends[1] if ends else value for value, ends in values if is_number(value)), default=1.0
    )
    step = next((step for step in _STEPS if 100 * largest <= 6 * step), _STEPS[-1])
    count = max(1, -(-round(100 * largest, 6) // step))
    top = min(100, step * int(count))
    ticks = {round(100 * at / top, 2): f"{at}" for at in range(0, top + 1, step)}
    return top / 100, ticks
