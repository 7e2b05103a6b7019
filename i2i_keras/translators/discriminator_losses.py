"""The terms of one discriminator's loss.

For the penalties, an image's score is the mean of its logits, which is what the
adversarial losses see of it; so a weight means the same for any number of
patches.
"""

from collections.abc import Callable

import tensorflow as tf

from i2i_keras.models import draws
from i2i_keras.training import compilation
from i2i_keras.translators import health
from i2i_keras.translators.adversarial_config import AdversarialConfig
from i2i_keras.translators.losses import ADVERSARIAL

Logits = Callable[[tf.Tensor], tf.Tensor]


def terms(
    config: AdversarialConfig,
    logits: Logits,
    real: tf.Tensor,
    fake: tf.Tensor,
    step: tf.Tensor,
    seed: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """The adversarial loss, and the penalties that have a weight.

    Args:
        config: which loss and which penalties.
        logits: of images, by the discriminator.
        real: what it sees of the real images, `(batch, height, width, 3)`.
        fake: what it sees of the fakes.
        step: number of the step.
        seed: two integers.

    Returns:
        `loss`, halved because that "slows down the rate at which D learns"
        (Zhu et al., 2017, section 7.1), `gradient_penalty` and `r1`, and
        `health.discriminator_signals`.
    """
    adversarial = ADVERSARIAL[config.adversarial].discriminator
    target = (1.0 - config.label_smoothing,) if config.label_smoothing else ()
    apart = config.discriminator.norm == "batch"
    reals, fakes = compilation.passes(logits, [real, fake], apart)
    found = {"loss": 0.5 * adversarial(reals, fakes, *target)}
    found |= health.discriminator_signals(config.adversarial, reals, fakes)
    if "gradient_penalty" in config.penalties:
        found["gradient_penalty"] = gradient_penalty(logits, real, fake, seed)
    if "r1" in config.penalties:
        found["r1"] = lazy_r1(logits, real, step, config.r1_every)
    return found


def gradient_penalty(
    logits: Logits, real: tf.Tensor, fake: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
    """Mean of (|gradient| - 1)^2 on random places between reals and fakes.

    Args:
        logits: of images, by the discriminator.
        real: images `(batch, height, width, 3)`.
        fake: images of the same shape.
        seed: two integers, of the places.

    Reference:
        Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028, equation 3.
    """
    place = draws.uniform_rows((tf.shape(real)[0], 1, 1, 1), seed)
    squares = _squared_gradients(logits, place * real + (1.0 - place) * fake)
    # The root's own gradient is infinite at 0.
    return tf.reduce_mean(tf.square(tf.sqrt(squares + 1e-12) - 1.0))


def lazy_r1(logits: Logits, real: tf.Tensor, step: tf.Tensor, every: int) -> tf.Tensor:
    """R1 of every n-th step, n-fold; 0 in the others.

    Reference:
        Karras et al., 2020, https://arxiv.org/abs/1912.04958, section 3.1.
    """
    if every == 1:
        return r1(logits, real)
    return tf.cond(
        tf.equal(step % every, 0), lambda: every * r1(logits, real), lambda: tf.constant(0.0)
    )


def r1(logits: Logits, real: tf.Tensor) -> tf.Tensor:
    """Half the mean of |gradient|^2 at reals.

    Args:
        logits: of images, by the discriminator.
        real: images `(batch, height, width, 3)`.

    Reference:
        Mescheder et al., 2018, https://arxiv.org/abs/1801.04406, equation 9,
        without its weight gamma.
    """
    return 0.5 * tf.reduce_mean(_squared_gradients(logits, real))


def _squared_gradients(logits: Logits, images: tf.Tensor) -> tf.Tensor:
    """Squared length of the gradient of each image's score, `(batch,)`."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        scores = logits(images)
        total = tf.reduce_sum(scores)
    # Divided now and not above: in float16 small gradients would be zero.
    gradients = tape.gradient(total, images) / tf.cast(tf.size(scores[0]), tf.float32)
    return tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3])
