"""The tables of the report, and their form in Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from i2i_keras.evaluation import metrics
from i2i_keras.evaluation.metrics import MEAN_IOU
from i2i_keras.evaluation.summary import ArmFile, Best, Lead, Summary
from i2i_keras.report.findings import gain_text, gap_text, marked_arm, sure_best
from i2i_keras.report.numbers import (
    NOTHING,
    floor_mean,
    gain_pairs,
    interval,
    metric_text,
    percent,
    points,
    shared_digits,
)
from i2i_keras.report.reading import Quality

Leads = Mapping[str, Lead]  # By row of a table.
NO_LEADS: Leads = MappingProxyType({})
NO_BEST = Best()


class Cell(NamedTuple):
    """What stands in a table.

    Attributes:
        text: that stands there.
        strong: whether it is to be emphasized.
        tone: "gain" or "harm", where it is one.
    """

    text: str
    strong: bool = False
    tone: str = ""


class Table(NamedTuple):
    """A table.

    Attributes:
        columns: their titles.
        rows: the first cell of each is its name.
        numeric: whether all but the names are numbers.
        title: where it is given, the table is folded away beneath it.
        sortable: whether the page lets rows be put in another order.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: bool = True
    title: str = ""
    sortable: bool = True


def result_rows(summary: Summary, scores: Mapping[str, ArmFile] | None = None) -> Table:
    """The result, one row an arm, in percent.

    `findings.marked_arm` is strong.

    Args:
        summary: what evaluate/summary.json holds.
        scores: what evaluate/ARM.json hold, by arm, for more columns.
    """
    arms = summary["arms"]
    columns = ["Arm", MEAN_IOU.title, "95% interval"]
    columns += ["Gain", "95% interval of gain", "Gap closed %"]
    several, native, chosen = (
        any(facts.get(key) for facts in arms.values())
        for key in ("seeds", "native_mean_iou", "label_chosen")
    )
    columns += ["Std over trainings"] * several + [f"{MEAN_IOU.title} at native size"] * native
    columns += ["Chosen by target labels %"] * chosen
    further = [metric for metric in metrics.METRICS if metric is not MEAN_IOU] if scores else []
    columns += [metric.title for metric in further]
    best = marked_arm(summary)
    floor, digits = floor_mean(arms), shared_digits(gain_pairs(arms))
    rows = []
    for arm, facts in arms.items():
        texts = [arm, percent(facts.get("mean_iou"), digits), interval(facts.get("ci95"), digits)]
        texts += [
            gain_text(facts, floor, digits),
            interval(facts.get("gain_ci95"), digits),
            gap_text(arms, arm),
        ]
        texts += [points(facts.get("std"))] * several
        texts += [percent(facts.get("native_mean_iou"))] * native
        label_chosen = facts.get("label_chosen")
        texts += [percent(label_chosen and label_chosen["mean_iou"])] * chosen
        known: Mapping[str, object] = (scores or {}).get(arm, {})
        texts += [metric_text(metric, known.get(metric.name)) for metric in further]
        rows.append([Cell(text, arm == best) for text in texts])
    return Table(columns, rows)


def class_rows(scores: Mapping[str, ArmFile], best: Best = NO_BEST) -> Table:
    """IoU of each class and subset in percent.

    Args:
        scores: what evaluate/ARM.json hold, by arm.
        best: what evaluate/summary.json says of the best arms.
    """
    all_values = {
        arm: {**facts["iou"], **_of_subsets(facts.get("subsets", {}))}
        for arm, facts in scores.items()
    }
    leads = {**best.get("iou", {}), **_of_subsets(best.get("subsets", {}))}
    return iou_rows("Class", all_values, leads)


