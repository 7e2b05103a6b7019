"""What the scores say, in words that claim no more than they show."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from i2i_keras import runs

FLOOR, CEILING = "source_only", "oracle"
NOTHING = "-"  # Stands for a number that there is not.
Arms = Mapping[str, Mapping[str, Any]]


class Headline(NamedTuple):
    """The answer to the question of the run.

    Attributes:
        verdict: "gain", "harm" or "none".
        text: one sentence in plain words.
    """

    verdict: str
    text: str


def headline(summary: Mapping[str, Any]) -> Headline:
    """Says whether translating helped, by how much, how sure.

    A gain or a harm is claimed only where the 95% interval excludes zero. An
    arm that did better without translating, or by self-training, is named.

    Args:
        summary: what scores/summary.json holds.
    """
    answer, arms = _answer(summary), summary["arms"]
    best, adapted = best_free(arms), best_adapted(arms)
    rival = adapted or _best(arms, [arm for arm in (FLOOR,) if arm in arms])
    if not best or (rival and arms[best]["mean_iou"] <= arms[rival]["mean_iou"]):
        return answer
    mean = percent(arms[best]["mean_iou"])
    how = "With self-training" if ":" in best else "Without translating"
    return answer._replace(text=f"{answer.text} {how}, {best} reached {mean}%.")


def _answer(summary: Mapping[str, Any]) -> Headline:
    arms: Arms = summary["arms"]
    best = best_adapted(arms)
    if best is None:
        return Headline("none", _without_translation(arms))

    facts: Mapping[str, Any] = arms[best]
    gain = facts.get("gain")
    start = f"{_deed(best)} ({best}{_among(arms)})"
    if FLOOR not in arms or not is_number(gain):
        text = f"{start} gives a mean IoU of {percent(facts['mean_iou'])}% on the target"
        return Headline("none", f"{text}; without {FLOOR} there is nothing to compare it with.")

    if trainings := len(summary.get("seeds", ())):
        start = f"Over {trainings} trainings, {start[0].lower()}{start[1:]}"
    step = f"from {percent(arms[FLOOR]['mean_iou'])}% to {percent(facts['mean_iou'])}%"
    low, high = facts.get("gain_ci95") or (None, None)
    if not is_number(low) or not is_number(high):
        text = f"{start} took the mean IoU {step}, without an interval to say how sure that is."
        return Headline("none", text)
    interval = f"(95% interval {points(low)} to {points(high)})"
    if low > 0:
        text = f"{start} helped: mean IoU on the target rose {step}, by {points(gain)} points"
        return Headline("gain", f"{text} {interval}{_gap(facts)}.")
    if high < 0:
        text = f"{start} hurt: mean IoU on the target fell {step}, by {points(-gain)} points"
        interval = f"(95% interval {points(-high)} to {points(-low)})"
        return Headline("harm", f"{text} {interval}.")
    text = f"{start} made no measurable difference: mean IoU on the target went {step},"
    return Headline("none", f"{text} a change of {points(gain)} points {interval}.")


def training_warnings(root: Path, seeds: Sequence[int] = ()) -> list[str]:
    """What went wrong in trainings, as they told it.

    And with labels that were to be made safe.

    Args:
        root: the run directory.
        seeds: of several trainings, each of which is named.
    """
    if seeds:
        return [f"seed {s}: {w}" for s in seeds for w in training_warnings(root / f"seed-{s}")]
    return [
        f"{path.parent.parent.name} {path.parent.name}, {warning}"
        for stage in ("translator", "label_safe", "segmenter")
        for path in sorted(root.glob(f"{stage}/*/done.json"))
        for warning in (runs.read_json(path).get("results") or {}).get("warnings", [])
    ]


def best_adapted(arms: Arms) -> str | None:
    """The best arm that saw translated images and no target label.

    What self-training gains is no gain of translating: an arm that does both
    is taken only where there is no other.
    """
    return _best(arms, _adapted(arms))


def best_free(arms: Arms) -> str | None:
    """The best arm beside the floor that saw no target label."""
    return _best(arms, [arm for arm in arms if arm not in (FLOOR, CEILING)])


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is a finite number, not null or NaN."""
    return isinstance(value, int | float) and math.isfinite(value)


def percent(value: Any) -> str:
    """A share in [0, 1] as percent without the sign, or a hyphen."""
    return f"{100 * value:.1f}" if is_number(value) else NOTHING


def points(value: Any) -> str:
    """A difference of shares in percentage points, or a hyphen.

    What is not zero does not become zero: more digits are given then.
    """
    if not is_number(value):
        return NOTHING
    return f"{100 * value:.1f}" if abs(value) >= 5e-4 or value == 0 else f"{100 * value:.2g}"


def excludes_zero(ends: Any) -> bool:
    """Whether an interval lies on one side of zero."""
    return bool(ends) and all(map(is_number, ends)) and (ends[0] > 0 or ends[1] < 0)


def gain_text(facts: Mapping[str, Any]) -> str:
    """An arm's gain in points; one that may be chance is none in words."""
    value = facts.get("gain")
    if not is_number(value):
        return NOTHING
    text = f"+{points(value)}" if value > 0 else points(value)
    sure = excludes_zero(facts.get("gain_ci95"))
    return text if sure else f"no measurable difference ({text})"


def gap_text(facts: Mapping[str, Any]) -> str:
    """The share of the gap that a measurable gain closes, with its interval."""
    share, ends = facts.get("gap_closed"), facts.get("gap_closed_ci95")
    if not is_number(share) or not excludes_zero(facts.get("gain_ci95")):
        return NOTHING
    return f"{percent(share)} ({interval(ends)})" if ends else percent(share)


def interval(ends: Any) -> str:
    """Two ends in [-1, 1] as percentage points, or a hyphen."""
    return f"{points(ends[0])} to {points(ends[1])}" if ends else NOTHING


def _best(arms: Arms, names: Sequence[str]) -> str | None:
    scored = [arm for arm in names if is_number(arms[arm].get("mean_iou"))]
    return max(scored, key=lambda arm: float(arms[arm]["mean_iou"]), default=None)


def _adapted(arms: Arms) -> list[str]:
    translated = [arm for arm in arms if ":" in arm]
    return [arm for arm in translated if not _self_trained(arm)] or translated


def _self_trained(arm: str) -> bool:
    return arm.startswith("self_training")


def _deed(best: str) -> str:
    besides = " and self-training" if _self_trained(best) else ""
    return f"Translating the source images{besides}"


def _among(arms: Arms) -> str:
    count = len(_adapted(arms))
    return f", the best of {count} arms" if count > 1 else ""


def _gap(facts: Mapping[str, Any]) -> str:
    closed = facts.get("gap_closed")
    if not is_number(closed):
        return ""
    return f", which closes {100 * closed:.0f}% of the gap to training on target labels"


def _without_translation(arms: Arms) -> str:
    if FLOOR not in arms:
        return "No arm with translated images was scored."
    mean = percent(arms[FLOOR].get("mean_iou"))
    return f"No arm with translated images was scored; {FLOOR} has a mean IoU of {mean}%."
