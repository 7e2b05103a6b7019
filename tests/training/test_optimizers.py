"""Our optimizers beside Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import stack

STEPS = 5


def moved(kind, **settings):
    """Two variables after some steps by gradients that are drawn."""
    rng = np.random.default_rng(1)
    variables = [keras.Variable(v) if stack.KERAS == 3 else tf.Variable(v) for v in start()]
    optimizer = kind(keras.optimizers.schedules.CosineDecay(0.1, STEPS), **settings)
    stack.build(optimizer, variables)

    @tf.function(autograph=False)
    def step(*gradients):
        stack.apply_gradients(optimizer, gradients, variables)

    for _ in range(STEPS):
        step(*(tf.constant(rng.normal(size=v.shape), tf.float32) for v in variables))
    assert int(optimizer.iterations) == STEPS
    return [np.asarray(tf.convert_to_tensor(v)) for v in variables]


def start():
    rng = np.random.default_rng(2)
    return [rng.normal(size=shape).astype(np.float32) for shape in ((2, 3), (4,))]


@pytest.mark.parametrize("settings", [{}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1}])
def test_adam_is_kerass_own(settings):
    ours, theirs = moved(stack.Adam, **settings), moved(keras.optimizers.Adam, **settings)
    for one, other, before in zip(ours, theirs, start(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
        assert np.abs(one - before).min() > 1e-3


def test_with_weight_decay_it_is_kerass_adamw():
    ours, theirs = (
        moved(stack.Adam, weight_decay=0.5),
        moved(keras.optimizers.AdamW, weight_decay=0.5),
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    for one, other in zip(ours, moved(stack.Adam), strict=True):
        assert np.abs(one - other).max() > 1e-3


def test_adam_equals_the_papers_algorithm():
    """Kingma and Ba, 2015, algorithm 1, in the order of its section 2's end."""
    rng, (value, other) = np.random.default_rng(1), (v.astype(np.float64) for v in start())
    first, second = np.zeros_like(value), np.zeros_like(value)
    for step in range(1, STEPS + 1):
        gradient = rng.normal(size=value.shape)
        rng.normal(size=other.shape)
        rate = 0.1 * 0.5 * (1 + np.cos(np.pi * (step - 1) / STEPS))
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        rate *= np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        value -= rate * first / (np.sqrt(second) + 1e-7)
    np.testing.assert_allclose(moved(stack.Adam)[0], value, atol=1e-5)
