import numpy as np

from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.evaluation.confusion import read_confusion, write_confusion
from i2i_keras.evaluation.scores import score_confusion
from i2i_keras.report import classes
from i2i_keras.run_folder.run import Run

SPACE = LABEL_SPACES["cityscapes34"]


def scores(space, seed):
    size = len(space.names)
    return score_confusion(space, np.random.default_rng(seed).integers(1, 100, (size, size)))


def texts(table):
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


def test_categories_and_their_mean_have_a_table():
    found = {arm: scores(LABEL_SPACES["cityscapes19"], n) for n, arm in enumerate(("a", "oracle"))}
    by_class, by_category = classes.class_tables(found)
    assert by_class.columns == ["Class", "a", "oracle"]
    assert by_category.columns == ["Category", "a", "oracle"]
    rows = texts(by_category)
    assert [*rows] == [
        *("flat", "construction", "object", "nature", "sky", "human", "vehicle"),
        "mean of categories",
    ]
    for name, wanted in (
        ("sky", [facts["categories"]["sky"] for facts in found.values()]),
        ("mean of categories", [facts["mean_category_iou"] for facts in found.values()]),
    ):
        assert rows[name] == [f"{100 * value:.1f}" for value in wanted]


def test_what_cityscapes_evaluates_has_a_table_where_there_is_more():
    found = {"a": scores(SPACE, 0)}
    table = classes.class_tables(found)[2]
    assert texts(table)["road"] == [f"{100 * found['a']['evaluated']['iou']['road']:.1f}"]
    assert len(table.rows) == 19
    assert "to predict one of these is a miss" in classes.class_notes(found)[2]


def test_categories_and_evaluated_classes_are_marked_as_the_summary_says():
    found = {arm: scores(SPACE, n) for n, arm in enumerate(("a", "b", "oracle"))}
    sure, chance = {"arm": "a", "sure": True}, {"arm": "b", "sure": False}
    best = {
        "categories": {"flat": sure, "sky": chance},
        "mean_category_iou": {"arm": "b", "sure": True},
        "evaluated": {"road": sure},
    }
    marks = [
        [(row[0].text, at) for row in table.rows for at, cell in enumerate(row) if cell.strong]
        for table in classes.class_tables(found, best)
    ]
    assert marks == [[], [("flat", 1), ("mean of categories", 2)], [("road", 1)]]


def test_a_space_without_categories_has_one_table():
    found = {"a": {"iou": {"sky": 0.5}, "categories": {}, "mean_category_iou": None}}
    assert len(classes.class_tables(found)) == len(classes.class_notes(found)) == 1


def test_scores_of_an_earlier_version_have_one_table_and_no_matrix(tmp_path):
    found = {"a": {"iou": {"sky": 0.5}}}
    assert len(classes.class_tables(found)) == 1
    assert [p.name for p in classes.class_pictures(Run(tmp_path), found)] == ["iou.png"]


def test_the_matrix_that_is_drawn_is_that_which_was_written(tmp_path):
    counts = np.random.default_rng(0).integers(0, 1000, (34, 34))
    path = Run(tmp_path).confusion_file("adapted:cyclegan")
    write_confusion(path, SPACE.names, counts)
    names, found = read_confusion(path)
    assert names == [*SPACE.names]
    np.testing.assert_array_equal(found, counts)
    pictures = classes.class_pictures(Run(tmp_path), {"adapted:cyclegan": scores(SPACE, 0)})
    assert [p.name for p in pictures] == ["iou.png", "confusion-adapted-cyclegan.png"]
