"""Numbers that stand together add up as they are read."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from i2i_keras.report.findings import gain_text, headline
from i2i_keras.report.numbers import (
    Pair,
    difference,
    gain_pairs,
    interval,
    percent,
    points,
    shared_digits,
)
from i2i_keras.report.tables import result_rows

SHARES = st.floats(0, 1)
# Also such as differ by little.
MEANS = st.lists(SHARES | st.floats(0.4, 0.4001), min_size=2, max_size=6)


def summary_of(means, half=0.02):
    """A summary of arms with these mean IoUs, source_only's first."""
    floor, *others = means
    arms = {"source_only": {"mean_iou": floor, "ci95": [floor - half, floor + half]}}
    for place, mean in enumerate(others):
        gain = mean - floor
        arms[f"adapted:{place}"] = {
            "mean_iou": mean,
            "ci95": [mean - half, mean + half],
            "gain": gain,
            "gain_ci95": [gain - half, gain + half],
        }
    return {"arms": arms}


@given(MEANS, st.floats(1e-5, 0.2))
def test_every_gain_of_a_table_is_the_difference_of_its_means(means, half):
    rows = [[cell.text for cell in row] for row in result_rows(summary_of(means, half)).rows]
    floor = Decimal(rows[0][1])
    for mean, row in zip(means[1:], rows[1:], strict=True):
        gain = Decimal(row[3].split("(")[-1].rstrip(")"))
        assert gain == Decimal(row[1]) - floor
        if abs(mean - means[0]) > 1e-8:
            assert (gain > 0) == (mean > means[0]) and gain != 0
        low, high = map(Decimal, row[4].split(" to "))
        assert low <= gain <= high


@given(SHARES, SHARES, st.floats(0.001, 0.2))
def test_the_gain_of_a_headline_is_the_difference_of_its_means(floor, mean, half):
    assume(abs(mean - floor) > half + 1e-6)
    text = headline(summary_of([floor, mean], half)).text
    before, after = text.split(" from ")[1].split("%")[:2]
    told = Decimal(text.split("by ")[1].split(" points")[0])
    assert told == abs(Decimal(after.removeprefix(" to ")) - Decimal(before))


@given(SHARES, SHARES)
def test_a_difference_is_never_turned_round(value, base):
    shown = Decimal(difference(value, base, shared_digits([Pair(value, base)])))
    assert shown == 0 or (shown > 0) == (value > base)


def test_what_is_shown_needs_no_more_digits_than_it_has_to():
    assert shared_digits([]) == 1
    assert shared_digits([Pair(0.3182, 0.1416, (0.16, 0.19))]) == 1
    assert shared_digits([Pair(0.3182, 0.3182, (0.0, 0.0)), Pair(None, 0.1)]) == 1
    assert shared_digits([Pair(0.3182, 0.1416), Pair(0.1418, 0.1416)]) == 2


def test_a_difference_does_not_leave_its_interval():
    # 14.16 and 31.82, rounded each, are 17.6 apart; the ends would be 17.7.
    assert shared_digits([Pair(0.3182, 0.1416, (0.17655, 0.17665))]) == 2
    # 0.30000000000000004 - 0.3 is zero but for the arithmetic.
    assert shared_digits([Pair(0.1 + 0.2, 0.3)]) == 1


def test_an_interval_without_width_does_not_ask_for_all_digits():
    assert shared_digits([Pair(0.31824999, 0.14160001, (0.17664998, 0.17664998))]) < 6


def test_an_arm_without_a_gain_is_compared_with_nothing():
    arms = {"source_only": {"mean_iou": 0.3}, "oracle": {"mean_iou": 0.5}}
    assert gain_pairs(arms) == []
    assert gain_pairs({"oracle": {"mean_iou": 0.5, "gain": 0.2}}) == [Pair(0.5, None)]
    assert gain_text({"mean_iou": 0.5, "gain": 0.2, "gain_ci95": [0.1, 0.3]}) == "+20.0"


def test_what_is_not_zero_is_not_rounded_to_zero():
    assert points(0.0002) == "0.02"
    assert points(-0.00004) == "-0.004"
    assert points(0.0) == "0.0"
    assert points(0.0812) == "8.1"
    assert interval((-0.0002, 0.0812), 2) == "-0.02 to 8.12"


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_number_that_is_not_there_is_a_hyphen(value):
    assert (
        percent(value) == points(value) == difference(value, 0.1) == difference(0.1, value) == "-"
    )
