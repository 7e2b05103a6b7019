"""Networks that keep little for their gradients have the same gradients."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.models import recompute
from i2i_keras.models.discriminator import DiscriminatorConfig, build_discriminator
from i2i_keras.models.mobile_unet import MobileUNetConfig, build_mobile_unet
from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.training.compilation import policy

SMALL = {"filters": 4, "num_residual_blocks": 2}


def resnet(**changes):
    return build_resnet(ResNetConfig(**SMALL, **changes), "g")


def encoder():
    generator = resnet()
    features = {name: generator.get_layer(name).output for name in ("down0_relu", "block1_add")}
    return keras.Model(generator.input, (features, generator.output))  # As CUT has it.


NETWORKS = {
    "unet": lambda: build_unet(UNetConfig(filters=4, depth=3), 5),
    "shallow unet": lambda: build_unet(UNetConfig(filters=4, depth=1), 5),
    "mobile_unet": lambda: build_mobile_unet(MobileUNetConfig(alpha=0.35, filters=4), 5),
    "resnet": resnet,
    "resnet, skip": lambda: resnet(skip=True, upsampling="resize", norm="batch"),
    "discriminator": lambda: build_discriminator(DiscriminatorConfig(filters=4), "d"),
    "dropout": lambda: build_discriminator(DiscriminatorConfig(filters=4, dropout=0.3), "d"),
    "features": encoder,
}


CHANGING = ("unet", "shallow unet", "mobile_unet", "resnet, skip", "dropout")


def computed(network, forward, images):
    """The loss of two passes, all gradients, and all variables after."""

    @tf.function(autograph=False)
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = 0.0
            for number in range(2):  # Dropout draws twice, statistics move twice.
                for made in tf.nest.flatten(forward(images)):
                    loss += tf.reduce_mean(
                        (number + 1.0) * tf.square(tf.cast(made, tf.float32) - 0.5)
                    )
        return loss, tape.gradient(loss, [images, *network.trainable_variables])

    loss, gradients = step(images)
    return float(loss), [g.numpy() for g in gradients], [v.numpy() for v in network.variables]


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        *((name, "float32") for name in NETWORKS),
        ("resnet", "mixed_bfloat16"),
        *(
            pytest.param(name, "mixed_bfloat16", marks=pytest.mark.slow)
            for name in NETWORKS
            if name != "resnet"
        ),
    ],
)
def test_gradients_and_all_that_changes_are_the_same(name, precision):
    keras.utils.set_random_seed(3)
    with policy(precision):
        network = NETWORKS[name]()
    begin = network.get_weights()
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype("float32"))
    found = []
    for again in (False, True):
        network.set_weights(begin)
        found.append(computed(network, recompute.in_training(network, again), images))
    (loss, gradients, variables), other = found
    # 16 bits: where something is rounded depends on what is computed at once.
    tolerance = 1e-5 if precision == "float32" else 0.05
    assert other[0] == pytest.approx(loss, rel=tolerance)
    for one, two in zip(gradients, other[1], strict=True):
        length = np.linalg.norm(one.astype(np.float64))
        assert np.linalg.norm(two.astype(np.float64) - one) <= 4 * tolerance * length
    for one, two in zip(variables, other[2], strict=True):
        np.testing.assert_allclose(two, one, rtol=tolerance, atol=tolerance)
    changes = any(
        not np.array_equal(*pair) for pair in zip(begin, network.get_weights(), strict=True)
    )
    assert changes == (name in {*CHANGING})


def test_penalties_of_gradients_are_the_same():
    keras.utils.set_random_seed(3)
    network = build_discriminator(DiscriminatorConfig(filters=4), "d")
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype("float32"))

    def penalty(again):
        forward = recompute.in_training(network, again)

        @tf.function(autograph=False)
        def step(images):
            with tf.GradientTape() as outer:
                with tf.GradientTape() as inner:
                    inner.watch(images)
                    logits = forward(images)
                steep = inner.gradient(logits, images)
                loss = tf.reduce_sum(steep * steep)
            return outer.gradient(loss, network.trainable_variables[:-1])

        return [gradient.numpy() for gradient in step(images)]

    for one, two in zip(penalty(False), penalty(True), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-4 * np.abs(one).max())


def test_spectral_norm_keeps_all():
    network = build_discriminator(DiscriminatorConfig(filters=4, spectral_norm=True), "d")
    forward = recompute.in_training(network, True)
    images = tf.zeros((1, 32, 32, 3))
    np.testing.assert_array_equal(forward(images), network(images, training=True))


@pytest.mark.parametrize(
    "name",
    [
        *("unet", "resnet", "discriminator"),
        pytest.param("mobile_unet", marks=pytest.mark.slow),
    ],
)
def test_less_is_held(name, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import flops

    network = NETWORKS[name]()

    def peak(again):
        forward = recompute.in_training(network, again)

        @tf.function(autograph=False)
        def step(images):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(forward(images))
            return tape.gradient(loss, network.trainable_variables)

        return flops.peak_bytes(step.get_concrete_function(tf.TensorSpec((4, 64, 64, 3))).graph)

    most = {"unet": 0.5, "mobile_unet": 0.45, "resnet": 0.65, "discriminator": 0.75}[name]
    assert peak(True) < most * peak(False)
