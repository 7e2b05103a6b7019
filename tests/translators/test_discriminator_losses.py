import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import config
from i2i_keras.translators.cyclegan import CycleGANConfig
from i2i_keras.translators.discriminator_losses import gradient_penalty, lazy_r1, r1, terms
from i2i_keras.translators.losses import ADVERSARIAL

RNG = np.random.default_rng(0)
REAL, FAKE = (tf.constant(RNG.uniform(-1, 1, (3, 4, 5, 3)), tf.float32) for _ in "rf")
WEIGHTS = RNG.normal(size=(60,)).astype(np.float32)
SEED = (1, 2)


class Counted:
    """A critic of 2 x 2 logits that counts how often it is asked."""

    def __init__(self, logits):
        self.logits, self.calls = logits, 0

    def __call__(self, images):
        self.calls += 1
        return self.logits(images)


def linear(images, weights=WEIGHTS):
    """Four logits, on average `weights` times the image."""
    score = tf.reshape(images, (-1, 60)) @ tf.reshape(weights, (60, 1))
    spread = tf.constant([-2.0, 0.5, 0.5, 1.0])
    return tf.reshape(score + spread, (-1, 2, 2, 1))


def quadratic(images):
    """The squared length of the image, as each of four logits."""
    square = tf.reduce_sum(images**2, axis=[1, 2, 3])
    return tf.tile(square[:, tf.newaxis, tf.newaxis, tf.newaxis], [1, 2, 2, 1])


# --- Gradient penalty -------------------------------------------------------


def test_the_penalty_of_a_linear_critic_is_its_slopes_distance_from_one():
    expected = (np.linalg.norm(WEIGHTS) - 1) ** 2
    np.testing.assert_allclose(gradient_penalty(linear, REAL, FAKE, SEED), expected, rtol=1e-5)


def test_a_critic_of_slope_one_costs_nothing():
    def critic(images):
        return linear(images, WEIGHTS / np.linalg.norm(WEIGHTS))

    assert gradient_penalty(critic, REAL, FAKE, SEED) < 1e-10


def test_each_image_is_asked_about_at_its_own_place_between_real_and_fake():
    seen = []

    def critic(images):
        seen.append(images)
        return quadratic(images)

    penalty = gradient_penalty(critic, REAL, FAKE, SEED)
    real, fake, images = (np.asarray(a, np.float64) for a in (REAL, FAKE, seen[0]))
    places = (images - fake) / (real - fake)
    np.testing.assert_allclose(np.ptp(places, axis=(1, 2, 3)), 0, atol=1e-3)
    places = np.median(places, axis=(1, 2, 3))
    assert 0 <= places.min() < places.max() <= 1
    lengths = 2 * np.sqrt((images**2).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(penalty, np.mean((lengths - 1) ** 2), rtol=1e-5)


def test_the_places_are_those_of_the_seed():
    one, same, other = (gradient_penalty(quadratic, REAL, FAKE, (1, s)) for s in (2, 2, 3))
    assert one == same != other


def test_the_penalty_teaches_the_critic():
    weights = tf.Variable(WEIGHTS)
    with tf.GradientTape() as tape:
        loss = gradient_penalty(lambda images: linear(images, weights), REAL, FAKE, SEED)
    norm = np.linalg.norm(WEIGHTS)
    np.testing.assert_allclose(
        tape.gradient(loss, weights), 2 * (norm - 1) * WEIGHTS / norm, rtol=1e-4
    )


def test_a_flat_critic_has_a_finite_gradient():
    weights = tf.Variable(tf.zeros(60))
    with tf.GradientTape() as tape:
        loss = gradient_penalty(lambda images: linear(images, weights), REAL, FAKE, SEED)
    np.testing.assert_allclose(loss, 1.0, rtol=1e-5)
    assert np.isfinite(tape.gradient(loss, weights)).all()


# --- R1 ---------------------------------------------------------------------


def test_r1_is_half_the_squared_slope_at_reals():
    np.testing.assert_allclose(r1(linear, REAL), 0.5 * (WEIGHTS**2).sum(), rtol=1e-5)
    # The gradient of |x|^2 is 2 x.
    expected = 2 * np.mean(np.sum(REAL.numpy() ** 2, axis=(1, 2, 3)))
    np.testing.assert_allclose(r1(quadratic, REAL), expected, rtol=1e-5)


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "graph"])
def test_lazy_r1_counts_for_the_steps_without(traced):
    def penalty(step):
        return lazy_r1(linear, REAL, step, 4)

    run = tf.function(penalty) if traced else penalty
    values = [float(run(tf.constant(step, tf.int64))) for step in range(9)]
    assert [value > 0 for value in values] == [step % 4 == 0 for step in range(9)]
    np.testing.assert_allclose(np.mean(values[:8]), r1(linear, REAL), rtol=1e-5)


