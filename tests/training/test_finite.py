from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.errors import DataError
from i2i_keras.training.checkpoints import Checkpoints, load_network
from i2i_keras.training.finite import check_result, not_finite
from i2i_keras.training.history import Means


def network(value=1.0):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="dense")])
    model.layers[-1].kernel.assign(np.full((2, 2), value))
    return model


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_the_variable_that_is_no_number_is_named(number):
    assert not_finite(network().variables) == ""
    assert "kernel" in not_finite(network(number).variables)


@pytest.mark.parametrize("kind", [tf.float16, tf.float32, tf.bfloat16])
def test_what_a_network_makes_has_to_be_a_number(kind):
    check_result(tf.ones((2, 2), kind), "Logits")
    with pytest.raises(DataError, match="Logits hold what is not a number; the training has div"):
        check_result(tf.constant([1.0, np.nan], kind), "Logits")


def test_integers_are_numbers():
    check_result(tf.ones(2, tf.int32), "Classes")


class Model(keras.Model):
    def __init__(self, value=1.0):
        super().__init__()
        self.network = network(value)

    def call(self, inputs):
        return self.network(inputs)


def test_a_checkpoint_of_what_is_no_number_is_not_saved_and_the_last_good_one_stays(tmp_path):
    Checkpoints(Model(), tmp_path).save(3, {})
    with pytest.raises(DataError, match=r"after step 4; its last checkpoint is of step 3\. Lower"):
        Checkpoints(Model(np.nan), tmp_path).save(4, {})
    assert Checkpoints(Model(), tmp_path).restore().step == 3


def test_a_checkpoint_of_what_is_no_number_is_not_used(tmp_path):
    model = Model(np.nan)
    checkpoints = Checkpoints(model, tmp_path)
    checkpoints._model = network()  # As an earlier version saved it.
    checkpoints.save(4, {})
    with pytest.raises(DataError, match=r"ckpt-4 holds what is no number \(.*kernel"):
        load_network(tmp_path, 4, "network", network())


def test_a_loss_that_is_no_number_names_the_step_its_files_and_what_is_kept(tmp_path):
    Checkpoints(Model(), tmp_path).save(3, {})
    means = Means({}, tmp_path, lambda step: [Path(f"{step}-{n}.png") for n in range(6)])
    means.add(4, {"loss": 1.0, "gradient_norm": np.inf})
    with pytest.raises(DataError) as error:
        means.add(5, {"loss": np.nan})
    assert str(error.value) == (
        f"loss of {tmp_path.name} is nan at step 5, whose batch is of 5-0.png, 5-1.png, 5-2.png,"
        " 5-3.png and 2 more; the checkpoint of step 3 is kept; look at these images, or lower"
        f" learning_rate, delete {tmp_path} and run it again, or set on_nan ="
        " 'rollback' and go on."
    )
