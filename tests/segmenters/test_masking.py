import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.segmenters.masking import hide_blocks

IMAGES = tf.constant(np.random.default_rng(0).uniform(0.1, 1.0, (3, 20, 27, 3)), tf.float32)
SEED = tf.constant([1, 2], tf.int64)


@pytest.mark.parametrize("block", [1, 4, 7, 32])
def test_whole_blocks_are_hidden_and_the_rest_stays(block):
    hidden = hide_blocks(IMAGES, block, 0.5, SEED).numpy()
    kept = (hidden == IMAGES.numpy()).all(-1)
    assert ((hidden == 0).all(-1) | kept).all()
    for top in range(0, 20, block):
        for left in range(0, 27, block):
            cell = kept[:, top : top + block, left : left + block]
            assert (cell.all((1, 2)) | ~cell.any((1, 2))).all()


def test_as_many_are_hidden_as_is_asked_for():
    large = tf.ones((4, 256, 256, 3))
    for share in (0.0, 0.3, 0.7):
        shown = hide_blocks(large, 4, share, SEED).numpy().mean()
        assert shown == pytest.approx(1 - share, abs=4 * (share * (1 - share) / 16384) ** 0.5)


def test_each_image_and_seed_hides_others():
    ones = tf.ones((2, 64, 64, 3))
    first = hide_blocks(ones, 8, 0.5, SEED).numpy()
    assert (first[0] != first[1]).any()
    assert (first != hide_blocks(ones, 8, 0.5, SEED + 1).numpy()).any()
    np.testing.assert_array_equal(first, hide_blocks(ones, 8, 0.5, SEED))
