"""How scores are written, so that what stands together adds up.

A difference beside what it is the difference of is that of the numbers as they
are shown: 14.2 and 31.8 are 17.6 apart, also where 17.65 would be nearer.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeGuard

from i2i_keras.evaluation.metrics import Metric
from i2i_keras.evaluation.summary import ArmScores, Ends
from i2i_keras.segmenters.arms import FLOOR

NOTHING = "-"  # Stands for a number that there is not.
Arms = Mapping[str, ArmScores]

_MOST_DIGITS = 6
_NEGLIGIBLE = 5e-9  # As a share: what even the most digits do not show.


class Pair(NamedTuple):
    """Two scores that stand together, as shares; None = it is not there.

    Attributes:
        value: a score.
        base: what it is compared with.
        ends: the interval of the difference.
    """

    value: float | None
    base: float | None
    ends: Ends | None = None


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is a finite number, not null or NaN."""
    return isinstance(value, int | float) and math.isfinite(value)


def percent(value: Any, digits: int = 1) -> str:
    """A share in [0, 1] as percent without the sign, or a hyphen."""
    return f"{100 * value:.{digits}f}" if is_number(value) else NOTHING


def metric_text(metric: Metric, value: Any) -> str:
    """A score as its column shows it, or a hyphen."""
    return f"{metric.factor * value:.{metric.digits}f}" if is_number(value) else NOTHING


def points(value: Any, digits: int = 1) -> str:
    """A difference of shares in percentage points, or a hyphen.

    What is not zero does not become zero: more digits are given then.
    """
    if not is_number(value):
        return NOTHING
    text = percent(value, digits)
    return text if float(text) or value == 0 else f"{100 * value:.2g}"


def interval(ends: Any, digits: int = 1) -> str:
    """Two ends in [-1, 1] as percentage points, or a hyphen."""
    return f"{points(ends[0], digits)} to {points(ends[1], digits)}" if ends else NOTHING


def excludes_zero(ends: Any) -> bool:
    """Whether an interval lies on one side of zero."""
    return bool(ends) and all(map(is_number, ends)) and (ends[0] > 0 or ends[1] < 0)


def difference(value: Any, base: Any, digits: int = 1) -> str:
    """The difference of two shares as they are shown, in points, or a hyphen.

    Args:
        value: a share in [0, 1].
        base: what is taken from it.
        digits: with which both are shown, from `shared_digits`.
    """
    if not is_number(value) or not is_number(base):
        return NOTHING
    return str(Decimal(percent(value, digits)) - Decimal(percent(base, digits)))


def shared_digits(pairs: Iterable[Pair]) -> int:
    """Digits behind the point for all numbers of a table or a sentence.

    One, or as many more as it takes until no difference is shown as zero that
    is not, and none outside of its own interval.

    Args:
        pairs: that stand there.
    """
    known = [pair for pair in pairs if is_number(pair.value) and is_number(pair.base)]
    choices = range(1, _MOST_DIGITS + 1)
    enough = [digits for digits in choices if all(_is_seen(pair, digits) for pair in known)]
    if not enough:
        return _MOST_DIGITS
    # An interval without width may never hold what is rounded otherwise.
    fitting = (digits for digits in enough if all(_fits(pair, digits) for pair in known))
    return next(fitting, enough[0])


def gain_pairs(arms: Arms) -> list[Pair]:
    """Each arm's mean IoU, source_only's, and the interval of the gain."""
    base = floor_mean(arms)
    return [
        Pair(facts.get("mean_iou"), base, facts.get("gain_ci95"))
        for facts in arms.values()
        if is_number(facts.get("gain"))
    ]


def floor_mean(arms: Arms) -> float | None:
    """The mean IoU of source_only; None where there is none."""
    return arms[FLOOR].get("mean_iou") if FLOOR in arms else None


def _is_seen(pair: Pair, digits: int) -> bool:
    shown = float(difference(pair.value, pair.base, digits))
    return abs(_between(pair)) < _NEGLIGIBLE or bool(shown)


def _fits(pair: Pair, digits: int) -> bool:
    ends = pair.ends
    if not ends or not all(map(is_number, ends)) or not ends[0] <= _between(pair) <= ends[1]:
        return True
    low, high = (float(points(end, digits)) for end in ends)
    return low <= float(difference(pair.value, pair.base, digits)) <= high


def _between(pair: Pair) -> float:
    """Their difference; `shared_digits` asks for those alone that have one."""
    return float("nan") if pair.value is None or pair.base is None else pair.value - pair.base
