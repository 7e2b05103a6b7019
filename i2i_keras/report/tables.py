"""The tables of the report, and their form in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from i2i_keras.report.findings import (
    CEILING,
    NOTHING,
    best_free,
    excludes_zero,
    gain_text,
    gap_text,
    interval,
    is_number,
    percent,
    points,
)


class Cell(NamedTuple):
    """What stands in a table, and whether it is to be emphasized."""

    text: str
    strong: bool = False


class Table(NamedTuple):
    """A table.

    Attributes:
        columns: their titles.
        rows: the first cell of each is its name.
        numeric: whether all but the names are numbers.
        title: where it is given, the table is folded away beneath it.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: bool = True
    title: str = ""


def result_rows(summary: Mapping[str, Any], scores: Mapping[str, Any] | None = None) -> Table:
    """The result, one row an arm, in percent.

    Args:
        summary: what scores/summary.json holds.
        scores: what scores/ARM.json hold, by arm, for more columns.
    """
    arms = summary["arms"]
    columns = ["Arm", "Mean IoU %", "95% interval"]
    columns += ["Gain", "95% interval of gain", "Gap closed %"]
    several, native, chosen = (
        any(facts.get(key) for facts in arms.values())
        for key in ("seeds", "native_mean_iou", "label_chosen")
    )
    columns += ["Std over trainings"] * several + ["Mean IoU % at native size"] * native
    columns += ["Chosen by target labels %"] * chosen
    if scores:
        columns += ["Pixel accuracy %", "Mean accuracy %", "Frequency-weighted IoU %"]
        columns += ["Calibration error %", "Loss"]
    best = best_free(arms)
    rows = []
    for arm, facts in arms.items():
        texts = [arm, percent(facts.get("mean_iou")), interval(facts.get("ci95"))]
        texts += [
            gain_text(facts),
            interval(facts.get("gain_ci95")),
            gap_text(facts),
        ]
        texts += [points(facts.get("std"))] * several
        texts += [percent(facts.get("native_mean_iou"))] * native
        texts += [percent((facts.get("label_chosen") or {}).get("mean_iou"))] * chosen
        if scores:
            texts += _further(scores.get(arm, {}))
        strong = arm == best and excludes_zero(facts.get("gain_ci95"))
        rows.append([Cell(text, strong) for text in texts])
    return Table(columns, rows)


def class_rows(scores: Mapping[str, Any]) -> Table:
    """IoU of each class and subset in percent, the best label-free arm strong.

    Args:
        scores: what scores/ARM.json hold, by arm.
    """
    all_values = {
        arm: {
            **facts["iou"],
            **{f"mean of {subset}": mean for subset, mean in facts.get("subsets", {}).items()},
        }
        for arm, facts in scores.items()
    }
    return iou_rows("Class", all_values)


def iou_rows(title: str, iou_by_arm: Mapping[str, Mapping[str, float | None]]) -> Table:
    """IoU in percent, the best label-free arm of each row strong, if one is.

    Args:
        title: what the rows are.
        iou_by_arm: by arm and row; in [0, 1], or None.
    """
    names = dict.fromkeys(name for values in iou_by_arm.values() for name in values)
    rows = []
    for name in names:
        values = {arm: found.get(name) for arm, found in iou_by_arm.items()}
        free = [v for arm, v in values.items() if arm != CEILING and is_number(v)]
        best = max(free) if len(set(free)) > 1 else None
        rows.append([Cell(name)])
        for arm, value in values.items():
            strong = arm != CEILING and is_number(value) and value == best
            rows[-1].append(Cell(percent(value), strong))
    return Table([title, *iou_by_arm], rows)


def seed_rows(summary: Mapping[str, Any]) -> Table:
    """Mean IoU of each training in percent, one row a seed.

    Args:
        summary: what scores/summary.json holds, of several seeds.
    """
    arms = summary["arms"]
    rows = [
        [Cell(f"seed {seed}"), *(Cell(percent(facts["seeds"][place])) for facts in arms.values())]
        for place, seed in enumerate(summary["seeds"])
    ]
    return Table(["Training", *arms], rows)


def translator_rows(quality: Mapping[str, Mapping[str, Any]]) -> Table:
    """Distances to the target's images, cycle error and drift, by translator.

    Args:
        quality: what scores/METHOD.json hold, by method.
    """
    rows = []
    for method, facts in quality.items():
        frechet, kernel = facts["frechet_distance"], facts["kernel_distance"]
        cycle = facts["cycle_error"]  # None: there is no way back.
        rows.append(
            [
                Cell(method),
                Cell(f"{frechet['source']:.3g} to {frechet['translated']:.3g}"),
                Cell(" to ".join(_kernel(kernel[images]) for images in ("source", "translated"))),
                Cell(NOTHING if cycle is None else f"{cycle:.1f}"),
                Cell(percent(facts["drift"]["drifted"])),
            ]
        )
    titles = ["Frechet distance", "Kernel distance x 1,000", "Cycle error", "Drifted %"]
    return Table(["Translator", *titles], rows)


def _kernel(found: Sequence[float]) -> str:
    return f"{1000 * found[0]:.2g} ± {1000 * found[1]:.1g}"


def stage_rows(seconds: Mapping[str, float]) -> Table:
    """How long each stage took, and all of them."""
    values = {**seconds, "all": sum(seconds.values())}
    rows = [[Cell(stage), Cell(f"{value:,.1f}")] for stage, value in values.items()]
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


def _further(facts: Mapping[str, Any]) -> list[str]:
    loss = facts.get("loss")
    shares = ("pixel_accuracy", "mean_accuracy", "frequency_weighted_iou", "calibration_error")
    return [percent(facts.get(key)) for key in shares] + [
        f"{loss:.3f}" if is_number(loss) else NOTHING
    ]


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def escape(text: str) -> str:
    """Keeps text from being read as Markdown or HTML."""
    for sign, harmless in {"&": "&amp;", "<": "&lt;", "|": "\\|", "\n": " ", "*": "\\*"}.items():
        text = text.replace(sign, harmless)
    return text
