import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.translators.pool import ImagePool


def batch(first, count=1):
    """Images that each hold their own number."""
    numbers = np.arange(first, first + count, dtype=np.float32)
    return tf.constant(np.broadcast_to(numbers[:, None, None, None], (count, 2, 2, 3)))


def numbers(images):
    return [int(n) for n in np.asarray(images)[:, 0, 0, 0]]


def exchange(pool, first, count=1, seed=0):
    return numbers(pool.exchange(batch(first, count), tf.constant([seed, first], tf.int64)))


def kept(pool):
    return numbers(pool.images[: int(pool.count)])


def new_pool(size=3):
    return ImagePool(size, (2, 2), "pool")


@pytest.fixture(scope="module")
def long_run():
    """Images that went in, and out, of a full pool of 5, two at a time."""
    pool = new_pool(5)
    run = tf.function(pool.exchange)
    pairs = []
    for step in range(1500):
        images = batch(2 * step, 2)
        out = run(images, tf.constant([3, step], tf.int64))
        pairs += zip(numbers(images), numbers(out), strict=True)
    return pairs[6:]


def test_while_it_fills_images_are_stored_and_returned():
    pool = new_pool()
    assert [exchange(pool, number) for number in range(3)] == [[0], [1], [2]]
    assert kept(pool) == [0, 1, 2]


def test_a_batch_that_fills_it_is_returned_whole():
    pool = new_pool()
    assert exchange(pool, 10, count=3) == [10, 11, 12]
    assert kept(pool) == [10, 11, 12]


def test_nothing_is_lost_or_doubled():
    pool, seen, returned = new_pool(), [], []
    for step in range(40):
        out = exchange(pool, 2 * step, count=2)
        seen += [2 * step, 2 * step + 1]
        returned += out
        # What went in is there or was given back; the first three are both.
        assert sorted([*returned, *kept(pool)]) == sorted([*seen, *seen[:3]])


def test_half_of_the_images_come_back_at_once(long_run):
    share = np.mean([put == got for put, got in long_run])
    # Three standard errors of a fair coin.
    assert abs(share - 0.5) < 3 * 0.5 / np.sqrt(len(long_run))


def test_the_two_images_of_a_batch_are_decided_apart(long_run):
    kept = np.array([put == got for put, got in long_run]).reshape(-1, 2)
    assert abs(np.corrcoef(kept.T)[0, 1]) < 3 / np.sqrt(len(kept))


def test_others_are_old_ones_given_back_once(long_run):
    old = [got for put, got in long_run if put != got]
    assert all(got < put for put, got in long_run if put != got)
    assert len(set(old)) == len(old)


def test_ages_are_those_of_a_random_place(long_run):
    ages = [put - got for put, got in long_run if put != got]
    # An image is replaced with odds of 1/2 x 1/5 by each later one.
    assert abs(np.mean(ages) - 10) < 3 * 10 / np.sqrt(len(ages))


def test_size_0_passes_images_through():
    assert exchange(new_pool(0), 0, count=4) == [0, 1, 2, 3]


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "graph"])
def test_the_same_seeds_choose_the_same(traced):
    def outputs():
        pool = new_pool()
        run = tf.function(pool.exchange) if traced else pool.exchange
        return [
            numbers(run(batch(2 * step, 2), tf.constant([1, step], tf.int64))) for step in range(20)
        ]

    assert outputs() == outputs()


def test_other_seeds_choose_otherwise():
    one, two = new_pool(), new_pool()
    assert [exchange(one, n, seed=1) for n in range(20)] != [
        exchange(two, n, seed=2) for n in range(20)
    ]


def test_it_is_part_of_a_checkpoint(tmp_path):
    pool, copy = new_pool(), new_pool()
    exchange(pool, 5, count=2)
    path = tf.train.Checkpoint(pool=pool).write(str(tmp_path / "state"))
    tf.train.Checkpoint(pool=copy).read(path).assert_consumed()
    assert int(copy.count) == 2
    np.testing.assert_array_equal(copy.images, pool.images)
