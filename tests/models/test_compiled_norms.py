"""Norms that XLA compiles, beside float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.models.norms import BatchNormalization, InstanceNormalization, two_passes
from i2i_keras.training import compilation

# What a channel holds: mean, deviation. The last one is nearly constant.
CHANNELS = ((0.0, 1.0), (10.0, 0.01), (-100.0, 0.5), (3.0, 0.001))
SIDE = 128
EPSILON = {"instance": 1e-5, "batch": 1e-3}
AXES = {"instance": (1, 2), "batch": (0, 1, 2)}


def layer_of(kind):
    layer = InstanceNormalization() if kind == "instance" else BatchNormalization()
    layer.build((None, None, None, len(CHANNELS)))
    return layer


def images(dtype=np.float32):
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((3, SIDE, SIDE, len(CHANNELS)))
    mean, deviation = np.transpose(CHANNELS)
    return (mean + deviation * noise).astype(dtype)


def computed(kind, x, weights, needed):
    """Values and gradients of a compiled norm."""
    layer = layer_of(kind)

    @tf.function(jit_compile=True)
    def step(x):
        with two_passes(needed), tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True) if kind == "batch" else layer(x)
            loss = tf.reduce_sum(y * weights)
        return y, tape.gradient(loss, x)

    y, gradient = step(tf.constant(x))
    return y.numpy(), gradient.numpy(), layer


def exact(kind, x, weights):
    """The same in float64, by the formulas."""
    x, weights, axes = x.astype(np.float64), weights.astype(np.float64), AXES[kind]
    deviation = np.sqrt(x.var(axes, keepdims=True) + EPSILON[kind])
    y = (x - x.mean(axes, keepdims=True)) / deviation
    along = weights - weights.mean(axes, keepdims=True)
    return y, (along - y * (y * weights).mean(axes, keepdims=True)) / deviation


@pytest.mark.parametrize("kind", ["instance", "batch"])
def test_they_are_right_also_for_nearly_constant_channels(kind):
    x = images()
    weights = np.random.default_rng(1).standard_normal(x.shape, np.float32)
    y, gradient, layer = computed(kind, x, weights, needed=True)
    expected, slope = exact(kind, x, weights)
    assert np.abs(y - expected).max() < 1e-3
    size = np.abs(slope).max(AXES[kind], keepdims=True)
    assert (np.abs(gradient - slope) / size).max() < 1e-3
    if kind == "batch":
        estimate = x.astype(np.float64).var((0, 1, 2), ddof=1)
        moved = 1.0 - (1.0 - estimate) * 0.01
        np.testing.assert_allclose(layer.moving_variance.numpy(), moved, rtol=1e-5)


@pytest.mark.parametrize("kind", ["instance", "batch"])
def test_of_images_far_from_zero_one_pass_is_wrong(kind):
    """Why there are two: where this passes no more, they can go."""
    x = images()
    y = computed(kind, x, np.ones_like(x), needed=False)[0]
    error = np.abs(y - exact(kind, x, np.ones_like(x))[0]).max()
    assert not error < 0.01  # Or no number at all.


@pytest.mark.parametrize("compiled", [False, True])
def test_a_models_step_knows_whether_it_is_compiled(compiled):
    norm = layer_of("instance")

    class Model(keras.Model):
        @compilation.with_norms_of_two_passes
        def train_step(self, batch):
            return norm(batch)

    model = Model()
    model.xla = compiled
    step = tf.function(model.train_step, autograph=False)
    types = step.get_concrete_function(tf.TensorSpec((1, 8, 8, 4))).graph
    fused = any("FusedBatchNorm" in operation.type for operation in types.get_operations())
    assert fused is not compiled
