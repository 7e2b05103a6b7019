import shutil

import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.errors import DataError
from i2i_keras.segmenters.trained import load


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_loaded_segmenter_needs_nothing_but_its_folder(trained, tmp_path):
    for name in ("config.json", "unet.weights.h5"):
        shutil.copy(trained[0] / name, tmp_path)
    one, other = (load(folder).model.get_weights() for folder in (trained[0], tmp_path))
    assert_equal(one, other)


def test_its_weights_are_those_of_the_last_checkpoint_or_of_the_one_asked_for(trained):
    last, fourth, second = (load(trained[0], step).model for step in (None, 4, 2))
    assert_equal(last.get_weights(), fourth.get_weights())
    for one, other in zip(last.trainable_variables, second.trainable_variables, strict=True):
        assert not np.array_equal(one, other), one.name


def test_it_sees_images_and_tells_the_mean_of_its_lowest_layer(trained):
    loaded = load(trained[0])
    image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 24, 3)).astype(np.float32)
    assert loaded.stride == 2
    logits = loaded.segment(image)
    assert logits.shape == (1, 16, 24, 3)
    assert logits.dtype == tf.float32
    lowest = tf.keras.Model(loaded.model.input, loaded.model.get_layer("bottom_conv1_relu").output)(
        image
    )
    np.testing.assert_allclose(loaded.bottom(image), np.mean(lowest, axis=(1, 2)), rtol=1e-5)


def test_a_checkpoint_that_is_gone_is_named(trained):
    with pytest.raises(DataError, match=r"ckpt-5 cannot be read as a checkpoint of network"):
        load(trained[0], 5)