def iou_rows(
    title: str, iou_by_arm: Mapping[str, Mapping[str, float | None]], leads: Leads = NO_LEADS
) -> Table:
    """IoU in percent, the best label-free arm of a row strong, if one is sure.

    Args:
        title: what the rows are.
        iou_by_arm: by arm and row; in [0, 1], or None.
        leads: by row, see `summary.Lead`. Without it none is strong.
    """
    names = dict.fromkeys(name for values in iou_by_arm.values() for name in values)
    rows = []
    for name in names:
        best = sure_best(leads.get(name))
        texts = {arm: percent(values.get(name)) for arm, values in iou_by_arm.items()}
        # What reads as zero is no success, however sure it is.
        cells = [Cell(text, arm == best and text != percent(0)) for arm, text in texts.items()]
        rows.append([Cell(name), *cells])
    return Table([title, *iou_by_arm], rows)


def _of_subsets(subsets: Mapping[str, Any]) -> dict[str, Any]:
    return {f"mean of {subset}": value for subset, value in subsets.items()}


def seed_rows(summary: Summary) -> Table:
    """Mean IoU of each training in percent, one row a seed.

    Args:
        summary: what evaluate/summary.json holds, of several seeds.
    """
    arms = summary["arms"]
    rows = [
        [Cell(f"seed {seed}"), *(Cell(percent(facts["seeds"][place])) for facts in arms.values())]
        for place, seed in enumerate(summary["seeds"])
    ]
    return Table(["Training", *arms], rows)


def translator_rows(quality: Quality) -> Table:
    """Distances to the target's images, cycle error and drift, by translator.

    Args:
        quality: what evaluate/METHOD.json hold, by method.
    """
    rows = []
    for method, facts in quality.items():
        # Source, translated; None where there are too few images.
        frechet, kernel = facts["frechet_distance"], facts["kernel_distance"]
        cycle = facts["cycle_error"]  # None: there is no way back.
        rows.append(
            [
                Cell(method),
                Cell(" to ".join(f"{d:.3g}" for d in frechet.values()) if frechet else NOTHING),
                Cell(" to ".join(map(_kernel, kernel.values())) if kernel else NOTHING),
                Cell(NOTHING if cycle is None else f"{cycle:.1f}"),
                Cell(percent(facts["drift"]["drifted"])),
            ]
        )
    titles = ["Frechet distance", "Kernel distance x 1,000", "Cycle error", "Drifted %"]
    return Table(["Translator", *titles], rows)


def _kernel(found: Sequence[float]) -> str:
    return f"{1000 * found[0]:.2g} ± {1000 * found[1]:.1g}"


def stage_rows(seconds: Mapping[str, float]) -> Table:
    """How long each stage took, and the sum of what is shown of that."""
    values = {stage: Decimal(f"{value:.1f}") for stage, value in seconds.items()}
    values["all"] = sum(values.values(), Decimal("0.0"))
    rows = [[Cell(stage), Cell(f"{value:,}")] for stage, value in values.items()]
    return Table(["Stage", "Seconds"], rows)


def fact_rows(title: str, facts: Mapping[str, Any], columns: tuple[str, str]) -> Table:
    """Nested facts by dotted name, folded away beneath a title."""
    rows = [[Cell(name), Cell(text)] for name, text in _flat(facts)]
    return Table(columns, rows, numeric=False, title=title)


def to_markdown(table: Table) -> str:
    """The table as Markdown that lines up in a terminal, too."""
    texts = [[escape(title) for title in table.columns]]
    texts += [
        [f"**{escape(c.text)}**" if c.strong else escape(c.text) for c in row] for row in table.rows
    ]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    right = [table.numeric and place > 0 for place in range(len(widths))]
    lines = [
        [
            text.rjust(width) if r else text.ljust(width)
            for text, width, r in zip(row, widths, right, strict=True)
        ]
        for row in texts
    ]
    rule = ["-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def escape(text: str) -> str:
    """Keeps text from being read as Markdown, as HTML or as a formula."""
    text = re.sub(r"[\x00-\x1f\x7f]+", " ", text)
    for sign, harmless in {"&": "&amp;", "<": "&lt;", "\\": "\\\\"}.items():
        text = text.replace(sign, harmless)
    # Within a word `_` is a letter.
    return re.sub(r"([|*`$]|~~|\](?=[(\[:])|(?<!\w)_|_(?!\w))", r"\\\1", text)
