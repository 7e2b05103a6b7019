import pytest

from i2i_keras.report.findings import gap_text, headline, marked_arm


def test_a_gain_is_claimed_with_its_size_its_interval_and_the_gap(summary):
    answer = headline(summary)
    assert answer.verdict == "gain"
    assert answer.text == (
        "Translating the source images (adapted:cyclegan) helped: mean IoU on the target rose"
        " from 38.0% to 46.0%, by 8.0 points (95% interval 6.5 to 9.4), which closes 50% of the"
        " gap to training on target labels."
    )


def test_the_numbers_of_the_headline_add_up(summary):
    arms = summary["arms"]
    arms["source_only"]["mean_iou"] = 0.1416
    arms["adapted:cyclegan"] |= {"mean_iou": 0.3182, "gain": 0.1766, "gain_ci95": [0.16, 0.19]}
    assert "rose from 14.2% to 31.8%, by 17.6 points (95%" in headline(summary).text
    arms["adapted:cyclegan"] |= {"mean_iou": 0.1418, "gain": 0.0002, "gain_ci95": [0.0001, 0.0003]}
    text = "rose from 14.16% to 14.18%, by 0.02 points (95% interval 0.01 to 0.03)"
    assert text in headline(summary).text
    arms["adapted:cyclegan"] |= {"mean_iou": 0.0618, "gain": -0.0798, "gain_ci95": [-0.1, -0.07]}
    assert "fell from 14.2% to 6.2%, by 8.0 points (95%" in headline(summary).text
    arms["adapted:cyclegan"]["gain_ci95"] = [-0.1, 0.01]
    assert "went from 14.2% to 6.2%, a change of -8.0 points (95%" in headline(summary).text


@pytest.mark.parametrize("interval", [[-0.01, 0.02], [0.0, 0.02], [-0.02, 0.0]])
def test_no_difference_is_claimed_when_the_interval_holds_zero(summary, interval):
    summary["arms"]["adapted:cyclegan"]["gain_ci95"] = interval
    answer = headline(summary)
    assert answer.verdict == "none"
    assert "no measurable difference" in answer.text
    assert "helped" not in answer.text
    assert "closes" not in answer.text


def test_an_arm_that_did_better_without_translating_is_named(summary):
    arms = summary["arms"]
    arms["adabn"] = {**arms["adapted:cyclegan"], "mean_iou": 0.5}
    text = headline(summary).text
    assert "Translating the source images (adapted:cyclegan) helped" in text
    assert text.endswith(" Without translating, adabn reached 50.0%.")
    arms["adabn"]["mean_iou"] = 0.4
    assert "adabn" not in headline(summary).text


def test_what_self_training_gains_is_no_gain_of_translating(summary):
    arms = summary["arms"]
    arms["self_training:cyclegan"] = {**arms["adapted:cyclegan"], "mean_iou": 0.5}
    text = headline(summary).text
    assert text.startswith("Translating the source images (adapted:cyclegan) helped")
    assert text.endswith(" With self-training, self_training:cyclegan reached 50.0%.")
    arms["self_training"] = {**arms["adapted:cyclegan"], "mean_iou": 0.51}
    assert headline(summary).text.endswith(" Without translating, self_training reached 51.0%.")


def test_where_translating_is_only_seen_with_self_training_both_are_named(summary):
    arms = summary["arms"]
    arms["self_training:cyclegan"] = arms.pop("adapted:cyclegan")
    start = "Translating the source images and self-training (self_training:cyclegan) helped"
    assert headline(summary).text.startswith(start)
    summary["seeds"] = [0, 1]
    start = "Over 2 trainings, translating the source images and self-training ("
    assert headline(summary).text.startswith(start)


