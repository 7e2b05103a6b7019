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
        smooth: whether `discriminator` takes another target of reals than 1.
        critic_steps: updates of the discriminators for one of the generators,
            unless the settings say otherwise.
        gradient_penalty: weight of the penalty, unless the settings say
            otherwise.
    """

    generator: Callable[[tf.Tensor], tf.Tensor]
    discriminator: Callable[..., tf.Tensor]
    smooth: bool = False
    critic_steps: int = 1
    gradient_penalty: float = 0.0


def lsgan_generator(fake: tf.Tensor) -> tf.Tensor:
    """Mean of (fake - 1)^2.

    Reference:
        Mao et al., 2017, https://arxiv.org/abs/1611.04076, equation 9, as in
        Zhu et al., 2017, section 3.1.
    """
    return tf.reduce_mean(tf.square(fake - 1.0))


def lsgan_discriminator(real: tf.Tensor, fake: tf.Tensor, target: float = 1.0) -> tf.Tensor:
    """Mean of (real - target)^2 plus mean of fake^2."""
    return tf.reduce_mean(tf.square(real - target)) + tf.reduce_mean(tf.square(fake))


def bce_generator(fake: tf.Tensor) -> tf.Tensor:
    """Mean of -log sigmoid(fake), in the form that cannot overflow.

    Reference:
        Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661, section 3
        (the non-saturating loss); report, section 4.1.
    """
    return tf.reduce_mean(tf.nn.softplus(-fake))


def bce_discriminator(real: tf.Tensor, fake: tf.Tensor, target: float = 1.0) -> tf.Tensor:
    """Cross entropy of reals with `target` plus that of fakes with 0.

    softplus(-z) is -log sigmoid(z), and z more is -log(1 - sigmoid(z)).
    """
    loss_real = tf.reduce_mean(tf.nn.softplus(-real) + (1.0 - target) * real)
    return loss_real + tf.reduce_mean(tf.nn.softplus(fake))


def hinge_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean of max(0, 1 - real) plus mean of max(0, 1 + fake).

    Reference:
        Lim and Ye, 2017, https://arxiv.org/abs/1705.02894; Miyato et al.,
        2018, https://arxiv.org/abs/1802.05957, equations 16 and 17.
    """
    return tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))


def critic_generator(fake: tf.Tensor) -> tf.Tensor:
    """Minus the mean of the fakes' logits: hinge's and Wasserstein's."""
    return -tf.reduce_mean(fake)


def wasserstein_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean of the fakes' logits minus that of the reals'.

    Reference:
        Arjovsky et al., 2017, https://arxiv.org/abs/1701.07875, algorithm 1;
        critic steps and penalty: Gulrajani et al., 2017,
        https://arxiv.org/abs/1704.00028, algorithm 1.
    """
    return tf.reduce_mean(fake) - tf.reduce_mean(real)


ADVERSARIAL = {
    "lsgan": Adversarial(lsgan_generator, lsgan_discriminator, smooth=True),
    "bce": Adversarial(bce_generator, bce_discriminator, smooth=True),
    "hinge": Adversarial(critic_generator, hinge_discriminator),
    "wgan_gp": Adversarial(
        critic_generator, wasserstein_discriminator, critic_steps=5, gradient_penalty=10.0
    ),
}


def l1(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference."""
    return tf.reduce_mean(tf.abs(a - b))


def reconstruction(images: tf.Tensor, again: tf.Tensor, ssim: float) -> tf.Tensor:
    """What got lost: (1 - ssim) L1 + ssim (1 - multi-scale SSIM).

    Args:
        images: `(batch, height, width, channels)` in [-1, 1].
        again: what shall be the same.
        ssim: share of the structural part; a part of share 0 is not computed.

    Reference:
        Zhao et al., 2017, https://arxiv.org/abs/1511.08861, equation 15 (there
        with a share of 0.84), but with an L1 that is not weighted by a
        Gaussian.
    """
    if ssim == 0:
        return l1(images, again)
    structural = ssim * (1.0 - tf.reduce_mean(ms_ssim(images, again)))
    return structural if ssim == 1 else structural + (1.0 - ssim) * l1(images, again)


SSIM_WINDOW = 11
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Multi-scale structural similarity of each pair of images.

    Five scales, or as many as the window of 11 pixels fits into: three at 64
    pixels. The weights of those left out are shared among the others.

    Not TensorFlow's own: that one has an infinite gradient where structures
    are opposite, as they are when a generator inverts colors.

    Args:
        a: `(batch, height, width, channels)` in [-1, 1], sides static and at
            least 11.
        b: the same.

    Returns:
        `(batch,)`, 1 = equal; never below 0.

    Reference:
        Wang, Simoncelli and Bovik, 2003, section 3.2 and its weights.
    """
    smallest = min(a.shape[1:3])
    scales = [k for k in range(len(_SCALE_WEIGHTS)) if smallest >> k >= SSIM_WINDOW]
    weights = [_SCALE_WEIGHTS[k] / sum(_SCALE_WEIGHTS[: len(scales)]) for k in scales]
    product = 1.0
    for scale, weight in zip(scales, weights, strict=True):
        if scale:
            a, b = (tf.nn.avg_pool2d(images, 2, 2, "VALID") for images in (a, b))
        luminance, structure = _ssim_parts(a, b)
        factor = luminance * structure if scale == scales[-1] else structure
        factor = tf.reduce_mean(factor, axis=[1, 2])
        product *= tf.maximum(factor, 1e-4) ** weight
    return tf.reduce_mean(product, axis=-1)


def _ssim_parts(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Likeness of local means, and of local contrasts and structures."""
    c1, c2 = (0.01 * 2.0) ** 2, (0.03 * 2.0) ** 2  # 2 = the range's length.
    maps = _blur(tf.concat([a, b, a * a + b * b, a * b], axis=-1))
    mean_a, mean_b, squares, product = tf.split(maps, 4, axis=-1)
    means, squared_means = mean_a * mean_b, mean_a**2 + mean_b**2
    luminance = (2.0 * means + c1) / (squared_means + c1)
    structure = (2.0 * (product - means) + c2) / (squares - squared_means + c2)
    return luminance, structure


def _blur(images: tf.Tensor) -> tf.Tensor:
    """A Gaussian of deviation 1.5 in a window of 11, where it fits."""
    offsets = tf.range(SSIM_WINDOW, dtype=tf.float32) - SSIM_WINDOW // 2
    window = tf.nn.softmax(-(offsets**2) / (2 * 1.5**2))
    kernel = tf.tile(window[:, tf.newaxis, tf.newaxis, tf.newaxis], [1, 1, images.shape[-1], 1])
    rows = tf.nn.depthwise_conv2d(images, kernel, [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(rows, tf.transpose(kernel, [1, 0, 2, 3]), [1, 1, 1, 1], "VALID")
