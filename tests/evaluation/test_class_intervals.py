import numpy as np
import pytest

from i2i_keras.evaluation import intervals
from i2i_keras.evaluation.class_intervals import class_intervals
from i2i_keras.evaluation.metrics import iou_per_class

NAMES = ("road", "car", "sky")


def counts(trainings=1, images=25, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 40, (trainings, images, 3, 3)) + 60 * np.eye(3, dtype=int)


@pytest.mark.parametrize("trainings", [1, 3])
def test_each_is_the_interval_of_that_class_alone(trainings):
    matrices = counts(trainings)
    found = class_intervals(matrices, NAMES, 400, 2)
    draws = intervals.draw_test_sets(25, 400, 2)
    for place, name in enumerate(NAMES):
        # Matrix by matrix, drawn image by drawn image.
        drawn = [
            [iou_per_class(np.tensordot(some, one, 1))[place] for some in draws.astype(int)]
            for one in matrices
        ]
        points = [iou_per_class(one.sum(axis=0))[place] for one in matrices]
        one = intervals.Drawn(np.array(points), np.array(drawn), 25)
        assert found[name] == pytest.approx(one.interval())
        assert found[name][0] < np.mean(points) < found[name][1]


def test_a_class_that_one_image_shows_has_none():
    matrices = counts()
    matrices[:, 1:, 1] = 0
    found = class_intervals(matrices, NAMES, 50, 0)
    assert found["car"] is None
    assert found["road"] is not None


def test_a_class_that_few_images_show_counts_those_alone():
    few = counts()
    few[:, 6:, 1], few[:, 6:, :, 1] = 0, 0
    low, high = class_intervals(few, NAMES, 2000, 0)["car"]
    all_low, all_high = class_intervals(counts(), NAMES, 2000, 0)["car"]
    assert high - low > all_high - all_low
