import numpy as np
import pytest

from i2i_keras.evaluation.calibration import expected_error, sum_by_bin


def by_formula(confidence, right):
    """Guo et al., equation 3, in their 15 bins ((m - 1) / 15, m / 15]."""
    error = 0.0
    for m in range(1, 16):
        inside = (confidence > (m - 1) / 15) & (confidence <= m / 15)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            error += inside.mean() * gap
    return error


def test_the_error_is_that_of_the_papers_formula():
    random = np.random.default_rng(0)
    confidence = random.beta(4, 2, 10_000)
    right = random.random(10_000) < confidence**2
    wanted = by_formula(confidence, right)
    assert wanted > 0.1
    assert expected_error(sum_by_bin(confidence, right)) == pytest.approx(wanted, rel=1e-12)


def test_sums_of_images_add_up_to_those_of_all():
    random = np.random.default_rng(1)
    confidence, right = random.random((4, 500)), random.random((4, 500)) < 0.5
    added = sum(sum_by_bin(*image) for image in zip(confidence, right, strict=True))
    np.testing.assert_allclose(added, sum_by_bin(confidence.ravel(), right.ravel()))


def test_who_is_always_sure_and_half_of_the_time_right_is_wrong_by_a_half():
    assert expected_error(sum_by_bin(np.ones(10), np.arange(10) < 5)) == 0.5


def test_who_is_as_often_right_as_sure_has_no_error():
    confidence = np.repeat([0.25, 0.75], 4)
    right = np.array([True, False, False, False, True, True, True, False])
    assert expected_error(sum_by_bin(confidence, right)) == pytest.approx(0)


def test_no_confidence_is_lost_at_the_ends():
    # 1 + 1e-7 is what float32 can make of a probability of 1.
    ends = np.array([0.0, 1 / 15, 1.0, 1.0 + 1e-7], np.float32)
    assert sum_by_bin(ends, np.ones(4, bool))[0].sum() == 4
