import copy

import numpy as np

from i2i_keras.report.drift import drift_notes, drift_pictures, most_drifted

DRIFT = {
    "drifted": 0.2,
    "kept": {"road": 0.5, "sky": 0.9, "car": None},
    "sentences": ["road became sky in 50% of its pixels."],
    "transitions": [[10, 10, 0], [8, 72, 0], [0, 0, 0]],
    "by_step": [
        {"step": 1, "drifted": 0.3, "kept": {"road": 0.5, "sky": 0.9, "car": None}},
        {"step": 2, "drifted": 0.2, "kept": {"road": 0.5, "sky": 0.9, "car": None}},
    ],
}


def names(drift):
    return [picture.name for picture in drift_pictures({"cut": {"drift": drift}})]


def test_there_is_a_matrix_for_each_method_and_curves_where_there_are_steps():
    assert names(DRIFT) == ["drift-cut.png", "drift-steps-cut.png"]
    last = copy.deepcopy(DRIFT) | {"by_step": DRIFT["by_step"][1:]}
    assert names(last) == ["drift-cut.png"]


def test_the_classes_that_lost_the_most_pixels_come_first():
    # Sky keeps more of its pixels than road does, and loses more of them.
    counts = [[10, 10, 0], [30, 70, 0], [0, 0, 9]]
    assert most_drifted(("road", "sky", "car"), counts) == ["sky", "road"]
    assert len(most_drifted("abcdefg", np.ones((7, 7), int))) == 5


def test_the_largest_changes_are_told_of_each_method():
    assert drift_notes({"cut": {"drift": DRIFT}}) == ["cut: road became sky in 50% of its pixels."]
