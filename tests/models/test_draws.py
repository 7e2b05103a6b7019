import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.models import draws

SEED = tf.constant([5, 3], tf.int64)
MANY = {
    "uniform": lambda seed: draws.uniform((2, 3, 2), seed),
    "normal": lambda seed: draws.normal_rows((2, 3, 2), seed),
    "integers": lambda seed: draws.integers((9,), seed, 7),
    "split": lambda seed: tf.stack(draws.split(seed, 3)),
    "fold": lambda seed: draws.fold(seed, -4),
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("seed", [(5, 3), (2**32 - 1, 10**6), (2**40 + 1, 0)])
def test_xla_draws_the_same(name, seed):
    seed = tf.constant(seed, tf.int64)
    graph, compiled = (tf.function(MANY[name], jit_compile=jit)(seed) for jit in (False, True))
    tolerance = 1e-5 if name == "normal" else 0
    np.testing.assert_allclose(graph, compiled, atol=tolerance)
    np.testing.assert_array_equal(graph, MANY[name](seed))


@pytest.mark.parametrize("name", MANY)
def test_another_seed_draws_others(name):
    one, other = (MANY[name](SEED + tf.constant([0, n], tf.int64)) for n in (0, 1))
    assert not np.array_equal(one, other)


def test_uniform_numbers_are_tensorflows():
    shape = (1000, 7)
    np.testing.assert_array_equal(
        draws.uniform(shape, SEED), tf.random.stateless_uniform(shape, SEED)
    )


def test_normal_numbers_have_the_quantiles_of_a_gaussian():
    stats = pytest.importorskip("scipy.stats")
    numbers = draws.normal_rows((20_000,), SEED).numpy()
    assert stats.kstest(numbers, "norm").pvalue > 0.01
    assert np.isfinite(numbers).all()


def test_integers_are_all_there_and_equally_often():
    counts = np.bincount(draws.integers((7000,), SEED, 7), minlength=7)
    assert len(counts) == 7
    # Four standard deviations.
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(1000)


def test_salts_and_splits_give_seeds_apart():
    seeds = [*draws.split(SEED, 5), *(draws.fold(SEED, salt) for salt in range(-5, 5))]
    assert len({tuple(seed.numpy()) for seed in seeds}) == 15
