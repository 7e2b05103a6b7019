import numpy as np

from i2i_keras.report.figures import wrap_titles

LABEL = [np.zeros((2, 2), np.uint8)]


def test_titles_of_many_arms_are_broken_behind_their_kind():
    few = dict.fromkeys(["source_only", "adapted:cut", "mixed:cut", "oracle"], LABEL)
    assert wrap_titles(few) == few
    many = wrap_titles({**few, "adabn": LABEL})
    assert [*many] == ["source_only", "adapted:\ncut", "mixed:\ncut", "oracle", "adabn"]
