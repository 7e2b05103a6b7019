import csv
import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from i2i_keras.datasets.spaces import LABEL_SPACES, SUBSETS
from i2i_keras.evaluation import intervals, scores
from i2i_keras.evaluation.confusion import write_confusion

SPACE = LABEL_SPACES["cityscapes19"]
CONFUSION = np.random.default_rng(0).integers(1, 100, (19, 19))


def test_subsets_are_means_over_some_of_the_classes():
    facts = scores.score_confusion(SPACE, CONFUSION)
    iou = np.array([*facts["iou"].values()])
    # SYNTHIA's 16 leave out terrain, truck and train, its 13 wall, fence, pole.
    assert facts["subsets"] == {
        "cityscapes16": pytest.approx(np.delete(iou, [9, 14, 16]).mean()),
        "cityscapes13": pytest.approx(np.delete(iou, [3, 4, 5, 9, 14, 16]).mean()),
    }
    assert facts["mean_iou"] == pytest.approx(iou.mean())


def test_the_34_classes_have_the_19_among_them():
    confusion = np.random.default_rng(0).integers(1, 100, (34, 34))
    facts = scores.score_confusion(LABEL_SPACES["cityscapes34"], confusion)
    evaluated = [facts["evaluated"]["iou"][name] for name in SUBSETS["cityscapes19"]]
    assert facts["subsets"]["cityscapes19"] == pytest.approx(np.mean(evaluated))
    assert facts["evaluated"]["mean_iou"] == pytest.approx(np.mean(evaluated))
    assert [*facts["subsets"]] == ["cityscapes19", "cityscapes16", "cityscapes13"]


def test_only_what_is_not_evaluated_makes_two_kinds_of_scores():
    assert "evaluated" not in scores.score_confusion(SPACE, CONFUSION)


def test_the_mean_of_categories_is_over_those_that_are_there():
    confusion = np.diag(np.arange(19))  # No road, and no fault.
    confusion[1] = 0
    facts = scores.score_confusion(SPACE, confusion)
    assert facts["categories"] == {
        **dict.fromkeys(["construction", "object", "nature", "sky", "human", "vehicle"], 1.0),
        "flat": None,
    }
    assert facts["mean_category_iou"] == 1.0


def test_scores_of_nothing_are_null_in_json():
    facts = scores.score_confusion(SPACE, np.zeros((19, 19), int))
    text = json.dumps(facts, allow_nan=False)
    assert json.loads(text)["mean_iou"] is None


def test_the_confusion_matrix_is_a_table_by_true_class(tmp_path):
    write_confusion(tmp_path / "a.csv", SPACE.names, CONFUSION)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["truth", *SPACE.names]
    assert [row[0] for row in rows] == [*SPACE.names]
    np.testing.assert_array_equal(np.array([row[1:] for row in rows], int), CONFUSION)


def test_another_space_has_no_subsets():
    facts = scores.score_confusion(LABEL_SPACES["idd7"], CONFUSION[:7, :7])
    assert facts["subsets"] == {}


def test_a_class_that_is_nowhere_is_left_out_of_a_subset():
    confusion = CONFUSION.copy()
    confusion[0] = confusion[:, 0] = 0
    facts = scores.score_confusion(SPACE, confusion)
    iou = np.array([value for value in facts["iou"].values() if value is not None])
    assert facts["iou"]["road"] is None
    assert facts["subsets"]["cityscapes16"] == pytest.approx(np.delete(iou, [8, 13, 15]).mean())


def test_the_mean_of_tables_is_taken_number_by_number():
    tables = [
        {"a": 1.0, "arm": "x", "deep": {"b": 2, "c": None}, "list": [1, 2], "none": None, "n": 5},
        {"a": 3.0, "arm": "x", "deep": {"b": 4, "c": 0.5}, "list": [3, 4], "none": None, "n": 5},
    ]
    found = scores.average(tables)
    assert isinstance(found.pop("n"), int)  # A count.
    assert found == {
        "a": 2.0,
        "arm": "x",
        "deep": {"b": 3.0, "c": 0.5},
        "list": [1, 2],
        "none": None,
    }


def exact(*points):
    values = np.array(points)
    return intervals.Drawn(values, np.repeat(values[:, np.newaxis], 9, 1), 30)


def test_of_one_training_there_is_no_spread():
    results = scores.compare({"source_only": exact(0.2), "adapted:x": exact(0.3)})
    assert results["adapted:x"].keys() == {
        *("mean_iou", "ci95", "gain", "gain_ci95", "gap_closed", "gap_closed_ci95")
    }
    assert results["adapted:x"]["gap_closed"] is None  # Without an oracle.


def test_of_several_trainings_there_are_means_spread_and_a_test():
    drawn = {
        "source_only": exact(0.2, 0.22, 0.21),
        "adapted:x": exact(0.3, 0.36, 0.33),
        "oracle": exact(0.5, 0.5, 0.5),
    }
    found = scores.compare(drawn)["adapted:x"]
    assert found["seeds"] == [0.3, 0.36, 0.33]
    assert found["mean_iou"] == pytest.approx(0.33) and found["std"] == pytest.approx(0.03)
    assert found["gain"] == pytest.approx(0.12)
    assert found["gain_p"] == pytest.approx(ttest_1samp([0.1, 0.14, 0.12], 0).pvalue, rel=1e-3)
    assert found["gap_closed"] == pytest.approx(0.12 / 0.29)
    assert found["gap_closed_ci95"][0] < 0.12 / 0.29 < found["gap_closed_ci95"][1]


def test_what_one_image_cannot_say_is_none():
    lonely = {
        arm: exact(*p)._replace(num_images=1)
        for arm, p in {
            "source_only": (0.2, 0.3),
            "adapted:x": (0.3, 0.5),
            "oracle": (0.6, 0.6),
        }.items()
    }
    found = scores.compare(lonely)["adapted:x"]
    assert found["mean_iou"] == pytest.approx(0.4)
    for name in ("ci95", "gain_ci95", "gap_closed_ci95", "gain_p"):
        assert found[name] is None
