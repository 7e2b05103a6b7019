import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf
from PIL import Image

from i2i_keras.data.records import Record
from i2i_keras.evaluation.distribution import (
    extract_features,
    frechet_distance,
    kernel_distance,
    measure_difference,
)

RNG = np.random.default_rng(0)


def correlated(count, channels, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, channels)) @ rng.normal(size=(channels, channels)) + seed


def scipy_frechet(a, b):
    """An oracle: the formula as the paper writes it, with scipy's root."""
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    means = np.sum((a.mean(0) - b.mean(0)) ** 2)
    return means + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)


def loops_discrepancy(a, b):
    """An oracle: the unbiased estimate, pair by pair."""

    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    n = len(a)
    within = [
        sum(kernel(s[i], s[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
        for s in (a, b)
    ]
    return sum(within) - 2 * np.mean([kernel(x, y) for x in a for y in b])


def test_the_frechet_distance_is_scipys():
    a, b = correlated(50, 6, 1), correlated(70, 6, 2)
    assert frechet_distance(a, b) == pytest.approx(scipy_frechet(a, b), rel=1e-9)


def test_a_set_has_no_distance_to_itself():
    a = correlated(40, 8, 3)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)


def test_a_shift_costs_its_square():
    a = correlated(40, 8, 4)
    shift = RNG.normal(size=8)
    assert frechet_distance(a, a + shift) == pytest.approx(shift @ shift)


def test_of_one_dimensional_gaussians_the_spreads_count():
    a = RNG.normal(size=(30, 1))
    expected = (3 * a.std(ddof=1) - a.std(ddof=1)) ** 2 + (2 * a.mean()) ** 2
    assert frechet_distance(a, 3 * a) == pytest.approx(expected)


def test_more_channels_than_images_are_no_trouble():
    a, b = correlated(5, 20, 5), correlated(5, 20, 6)
    assert frechet_distance(a, b) == pytest.approx(scipy_frechet(a, b), rel=1e-5)


def test_the_kernel_distance_is_that_of_all_pairs():
    a, b = RNG.normal(size=(12, 4)), RNG.normal(1.0, size=(12, 4))
    distance = kernel_distance(a, b, subsets=3)
    assert distance.mean == pytest.approx(loops_discrepancy(a, b))
    assert distance.std == pytest.approx(0, abs=1e-12)  # Each subset is all there is.


def test_the_kernel_distance_is_unbiased():
    drawn = [
        kernel_distance(*np.random.default_rng(seed).normal(size=(2, 20, 3)), subsets=1).mean
        for seed in range(300)
    ]
    assert abs(np.mean(drawn)) < 3 * np.std(drawn) / np.sqrt(300)
    assert min(drawn) < 0


def test_the_kernel_distance_of_two_points_is_closed():
    """k(x, x) + k(y, y) - 2 k(x, y), by hand: 8 + 125 - 2 * 27."""
    x, y = np.full((7, 4), 1.0), np.full((9, 4), 2.0)
    assert kernel_distance(x, y).mean == pytest.approx(79)


def test_the_kernel_distance_of_two_gaussians_is_that_of_their_moments():
    """E (1 + x x')^3 holds the first three moments of N(m, 1), squared."""
    shift = 0.5
    second, third = shift**2, shift**3 + 3 * shift
    expected = 3 * shift**2 + 3 * second**2 + third**2
    drawn = []
    for seed in range(300):
        a, b = np.random.default_rng(seed).normal(size=(2, 50, 1))
        drawn.append(kernel_distance(a, b + shift, subsets=1).mean)
    assert np.mean(drawn) == pytest.approx(expected, abs=3 * np.std(drawn) / np.sqrt(300))
    assert np.std(drawn) / np.sqrt(300) < 0.1 * expected  # Or it would say nothing.


def test_the_mean_over_subsets_is_that_of_all_pairs():
    a, b = RNG.normal(size=(40, 4)), RNG.normal(1.0, size=(40, 4))
    distance = kernel_distance(a, b, subsets=400, size=20)
    error = distance.std / np.sqrt(400)
    assert distance.mean == pytest.approx(loops_discrepancy(a, b), abs=4 * error)
    assert error < 0.05 * distance.mean


def test_subsets_spread_and_their_seed_decides():
    a, b = RNG.normal(size=(60, 4)), RNG.normal(1.0, size=(60, 4))
    one, same, other = (kernel_distance(a, b, 20, 30, seed) for seed in (0, 0, 1))
    assert one == same != other
    assert one.std > 0


def test_features_are_those_of_each_image_in_order(tmp_path):
    records = []
    for index, value in enumerate((0, 255, 51)):
        path = tmp_path / f"{index}.png"
        Image.new("RGB", (6, 4), (value,) * 3).save(path)
        records.append(Record(str(index), path, None))

    def means(images):
        assert images.shape[1:3] == (8, 8)
        return tf.reduce_mean(images, axis=(1, 2))

    found = extract_features(means, records, multiple=8)
    np.testing.assert_allclose(found, np.repeat([[-1.0], [1.0], [-0.6]], 3, axis=1), atol=1e-6)


def test_the_measure_difference_is_in_gray_values(tmp_path):
    for name, value in (("a", 10), ("b", 30)):
        Image.new("RGB", (6, 4), (value,) * 3).save(tmp_path / f"{name}.png")
    a, b = ([Record(name, tmp_path / f"{name}.png", None)] for name in "ab")
    assert measure_difference(lambda images: images, a, b) == pytest.approx(20, abs=1e-4)
    assert measure_difference(lambda images: images + 20 / 127.5, a, b) == pytest.approx(
        0, abs=1e-4
    )