def test_harm_is_said_plainly(summary):
    summary["arms"]["adapted:cyclegan"] |= {
        "mean_iou": 0.33,
        "gain": -0.05,
        "gain_ci95": [-0.06, -0.04],
        "gap_closed": -0.3,
    }
    answer = headline(summary)
    assert answer.verdict == "harm"
    assert "hurt: mean IoU on the target fell from 38.0% to 33.0%, by 5.0 points" in answer.text
    assert "(95% interval 4.0 to 6.0)" in answer.text


def test_without_an_oracle_no_gap_is_spoken_of(summary):
    del summary["arms"]["oracle"]
    summary["arms"]["adapted:cyclegan"]["gap_closed"] = None
    assert headline(summary).text.endswith("(95% interval 6.5 to 9.4).")


def test_of_several_arms_the_best_is_named_and_their_number(summary):
    arms = summary["arms"]
    arms["mixed:cut"] = {**arms["adapted:cyclegan"], "mean_iou": 0.5}
    assert "(mixed:cut, the best of 2 arms) helped" in headline(summary).text


def test_without_the_floor_or_an_interval_nothing_is_claimed(summary):
    summary["arms"]["adapted:cyclegan"]["gain_ci95"] = [None, None]
    assert "without an interval" in headline(summary).text
    del summary["arms"]["source_only"]
    assert "nothing to compare" in headline(summary).text


def test_without_a_translated_arm_the_floor_is_reported(summary):
    del summary["arms"]["adapted:cyclegan"]
    answer = headline(summary)
    assert answer.verdict == "none"
    assert answer.text.endswith("source_only has a mean IoU of 38.0%.")


def test_without_a_translated_arm_the_best_of_the_others_is_named(summary):
    arms = summary["arms"]
    arms["self_training"] = arms.pop("adapted:cyclegan")
    answer = headline(summary)
    assert answer.verdict == "none"
    assert answer.text.endswith(" Without translating, self_training reached 46.0%.")


def test_an_arm_that_did_worse_than_the_floor_is_not_named(summary):
    del summary["arms"]["adapted:cyclegan"]
    summary["arms"]["adabn"] = {"mean_iou": summary["arms"]["source_only"]["mean_iou"] - 0.01}
    assert "adabn" not in headline(summary).text


def test_a_score_of_null_is_no_score(summary):
    summary["arms"]["adapted:cyclegan"]["mean_iou"] = None
    assert headline(summary).text.startswith("No arm with translated images was scored")


def test_a_gap_is_closed_by_a_measurable_gain_only():
    facts = {"gap_closed": 0.5, "gap_closed_ci95": [0.4, 0.62], "gain_ci95": [0.01, 0.03]}
    whole = {"gain_ci95": [0.1, 0.2]}

    def told(facts, oracle=whole):
        return gap_text({"adapted:color": facts, "oracle": oracle}, "adapted:color")

    assert told(facts) == "50.0 (40.0 to 62.0)"
    assert told({**facts, "gain_ci95": [-0.01, 0.03]}) == "-"
    assert told({**facts, "gain_ci95": None}) == "-"
    assert told({**facts, "gap_closed": None}) == "-"
    # Where the gap itself may be chance, no share of it is known.
    assert told(facts, {"gain_ci95": [-0.1, 0.2]}) == "-"


@pytest.mark.parametrize(("p", "verdict"), [(0.049, "gain"), (0.05, "none")])
def test_a_gain_that_may_be_chance_among_all_pairs_is_not_claimed(summary, p, verdict):
    ends = {"difference": 0.08, "ci95": [0.065, 0.094], "p": 0.01}
    summary["pairs"] = [
        {"arm": "adapted:cyclegan", "other": "source_only", **ends, "p_holm": p},
        {"arm": "adapted:cyclegan", "other": "oracle", **ends, "p_holm": 0.9},
    ]
    answer = headline(summary)
    assert answer.verdict == verdict
    told = "(95% interval 6.5 to 9.4), which may be chance among 2 pairs of arms."
    assert answer.text.endswith(told) == (verdict == "none")
    assert marked_arm(summary) == ("adapted:cyclegan" if verdict == "gain" else None)
