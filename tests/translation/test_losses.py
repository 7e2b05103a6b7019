import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.translation import losses
from i2i_keras.translation.losses import ADVERSARIAL

REAL, FAKE = np.random.default_rng(0).normal(size=(2, 3, 5, 5, 1)).astype(np.float32)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def test_lsgan_generator_is_the_squared_distance_of_fakes_to_one():
    np.testing.assert_allclose(losses.lsgan_generator(FAKE), np.mean((FAKE - 1) ** 2), rtol=1e-5)


def test_lsgan_discriminator_draws_reals_to_one_and_fakes_to_zero():
    expected = np.mean((REAL - 1) ** 2) + np.mean(FAKE**2)
    np.testing.assert_allclose(losses.lsgan_discriminator(REAL, FAKE), expected, rtol=1e-5)


def test_bce_generator_is_minus_log_sigmoid():
    np.testing.assert_allclose(
        losses.bce_generator(FAKE), -np.mean(np.log(sigmoid(FAKE))), rtol=1e-5
    )


def test_bce_discriminator_is_the_cross_entropy_of_real_and_fake():
    expected = -np.mean(np.log(sigmoid(REAL))) - np.mean(np.log(1 - sigmoid(FAKE)))
    np.testing.assert_allclose(losses.bce_discriminator(REAL, FAKE), expected, rtol=1e-5)


def test_an_undecided_discriminator_costs_two_log_two():
    undecided = tf.zeros((1, 4, 4, 1))
    np.testing.assert_allclose(losses.bce_discriminator(undecided, undecided), 2 * np.log(2))


@pytest.mark.parametrize("logit, expected", [(-1e4, 2e4), (1e4, 1e4)])
def test_bce_and_its_gradient_stay_finite_at_huge_logits(logit, expected):
    logits = tf.constant([logit])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.bce_generator(logits) + losses.bce_discriminator(logits, logits)
    assert loss == expected
    assert np.isfinite(tape.gradient(loss, logits)).all()


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_generator_and_discriminator_pull_fakes_apart(name):
    fake = tf.fill((2, 3, 3, 1), 0.5)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(fake)
        generator = ADVERSARIAL[name].generator(fake)
        discriminator = ADVERSARIAL[name].discriminator(tf.ones_like(fake), fake)
    assert (tape.gradient(generator, fake).numpy() < 0).all()
    assert (tape.gradient(discriminator, fake).numpy() > 0).all()


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_losses_are_scalars(name):
    assert ADVERSARIAL[name].generator(FAKE).shape == ()
    assert ADVERSARIAL[name].discriminator(REAL, FAKE).shape == ()


def test_l1_is_the_mean_absolute_difference():
    np.testing.assert_allclose(losses.l1(REAL, FAKE), np.abs(REAL - FAKE).mean(), rtol=1e-5)
