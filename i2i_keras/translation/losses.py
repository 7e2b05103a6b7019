"""Losses of the translators: pure functions to a scalar."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Adversarial(NamedTuple):
    """One adversarial loss.

    Attributes:
        generator: from the logits of fakes to the generator's loss.
        discriminator: from the logits of reals and of fakes to the
            discriminator's loss.
    """

    generator: Callable[[tf.Tensor], tf.Tensor]
    discriminator: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def lsgan_generator(fake: tf.Tensor) -> tf.Tensor:
    """Mean of (fake - 1)^2.

    Reference:
        Mao et al., 2017, https://arxiv.org/abs/1611.04076, equation 9, as in
        Zhu et al., 2017, section 3.1.
    """
    return tf.reduce_mean(tf.square(fake - 1.0))


def lsgan_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean of (real - 1)^2 plus mean of fake^2."""
    return tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(fake))


def bce_generator(fake: tf.Tensor) -> tf.Tensor:
    """Mean of -log sigmoid(fake), in the form that cannot overflow.

    Reference:
        Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661, section 3
        (the non-saturating loss); report, section 4.1.
    """
    return tf.reduce_mean(tf.nn.softplus(-fake))


def bce_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean of -log sigmoid(real) plus mean of -log(1 - sigmoid(fake))."""
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


ADVERSARIAL = {
    "lsgan": Adversarial(lsgan_generator, lsgan_discriminator),
    "bce": Adversarial(bce_generator, bce_discriminator),
}


def l1(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference."""
    return tf.reduce_mean(tf.abs(a - b))
