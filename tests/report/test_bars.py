import pytest

from i2i_keras.report.bars import class_bars, result_bars
from i2i_keras.report.document import Document, Section, to_html
from i2i_keras.report.findings import Headline


def test_bars_and_intervals_lie_where_their_scores_are(summary):
    found = result_bars(summary["arms"])
    (group,) = found.groups.values()
    by_arm = {bar.name: bar for bar in group}
    # The scale ends at 60 %, the first line above 58.
    assert list(found.ticks.values()) == ["0", "10", "20", "30", "40", "50", "60"]
    assert by_arm["oracle"].value == pytest.approx(100 * 54 / 60)
    assert by_arm["oracle"].ends == pytest.approx((100 * 50 / 60, 100 * 58 / 60), abs=0.01)
    assert by_arm["oracle"].text == "54.0 (50.0 to 58.0)"
    assert found.line == by_arm["source_only"].value


def test_an_arm_without_a_score_has_a_name_and_no_bar(summary):
    summary["arms"]["oracle"] = {"mean_iou": None, "ci95": None}
    (group,) = result_bars(summary["arms"]).groups.values()
    assert (group[-1].text, group[-1].value, group[-1].ends) == ("-", None, None)


@pytest.mark.parametrize(
    ("mean", "last"), [(0.004, "5"), (0.31, "40"), (0.93, "100"), (1.0, "100")]
)
def test_the_scale_ends_above_the_largest_score(mean, last):
    found = result_bars({"source_only": {"mean_iou": mean, "ci95": None}})
    assert [*found.ticks.values()][-1] == last
    (group,) = found.groups.values()
    assert 0 < group[0].value <= 100


def test_classes_have_their_intervals_where_these_are_known():
    facts = {"iou": {"road": 0.5, "car": None, "sky": 0.25}}
    scores = {"source_only": facts, "oracle": {**facts, "iou_ci95": {"road": [0.4, 0.6]}}}
    found = class_bars(scores)
    assert list(found.groups) == ["road", "sky"]
    assert [bar.text for bar in found.groups["road"]] == ["50.0", "50.0 (40.0 to 60.0)"]
    assert found.groups["road"][1].ends == (40, 60)
    assert found.groups["sky"][1].ends is None
    assert "intervals" in found.caption
    assert "intervals" not in class_bars({"source_only": facts}).caption


def test_without_any_class_there_is_nothing_to_draw():
    assert class_bars({"source_only": {"iou": {"road": None}}}) is None


def test_a_name_is_broken_between_its_parts_and_escaped():
    scores = {"adapted:color": {"mean_iou": 0.5, "ci95": None}, "<b>": {"mean_iou": 0.1}}
    bars = result_bars(scores)
    page = to_html(Document("t", Headline("none", "x"), [Section("Result", bars=[bars])]))
    assert '<span class="name">adapted:<wbr>color</span>' in page
    assert '<span class="name">&lt;b&gt;</span>' in page