def test_lazy_r1_reaches_the_weights_through_its_condition():
    weights = tf.Variable(WEIGHTS)

    @tf.function
    def gradient(step):
        with tf.GradientTape() as tape:
            loss = lazy_r1(lambda images: linear(images, weights), REAL, step, 3)
        return tape.gradient(loss, weights, unconnected_gradients="zero")

    np.testing.assert_allclose(gradient(tf.constant(6)), 3 * WEIGHTS, rtol=1e-4)
    np.testing.assert_array_equal(gradient(tf.constant(7)), np.zeros(60))


def test_penalties_reach_every_layer_of_a_network():
    layers = [keras.layers.Conv2D(2, 3), keras.layers.LeakyReLU(), keras.layers.Conv2D(1, 2)]
    model = keras.Sequential(layers)
    with tf.GradientTape() as tape:
        loss = r1(model, REAL) + gradient_penalty(model, REAL, FAKE, SEED)
    kernels = [layer.kernel for layer in (layers[0], layers[2])]
    assert all(np.abs(g).max() > 0 for g in tape.gradient(loss, kernels))


# --- All terms --------------------------------------------------------------


def found(step=0, **changes):
    """The terms of some settings, and how often the critic was asked."""
    critic = Counted(linear)
    settings = config.build(CycleGANConfig, changes)
    return terms(settings, critic, REAL, FAKE, step, SEED), critic.calls


@pytest.mark.parametrize(
    ("changes", "names", "calls"),
    [
        ({}, [], 1),
        ({"adversarial": "hinge"}, [], 1),
        ({"adversarial": "wgan_gp"}, ["gradient_penalty"], 2),
        ({"adversarial": "wgan_gp", "gradient_penalty": 0.0}, [], 1),
        ({"adversarial": "bce", "gradient_penalty": 1.0}, ["gradient_penalty"], 2),
        ({"r1": 1.0}, ["r1"], 2),
        ({"r1": 1.0, "gradient_penalty": 1.0}, ["gradient_penalty", "r1"], 3),
    ],
)
def test_a_penalty_without_weight_is_not_computed(changes, names, calls):
    losses, count = found(**changes)
    signals = ["discriminator_real", "discriminator_fake", "discriminator_accuracy", "balance"]
    assert list(losses) == ["loss", *signals, *names]
    assert count == calls


def test_a_step_without_r1_does_not_ask_the_critic_for_it():
    assert [found(step, r1=1.0, r1_every=2)[1] for step in range(4)] == [2, 1, 2, 1]


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_loss_is_half_of_the_adversarial_one(name):
    whole = ADVERSARIAL[name].discriminator(linear(REAL), linear(FAKE))
    np.testing.assert_allclose(found(adversarial=name)[0]["loss"], whole / 2, rtol=1e-6)


def test_smoothing_lowers_the_target_of_reals_only():
    real, fake = linear(REAL).numpy(), linear(FAKE).numpy()
    expected = 0.5 * (np.mean((real - 0.8) ** 2) + np.mean(fake**2))
    np.testing.assert_allclose(found(label_smoothing=0.2)[0]["loss"], expected, rtol=1e-5)
