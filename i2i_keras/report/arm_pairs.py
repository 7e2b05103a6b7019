"""The arms against each other, as a matrix."""

from collections.abc import Sequence

from i2i_keras.evaluation.summary import Pair, Summary
from i2i_keras.report.findings import LEVEL, is_sure
from i2i_keras.report.numbers import (
    NOTHING,
    difference,
    gain_pairs,
    interval,
    is_number,
    shared_digits,
)
from i2i_keras.report.tables import Cell, Table

_OWN = "·"


def pair_table(summary: Summary) -> Table | None:
    """What each arm has over each other, in points; None of a single arm.

    Those that are more than chance, after correction, are strong.

    Args:
        summary: what evaluate/summary.json holds.
    """
    pairs, arms = summary.get("pairs", []), list(summary["arms"])
    if not pairs:
        return None
    known = {(pair["arm"], pair["other"]): pair for pair in pairs}
    known |= {(pair["other"], pair["arm"]): _turned(pair) for pair in pairs}
    means = {arm: facts.get("mean_iou") for arm, facts in summary["arms"].items()}
    digits = shared_digits(gain_pairs(summary["arms"]))

    def cell(arm: str, other: str) -> Cell:
        if arm == other:
            return Cell(_OWN)
        # As the means stand in the result table, so that it adds up.
        return _cell(known.get((arm, other)), difference(means[arm], means[other], digits), digits)

    rows = [[Cell(arm), *(cell(arm, other) for other in arms)] for arm in arms]
    return Table(["Row less column, points", *arms], rows, sortable=False)


def pair_notes(summary: Summary) -> list[str]:
    """How the matrix is read, and where its probabilities are from."""
    pairs = summary.get("pairs", [])
    if not pairs:
        return []
    several = len(summary.get("seeds", ())) > 1
    paired = "image and training" if several else "image"
    how = (
        "the level at which the interval of the difference would end at 0"
        if several
        else "Student's t of the difference by its bootstrap standard error"
    )
    return [
        f"Mean IoU of the row's arm less the column's, paired by {paired}, with the 95% interval of"
        f" this one difference, and p, corrected for all {len(pairs)} pairs (Holm, 1979)."
        f" Colored and bold: p is below {LEVEL} and the interval excludes 0; that any of these is"
        f" chance has a probability of 5% at most. p before the correction: {how}, two-sided."
    ]


def _cell(pair: Pair | None, shown: str, digits: int) -> Cell:
    if pair is None or not is_number(pair["difference"]):
        return Cell(NOTHING)
    ahead = pair["difference"] > 0
    lines = [f"+{shown}" if ahead and float(shown) else shown]
    if pair["ci95"]:
        lines.append(f"({interval(pair['ci95'], digits)})")
    if is_number(pair["p_holm"]):
        lines.append(f"p {_probability(pair['p_holm'])}")
    sure = is_sure(pair)
    tone = ("gain" if ahead else "harm") if sure else ""
    return Cell("\n".join(lines), sure, tone)


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _turned(pair: Pair) -> Pair:
    value, ends = pair["difference"], pair["ci95"]
    turned: Sequence[float] | None = [-ends[1], -ends[0]] if ends else None
    return {
        **pair,
        "arm": pair["other"],
        "other": pair["arm"],
        "difference": None if value is None else -value,
        "ci95": turned,
    }
