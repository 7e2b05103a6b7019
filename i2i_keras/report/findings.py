"""What the scores say, in words that claim no more than they show."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from i2i_keras.evaluation.summary import ArmScores, Lead, Pair, Summary
from i2i_keras.report.numbers import (
    NOTHING,
    Arms,
    difference,
    excludes_zero,
    floor_mean,
    gain_pairs,
    interval,
    is_number,
    percent,
    points,
    shared_digits,
)
from i2i_keras.report.reading import read_warnings
from i2i_keras.run_folder import places
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import CEILING, FLOOR, Arm

LEVEL = 0.05  # A probability below is more than chance.
_WARNED_OF = (places.TRAIN_TRANSLATOR, places.LABEL_SAFE, places.TRAIN_SEGMENTER)


class Headline(NamedTuple):
    """The answer to the question of the run.

    Attributes:
        verdict: "gain", "harm" or "none".
        text: one sentence in plain words.
    """

    verdict: str
    text: str


def headline(summary: Summary) -> Headline:
    """Says whether translating helped, by how much, how sure.

    A gain or a harm is claimed only where the 95% interval excludes zero, and
    where it is more than chance among all pairs of arms, as the best of
    several was chosen. An arm that did better without translating, or by
    self-training, is named.

    Args:
        summary: what evaluate/summary.json holds.
    """
    answer, arms = _answer(summary), summary["arms"]
    best, adapted = best_free(arms), best_adapted(arms)
    rival = adapted or _best(arms, [arm for arm in (FLOOR,) if arm in arms])
    if not best or (rival and _mean(arms, best) <= _mean(arms, rival)):
        return answer
    mean = percent(arms[best]["mean_iou"], shared_digits(gain_pairs(arms)))
    how = "With self-training" if Arm(best).method else "Without translating"
    return answer._replace(text=f"{answer.text} {how}, {best} reached {mean}%.")


def _answer(summary: Summary) -> Headline:
    arms = summary["arms"]
    best = best_adapted(arms)
    if best is None:
        return Headline("none", _without_translation(arms))

    facts = arms[best]
    digits = shared_digits(gain_pairs(arms))
    mean = percent(facts["mean_iou"], digits)
    besides = " and self-training" if _self_trained(best) else ""
    count = len(_adapted(arms))
    among = f", the best of {count} arms" if count > 1 else ""
    start = f"Translating the source images{besides} ({best}{among})"
    if FLOOR not in arms or not is_number(facts.get("gain")):
        text = f"{start} gives a mean IoU of {mean}% on the target"
        return Headline("none", f"{text}; without {FLOOR} there is nothing to compare it with.")

    if trainings := len(summary.get("seeds", ())):
        start = f"Over {trainings} trainings, {start[0].lower()}{start[1:]}"
    return _gained(summary, best, start)


def _gained(summary: Summary, best: str, start: str) -> Headline:
    """What an arm gained, or lost, and how sure that is."""
    arms, facts = summary["arms"], summary["arms"][best]
    digits = shared_digits(gain_pairs(arms))
    mean = percent(facts["mean_iou"], digits)
    step = f"from {percent(floor_mean(arms), digits)}% to {mean}%"
    gain = difference(facts["mean_iou"], floor_mean(arms), digits)
    low, high = facts.get("gain_ci95") or (None, None)
    if not is_number(low) or not is_number(high):
        text = f"{start} took the mean IoU {step}, without an interval to say how sure that is."
        return Headline("none", text)
    sure = f"(95% interval {interval((low, high), digits)})"
    chance = _may_be_chance(summary, best, FLOOR)
    if low > 0 and not chance:
        text = f"{start} helped: mean IoU on the target rose {step}, by {gain} points {sure}"
        if (closed := measured_gap(arms, best)) is not None:
            text += f", which closes {100 * closed:.0f}% of the gap to training on target labels"
        return Headline("gain", f"{text}.")
    if high < 0 and not chance:
        text = f"{start} hurt: mean IoU on the target fell {step}, by {gain.lstrip('-')} points"
        sure = f"(95% interval {interval((-high, -low), digits)})"
        return Headline("harm", f"{text} {sure}.")
    text = f"{start} made no measurable difference: mean IoU on the target went {step},"
    text = f"{text} a change of {gain} points {sure}"
    if chance and (low > 0 or high < 0):
        text += f", which may be chance among {len(summary['pairs'])} pairs of arms"
    return Headline("none", f"{text}.")


def training_warnings(run: Run, seeds: Iterable[int] = ()) -> list[str]:
    """What went wrong in trainings, as they told it.

    And with labels that were to be made safe.

    Args:
        run: of the trainings.
        seeds: of several of them, each of which is named.
    """
    if seeds:
        members = {seed: run.member(seed) for seed in seeds}
        return [f"seed {s}: {w}" for s, one in members.items() for w in training_warnings(one)]
    stages = [path for stage in _WARNED_OF for path in sorted(run.folder(stage).glob("*/"))]
    return [
        f"{run.name_of(stage).replace('/', ' ')}, {warning}"
        for stage in stages
        for warning in read_warnings(run, stage)
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


def gain_text(facts: ArmScores, floor: Any = None, digits: int = 1) -> str:
    """An arm's gain in points; one that may be chance is none in words.

    Args:
        facts: of the arm.
        floor: the mean IoU of source_only, beside which it is shown; None
            where it is not known.
        digits: with which both are shown.
    """
    value = facts.get("gain")
    if not is_number(value):
        return NOTHING
    shown = difference(facts.get("mean_iou"), floor, digits)
    text = points(value, digits) if shown == NOTHING else shown
    text = f"+{text}" if value > 0 and float(text) else text
    sure = excludes_zero(facts.get("gain_ci95"))
    return text if sure else f"no measurable difference ({text})"


def sure_best(lead: Lead | None) -> str | None:
    """The arm that a row may mark as its best.

    Args:
        lead: of evaluate/summary.json, see `summary.Lead`; None in those
            of earlier versions, and where there is nothing to compare.
    """
    return lead["arm"] if lead and lead["sure"] else None


def marked_arm(summary: Summary) -> str | None:
    """The arm that the result table marks, if one is more than chance.

    It is the best without target labels, and its lead over the next such arm
    and its gain are more than chance: their intervals exclude zero, also after
    correction for all pairs.

    Args:
        summary: what evaluate/summary.json holds.
    """
    lead = (summary.get("best") or {}).get("mean_iou")
    best, arms = sure_best(lead), summary["arms"]
    if not lead or best not in arms or not excludes_zero(arms[best].get("gain_ci95")):
        return None
    rivals = (lead["next"], FLOOR)
    return None if any(_may_be_chance(summary, best, rival) for rival in rivals) else best


def is_sure(pair: Pair) -> bool:
    """Whether two arms differ by more than chance, among all pairs."""
    p = pair["p_holm"]
    return is_number(p) and p < LEVEL and excludes_zero(pair["ci95"])


def _may_be_chance(summary: Summary, arm: str, other: str) -> bool:
    """Whether two arms are not told apart among all pairs; no if unknown."""
    pairs = summary.get("pairs", [])
    return any(not is_sure(pair) for pair in pairs if {pair["arm"], pair["other"]} == {arm, other})


def measured_gap(arms: Arms, arm: str) -> float | None:
    """The share of the gap that an arm closes; None where it is not measured.

    It is where neither the arm's own gain nor that of the oracle, which is the
    whole gap, may be chance.
    """
    share = arms[arm].get("gap_closed")
    gains = (arms[name].get("gain_ci95") for name in (arm, CEILING) if name in arms)
    return share if is_number(share) and all(map(excludes_zero, gains)) else None


def gap_text(arms: Arms, arm: str) -> str:
    """The share of the gap that an arm closes, with its interval."""
    share, ends = measured_gap(arms, arm), arms[arm].get("gap_closed_ci95")
    if share is None:
        return NOTHING
    return f"{percent(share)} ({interval(ends)})" if ends else percent(share)


def _best(arms: Arms, names: Sequence[str]) -> str | None:
    scored = [arm for arm in names if is_number(arms[arm].get("mean_iou"))]
    return max(scored, key=lambda arm: _mean(arms, arm), default=None)


def _mean(arms: Arms, arm: str) -> float:
    mean = arms[arm].get("mean_iou")
    return float("nan") if mean is None else mean


def _adapted(arms: Arms) -> list[str]:
    translated = [arm for arm in arms if Arm(arm).method]
    return [arm for arm in translated if not _self_trained(arm)] or translated


def _self_trained(arm: str) -> bool:
    return Arm(arm).kind == "self_training"


def _without_translation(arms: Arms) -> str:
    if FLOOR not in arms:
        return "No arm with translated images was scored."
    mean = percent(arms[FLOOR].get("mean_iou"))
    return f"No arm with translated images was scored; {FLOOR} has a mean IoU of {mean}%."
