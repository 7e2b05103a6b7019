import numpy as np
import pytest

from i2i_keras.data.spaces import LABEL_SPACES, SUBSETS
from i2i_keras.evaluation import summary

NAMES = LABEL_SPACES["cityscapes19"].names
CONFUSION = np.random.default_rng(0).integers(1, 100, (19, 19))


def test_subsets_are_means_over_some_of_the_classes():
    facts = summary.details(NAMES, CONFUSION)
    iou = np.array([*facts["iou"].values()])
    # SYNTHIA's 16 leave out terrain, truck and train, its 13 wall, fence, pole.
    assert facts["subsets"] == {
        "cityscapes16": pytest.approx(np.delete(iou, [9, 14, 16]).mean()),
        "cityscapes13": pytest.approx(np.delete(iou, [3, 4, 5, 9, 14, 16]).mean()),
    }
    assert facts["mean_iou"] == pytest.approx(iou.mean())


def test_the_34_classes_have_the_19_among_them():
    confusion = np.random.default_rng(0).integers(1, 100, (34, 34))
    facts = summary.details(LABEL_SPACES["cityscapes34"].names, confusion)
    evaluated = [facts["iou"][name] for name in SUBSETS["cityscapes19"]]
    assert facts["subsets"]["cityscapes19"] == pytest.approx(np.mean(evaluated))
    assert [*facts["subsets"]] == ["cityscapes19", "cityscapes16", "cityscapes13"]


def test_another_space_has_no_subsets():
    facts = summary.details(LABEL_SPACES["idd7"].names, CONFUSION[:7, :7])
    assert facts["subsets"] == {}


def test_a_class_that_is_nowhere_is_left_out_of_a_subset():
    confusion = CONFUSION.copy()
    confusion[0] = confusion[:, 0] = 0
    facts = summary.details(NAMES, confusion)
    iou = np.array([value for value in facts["iou"].values() if value is not None])
    assert facts["iou"]["road"] is None
    assert facts["subsets"]["cityscapes16"] == pytest.approx(np.delete(iou, [8, 13, 15]).mean())
