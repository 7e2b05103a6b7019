import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.training import ema


def new_model():
    layers = [keras.layers.Dense(2, use_bias=False), keras.layers.BatchNormalization()]
    model = keras.Sequential(layers)
    model.build((None, 3))
    return model


def set_all(model, value):
    model.set_weights([np.full_like(w, value) for w in model.get_weights()])


def averages(values, decay, first_step=0):
    """What an average becomes, beginning at the first of a model's values."""
    model, average = new_model(), new_model()
    set_all(model, values[0])
    ema.copy(average.variables, model.variables)
    follow = tf.function(lambda step: ema.follow(average, model, decay, step))
    for step, value in enumerate(values[1:], start=first_step):
        set_all(model, value)
        follow(tf.constant(step, tf.int64))
    return average


def test_it_is_the_weighted_mean_of_all_that_has_been():
    values, decay = [4.0, 1.0, 2.0, 3.0], 0.9
    average = averages(values, decay, first_step=10**6)
    expected = decay**3 * 4.0 + 0.1 * (decay**2 * 1.0 + decay * 2.0 + 3.0)
    np.testing.assert_allclose(average.trainable_variables[0], expected, rtol=1e-5)


@pytest.mark.parametrize("decay", [0.999, 0.15])
def test_the_decay_rises_to_its_value(decay):
    mean = 4.0
    for step, value in enumerate([1.0, 2.0, 3.0]):
        share = min(decay, (1 + step) / (10 + step))
        mean = share * mean + (1 - share) * value
    average = averages([4.0, 1.0, 2.0, 3.0], decay)
    np.testing.assert_allclose(average.trainable_variables[0], mean, rtol=1e-5)


def test_the_beginning_is_forgotten_in_a_short_training():
    # A constant decay of 0.999 would have kept 90 % of it.
    average = averages([0.0] + [1.0] * 100, 0.999)
    assert average.trainable_variables[0].numpy().min() > 0.999


def test_statistics_of_batch_norm_are_copied():
    average = averages([4.0, 1.0, 2.0], 0.9)
    for variable in average.non_trainable_variables:
        np.testing.assert_array_equal(variable, np.full(2, 2.0))


def test_the_model_itself_is_left_alone():
    model, average = new_model(), new_model()
    before = model.get_weights()
    ema.follow(average, model, 0.5, 3)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
