import itertools

import numpy as np
import pytest
from scipy import stats

from i2i_keras.evaluation.intervals import Drawn, bootstrap, draw_test_sets
from i2i_keras.evaluation.pairs import compare_pairs, holm, p_value


def means_of(values, samples=20_000):
    """The mean over images as a score, on drawn test sets."""
    draws = draw_test_sets(len(values), samples, 1)
    return Drawn(np.array([values.mean()]), (draws @ values / len(values))[np.newaxis], len(values))


def test_holm_is_that_of_a_worked_example():
    # By hand: 0.005 x 4, 0.01 x 3, then 0.03 x 2, and 0.04 x 1 is not below it.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_holm_rejects_what_its_steps_reject():
    """By its definition: from the smallest on, up to the first failure."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        given = rng.random(rng.integers(1, 8)) ** 3
        rejected = set()
        for step, place in enumerate(np.argsort(given)):
            if given[place] > 0.05 / (len(given) - step):
                break
            rejected.add(int(place))
        assert {*np.flatnonzero(holm(given) <= 0.05)} == rejected


def test_holm_neither_counts_nor_changes_what_is_not_known():
    np.testing.assert_allclose(holm([0.02, np.nan, 0.5]), [0.04, np.nan, 0.5])
    assert holm([]).shape == (0,)
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("shift", [0.02, 0.1, 0.3])
def test_of_means_it_is_the_paired_t_test(shift):
    rng = np.random.default_rng(3)
    one = rng.normal(0.5, 0.2, 30)
    other = one - shift + rng.normal(0, 0.2, 30)
    found = p_value(means_of(one).minus(means_of(other)))
    wanted = stats.ttest_rel(one, other).pvalue
    assert found == pytest.approx(wanted, rel=0.15)


def test_of_several_trainings_it_is_that_of_the_joined_interval():
    rng = np.random.default_rng(5)
    difference = Drawn(np.array([0.1, 0.12, 0.2]), rng.normal(0.14, 0.03, (3, 500)), 20)
    assert p_value(difference) == difference.p_value()


def test_no_difference_has_probability_one_and_one_image_has_none():
    same = means_of(np.zeros(5))
    assert p_value(same) == 1.0
    assert np.isnan(p_value(same._replace(num_images=1)))
    sure = Drawn(np.array([0.1]), np.full((1, 9), 0.1), 5)
    assert p_value(sure) == 0.0


def test_every_pair_is_there_once_with_its_own_difference():
    rng = np.random.default_rng(7)
    matrices = {arm: rng.integers(0, 50, (4, 12, 3, 3)) for arm in ("a", "b", "c")}
    matrices["c"] = matrices["c"] + 200 * np.eye(3, dtype=int)
    drawn = bootstrap(matrices, 300, 0)
    found = compare_pairs(drawn)
    assert [(pair["arm"], pair["other"]) for pair in found] == [*itertools.combinations("abc", 2)]
    for pair in found:
        difference = drawn[pair["arm"]].minus(drawn[pair["other"]])
        assert pair["difference"] == difference.mean
        assert pair["ci95"] == difference.interval()
        assert pair["p"] <= pair["p_holm"] <= 1
    assert found[1]["difference"] < 0
    assert found[1]["p_holm"] < 0.05 < found[0]["p_holm"]


def test_of_a_single_image_nothing_is_claimed():
    drawn = bootstrap({arm: np.ones((1, 1, 2, 2), int) for arm in "ab"}, 10, 0)
    (pair,) = compare_pairs(drawn)
    assert (pair["difference"], pair["ci95"], pair["p"], pair["p_holm"]) == (0.0, None, None, None)
