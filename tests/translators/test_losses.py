import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.translators import losses
from i2i_keras.translators.losses import ADVERSARIAL

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


# --- Hinge, Wasserstein, smoothing ------------------------------------------


def test_hinge_discriminator_wants_reals_above_one_and_fakes_below_minus_one():
    expected = np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean()
    np.testing.assert_allclose(losses.hinge_discriminator(REAL, FAKE), expected, rtol=1e-5)
    assert losses.hinge_discriminator(tf.constant([1.5]), tf.constant([-1.5])) == 0.0


def test_wasserstein_is_the_difference_of_the_means():
    expected = FAKE.mean() - REAL.mean()
    np.testing.assert_allclose(losses.wasserstein_discriminator(REAL, FAKE), expected, rtol=1e-4)


def test_a_critics_generator_raises_the_mean_of_its_fakes():
    np.testing.assert_allclose(losses.critic_generator(FAKE), -FAKE.mean(), rtol=1e-4)


def test_wgan_gp_is_trained_as_by_its_authors():
    assert ADVERSARIAL["wgan_gp"].critic_steps == 5
    assert ADVERSARIAL["wgan_gp"].gradient_penalty == 10.0


def test_smoothed_lsgan_draws_reals_to_its_target():
    expected = np.mean((REAL - 0.9) ** 2) + np.mean(FAKE**2)
    np.testing.assert_allclose(losses.lsgan_discriminator(REAL, FAKE, 0.9), expected, rtol=1e-5)


def test_smoothed_bce_is_the_cross_entropy_with_its_target():
    real = sigmoid(REAL)
    expected = -np.mean(0.9 * np.log(real) + 0.1 * np.log(1 - real))
    expected -= np.mean(np.log(1 - sigmoid(FAKE)))
    np.testing.assert_allclose(losses.bce_discriminator(REAL, FAKE, 0.9), expected, rtol=1e-5)


@pytest.mark.parametrize("name", [name for name, loss in ADVERSARIAL.items() if loss.smooth])
def test_a_target_of_one_is_no_smoothing(name):
    loss = ADVERSARIAL[name].discriminator
    assert loss(REAL, FAKE, 1.0) == loss(REAL, FAKE)


# --- Multi-scale SSIM -------------------------------------------------------


def pair(height=64, width=64):
    """Smooth images and the same with noise."""
    rng = np.random.default_rng(1)
    coarse = rng.uniform(-1, 1, (2, height // 8 + 2, width // 8 + 2, 3))
    images = tf.clip_by_value(tf.image.resize(coarse, (height, width), "bicubic"), -1, 1)
    noise = 0.2 * rng.normal(size=images.shape)
    return images, tf.clip_by_value(images + tf.cast(noise, tf.float32), -1, 1)


def test_equal_images_are_alike_by_one():
    np.testing.assert_allclose(losses.ms_ssim(*[pair()[0]] * 2), [1.0, 1.0], atol=1e-6)


@pytest.mark.parametrize(
    ("size", "weights"),
    [
        ((11, 11), [0.0448]),
        ((24, 40), [0.0448, 0.2856]),
        ((64, 64), [0.0448, 0.2856, 0.3001]),
        ((96, 128), [0.0448, 0.2856, 0.3001, 0.2363]),
        ((176, 176), [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]),
    ],
)
def test_ms_ssim_is_tensorflows_with_as_many_scales_as_fit(size, weights):
    images, again = pair(*size)
    theirs = tf.image.ssim_multiscale(
        images, again, max_val=2.0, power_factors=np.array(weights) / sum(weights)
    )
    assert 0.2 < np.min(theirs) < np.max(theirs) < 0.99
    np.testing.assert_allclose(losses.ms_ssim(images, again), theirs, rtol=1e-4)


def test_inverted_images_have_no_likeness_but_a_gradient():
    images = pair()[0]
    with tf.GradientTape() as tape:
        tape.watch(images)
        likeness = losses.ms_ssim(images, -images)
    assert 0 <= np.max(likeness) < 0.1
    assert np.isfinite(tape.gradient(likeness, images)).all()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.84, 1.0])
def test_reconstruction_mixes_both_by_their_shares(share):
    images, again = pair()
    structural = 1 - np.mean(losses.ms_ssim(images, again))
    expected = share * structural + (1 - share) * losses.l1(images, again)
    np.testing.assert_allclose(losses.reconstruction(images, again, share), expected, rtol=1e-5)


@pytest.mark.parametrize(("share", "unused"), [(0.0, "ms_ssim"), (1.0, "l1")])
def test_a_part_without_share_is_not_computed(share, unused, monkeypatch):
    monkeypatch.delattr(losses, unused)
    assert np.isfinite(losses.reconstruction(*pair(), share))
